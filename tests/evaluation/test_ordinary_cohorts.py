"""Cohorts as they come: an evaluation ends with numbers or reasons, never with an error."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.outcomes.survival import ZeroTimeWarning
from msfusion_sdk.tables.issues import TableWarning

pytestmark = pytest.mark.slow


class Study(NamedTuple):
    panel: pd.DataFrame
    y: pd.DataFrame


def study(patients: int = 120, seed: int = 0, end: float | None = None) -> Study:
    """A panel that tells the hazard; ``end`` cuts the follow-up of all at one time."""
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"P{number:03d}" for number in range(patients)], name="patient_id")
    panel = pd.DataFrame(rng.normal(size=(patients, 3)), ids, list("abc"))
    death = rng.exponential(40 * np.exp(-panel["a"]))
    last = rng.uniform(12, 90, patients)
    event, time = death <= last, np.minimum(death, last) + 0.1
    if end is not None:
        event, time = event & (time <= end), np.minimum(time, end)
    return Study(panel, pd.DataFrame({"time": time, "event": event}, ids))


def judged(tables: dict[str, pd.DataFrame], y: pd.DataFrame, **options: object) -> Evaluation:
    settings = {"folds": 3, "bootstrap": 20, "baselines": False, **options}
    return evaluate(FusionSurvival(), tables, y, **settings)


def has_all_values(result: Evaluation) -> bool:
    mine = result.summary[result.summary["model"] == "model"]
    return bool((mine["mean"].notna() | mine["pooled"].notna()).all())


@pytest.mark.parametrize("end", [12.0, 36.0, 60.0])
def test_follow_up_that_ends_for_all_at_one_date(end: float) -> None:
    made = study(end=end)
    result = judged({"panel": made.panel}, made.y)
    assert result.plan.tau < end
    assert has_all_values(result)


def test_nobody_is_censored() -> None:
    made = study()
    assert has_all_values(judged({"panel": made.panel}, made.y.assign(event=True)))


def test_times_in_whole_months() -> None:
    made = study()
    assert has_all_values(judged({"panel": made.panel}, made.y.assign(time=made.y.time.round())))


@pytest.mark.parametrize("cell", ["[Not Available]", "n.d.", None])
def test_a_patient_whose_only_cell_of_a_table_says_nothing(cell: str | None) -> None:
    made = study()
    grade = pd.Series(np.resize(["G1", "G2", "G3"], 120), made.panel.index, dtype=object)
    grade.iloc[7] = cell
    tables = {"clinical": grade.to_frame("grade"), "panel": made.panel}
    result = judged(tables, made.y, baselines=True, bootstrap=0)
    rows = result.summary.query("metric == 'c_index'").set_index("model")
    assert rows.loc["model", "patients"] == 120
    assert rows.loc["clinical alone", "patients"] == 119


def test_a_patient_known_only_by_a_column_that_is_not_used() -> None:
    made = study()
    clinical = pd.DataFrame({"age": (65 + 10 * made.panel["a"]).round()})
    clinical["note"] = None
    clinical.loc["P007"] = [np.nan, "a text that nobody else has"]  # type: ignore[assignment]
    with pytest.warns(TableWarning, match="nearly empty: 'note'"):
        result = judged({"clinical": clinical}, made.y, bootstrap=0)
    assert result.summary["patients"].iloc[0] == 119
    assert "1 patients hold nothing that 'model' can use" in " ".join(result.warnings)


def test_classes_of_true_and_false() -> None:
    made = study()
    result = evaluate(
        FusionClassifier(), {"panel": made.panel}, made.y["event"], folds=3, bootstrap=0
    )
    assert result.classes == (False, True)
    assert result.summary["mean"].notna().any()


def test_eight_patients_have_no_interval() -> None:
    made = study(8)
    result = judged({"panel": made.panel}, made.y.assign(event=[True, False] * 4), folds=2)
    assert result.summary["lower"].isna().all()
    assert "There are no intervals" in result.warnings[-1]
    assert "too few for an interval" in result.verdict[0]


def test_a_fold_that_a_model_cannot_decide_has_a_reason() -> None:
    made = study()
    # In the first fold nobody who has the panel is trained on.
    fold = pd.Series(np.arange(120) % 3, made.panel.index)
    tables = {
        "panel": made.panel[fold == 0],
        "other": pd.DataFrame({"x": np.arange(120.0)}, made.panel.index),
    }
    result = judged(tables, made.y, folds=fold, bootstrap=0)
    reasons = result.per_fold.query("metric == 'c_index'")["reason"]
    assert reasons.notna().tolist() == [True, False, False]
    assert "'model' was not fitted in 1 of 3 folds" in " ".join(result.warnings)


def test_calibration_is_judged_over_all_folds_together_alone() -> None:
    result = judged({"panel": study().panel}, study().y)
    slopes = result.summary[result.summary["metric"].str.startswith("calibration_slope")]
    assert slopes["mean"].isna().all()
    assert slopes["pooled"].notna().all()
    assert not result.per_fold["metric"].str.startswith("calibration").any()


def test_a_warning_of_every_fit_is_given_once() -> None:
    made = study()
    zero = made.y.copy()
    zero.iloc[:5, 0] = 0.0
    with pytest.warns(ZeroTimeWarning) as seen:
        judged({"panel": made.panel}, zero)
    texts = [str(one.message) for one in seen]
    # At the door of evaluate, and for the fits of three folds.
    assert len(texts) == 2
    assert "alike in 2 other fits" in texts[1]
