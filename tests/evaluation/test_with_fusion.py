"""The fusion estimators go through the evaluation as they are."""

from typing import Any

import pytest

from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.estimators.survival import FusionSurvival

pytestmark = pytest.mark.slow


def test_fused_survival_beats_both_tables_although_adapters_are_named(cohort: Any) -> None:
    tables = {"genes": cohort.X["rna"], "clinical": cohort.X["clinical"]}
    model = FusionSurvival(adapters={"genes": "table", "clinical": "table"})
    result = evaluate(model, tables, cohort.y, folds=3, bootstrap=100)
    lost = result.contributions.query("metric == 'c_index'").set_index("table")
    assert (lost["lower"] > 0).all()


def test_fused_classes_beat_both_tables(cohort: Any) -> None:
    tables = {"genes": cohort.X["rna"], "panel": cohort.X["clinical"]}
    result = evaluate(FusionClassifier(), tables, cohort.classes, folds=3, bootstrap=100)
    lost = result.contributions.query("metric == 'auroc'").set_index("table")
    assert (lost["lower"] > 0).all()


@pytest.mark.parametrize("fusion", ["average", "stacking", "product_of_experts"])
def test_strategies_are_compared_on_one_set_of_folds(cohort: Any, fusion: str) -> None:
    models = {"concat": FusionSurvival(fusion="concat"), fusion: FusionSurvival(fusion=fusion)}
    tables = {"genes": cohort.X["rna"], "panel": cohort.X["clinical"]}
    result = evaluate(models, tables, cohort.y, folds=2, baselines=False, bootstrap=20)
    assert result.differences["patients"].eq(200).all()
