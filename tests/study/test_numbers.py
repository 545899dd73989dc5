"""A cohort whose outcome is a number: declared, trained, predicted, judged, reported."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, FusionClassifier, FusionRegressor, evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.report import write_report
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.models import SeenPatientsWarning, evaluate_on_cohort, predict_on_cohort
from msfusion_sdk.study.train import train_on_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    rng = np.random.default_rng(0)
    ids = [f"P{number:02d}" for number in range(60)]
    panel = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
    burden = (50 + 10 * panel["a"] + rng.normal(0, 3, 60)).where(panel.index != 7)
    patients = pd.DataFrame({"patient_id": ids, "burden": burden})
    made = Cohort.create(tmp_path_factory.mktemp("numbers") / "cohort", patients=patients)
    made.declare_outcome("burden", column="burden", kind="number")
    made.add_modality("panel", panel.assign(patient_id=ids))
    return made


@pytest.fixture(scope="module")
def evaluation(cohort: Cohort) -> Evaluation:
    return evaluate_on_cohort(cohort, "burden", folds=3, bootstrap=50)


def test_the_outcome_is_declared_for_good(cohort: Cohort) -> None:
    labels = Cohort.open(cohort.root).outcome("burden")
    assert labels.dtype == np.float64
    assert len(labels) == 59


def test_a_trained_model_predicts_numbers(cohort: Cohort, tmp_path: Path) -> None:
    record = train_on_cohort(cohort, "burden", tmp_path / "model")
    assert (record.kind, record.events, record.classes) == ("number", None, None)
    with pytest.warns(SeenPatientsWarning):
        predicted = predict_on_cohort(cohort, tmp_path / "model")
    assert list(predicted.columns) == ["predicted"]
    assert predicted["predicted"].corr(cohort.outcome("burden")) > 0.9


def test_the_planted_number_is_explained(evaluation: Evaluation) -> None:
    assert evaluation.kind == "number"
    assert evaluation.summary.loc[0, "mean"] > 0.8
    assert "beats chance" in evaluation.verdict[0]


def test_folder_and_report_hold_the_evaluation(evaluation: Evaluation, tmp_path: Path) -> None:
    written = write_evaluation(evaluation, tmp_path / "judged")
    assert {"forest.png", "calibration.png"} <= set(written)
    assert not any(name in written for name in ("roc.png", "risk_groups.png"))
    assert json.loads((tmp_path / "judged" / "evaluation.json").read_text())["kind"] == "number"
    page = write_report(tmp_path / "judged", tmp_path / "report.html")
    assert "R²" in page.read_text(encoding="utf-8")


def test_whole_numbers_given_as_classes_say_how_to_be_numbers() -> None:
    tables = {"panel": pd.DataFrame({"a": [1.0, 2.0]}, ["P0", "P1"])}
    with pytest.raises(TypeError, match=r"y.astype\(float\)"):
        evaluate(FusionRegressor(), tables, pd.Series([1, 2], ["P0", "P1"]))


def test_a_classifier_is_not_judged_on_numbers() -> None:
    tables = {"panel": pd.DataFrame({"a": np.arange(8.0)}, [f"P{n}" for n in range(8)])}
    numbers = pd.Series(np.arange(8) / 3, tables["panel"].index)
    with pytest.raises(ValueError, match="FusionRegressor"):
        evaluate(FusionClassifier(), tables, numbers, folds=2)
