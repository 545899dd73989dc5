"""Values of metrics against scikit-learn, lifelines and counts by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index as lifelines_concordance
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.preprocessing import label_binarize

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.class_metrics import class_metrics, expected_calibration_error
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.metric import Score, scored
from msfusion_sdk.evaluation.metrics.predictions import ClassPredictions, SurvivalPredictions
from msfusion_sdk.evaluation.metrics.survival_metrics import survival_metrics
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome

PLAN = TimePlan(tau=9.0, horizons=(5.0,), grid=np.linspace(0, 9, 51)[1:])


def _values(out_of_fold: ClassPredictions) -> dict[str, float]:
    return {
        metric.name: metric.value(out_of_fold)
        for metric in class_metrics(out_of_fold.outcome.classes)
    }


def _survival(time: list[float], event: list[int], risk: list[float]) -> SurvivalPredictions:
    count = len(time)
    return SurvivalPredictions(
        SurvivalOutcome(_ids(count), np.array(time, float), np.array(event, bool)),
        risk=np.array(risk, float),
        survival=np.full((count, 51), 0.5),
        train=SurvivalOutcome(_ids(20), np.arange(1.0, 21), np.ones(20, bool)),
        train_risk=pd.Series(dtype=float),
    )


def _classes(codes: list[int], proba: np.ndarray, classes: tuple[Any, ...]) -> ClassPredictions:
    return ClassPredictions(ClassOutcome(_ids(len(codes)), np.array(codes), classes), proba)


def _ids(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def test_three_classes_are_judged_one_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    codes, proba = rng.integers(0, 3, 90), rng.dirichlet([1, 1, 1], 90)
    values = _values(_classes(codes, proba, ("a", "b", "c")))
    one_hot = label_binarize(codes, classes=[0, 1, 2])
    macro = roc_auc_score(codes, proba, multi_class="ovr", average="macro")
    assert values["auroc"] == pytest.approx(macro, abs=1e-12)
    assert values["auprc"] == pytest.approx(
        average_precision_score(one_hot, proba, average="macro")
    )
    assert values["brier"] == pytest.approx(((proba - one_hot) ** 2).sum(axis=1).mean())
    assert values["log_loss"] == pytest.approx(log_loss(codes, proba))
    assert "calibration_slope" not in values


def test_two_classes_counted_by_hand() -> None:
    chance = np.array([0.9, 0.6, 0.4, 0.2])
    codes = np.array([1, 0, 1, 0])
    proba = np.column_stack([1 - chance, chance])
    values = _values(_classes(codes, proba, ("no", "yes")))
    assert values["auroc"] == 3 / 4
    assert values["auprc"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert values["balanced_accuracy"] == 1 / 2
    assert values["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.04) / 4)
    assert values["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.8]).mean())


def test_calibration_error_counted_by_hand() -> None:
    # Bin [.2, .3): mean .25, a third positive; bin [.9, 1]: mean .95, half positive.
    chance = np.array([0.25, 0.25, 0.25, 0.95, 0.95])
    proba = np.column_stack([1 - chance, chance])
    expected = 3 / 5 * (1 / 3 - 0.25) + 2 / 5 * (0.95 - 0.5)
    found = expected_calibration_error(np.array([1, 0, 0, 1, 0]), proba)
    assert found == pytest.approx(expected)


def test_calibration_error_of_three_classes_looks_at_the_likeliest() -> None:
    proba = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert expected_calibration_error(np.array([0, 2]), proba) == pytest.approx(0.8 - 0.5)


def test_the_slope_of_right_probabilities_is_one_and_of_doubled_logits_a_half() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(size=20_000)
    codes = (rng.random(20_000) < 1 / (1 + np.exp(-logit))).astype(int)
    for factor, slope in ((1, 1.0), (2, 0.5)):
        chance = 1 / (1 + np.exp(-factor * logit))
        proba = np.column_stack([1 - chance, chance])
        out_of_fold = _classes(codes, proba, (0, 1))
        assert _values(out_of_fold)["calibration_slope"] == pytest.approx(slope, abs=0.04)


def test_a_class_that_a_fold_lacks_has_a_reason_and_no_value() -> None:
    out_of_fold = _classes([0, 1], np.full((2, 3), 1 / 3), ("a", "b", "c"))
    scores = {
        m.name: scored(lambda m=m: m.value(out_of_fold))  # type: ignore[misc]
        for m in class_metrics(out_of_fold.outcome.classes)
    }
    assert scores["auroc"].value is None
    assert "None of the 2 test patients has class 'c'" in scores["auroc"].reason
    assert scores["log_loss"].value == pytest.approx(np.log(3))


def test_perfect_separation_has_no_calibration_slope() -> None:
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(DegenerateSplitError, match="separate the classes"):
        class_metrics((0, 1))[-1].value(_classes([0, 1], proba, (0, 1)))


def test_concordance_is_that_of_lifelines() -> None:
    rng = np.random.default_rng(0)
    time, event, risk = rng.exponential(5, 80), rng.random(80) < 0.5, rng.normal(size=80)
    out_of_fold = _survival(time.tolist(), event.tolist(), risk.tolist())
    expected = lifelines_concordance(time, -risk, event)
    assert survival_metrics(PLAN)[0].value(out_of_fold) == pytest.approx(expected, abs=1e-12)


def test_without_censoring_before_tau_uno_is_harrell() -> None:
    out_of_fold = _survival([1, 2, 3, 4], [1, 1, 1, 1], [4, 2, 3, 1])
    harrell, uno = survival_metrics(PLAN)[:2]
    assert uno.value(out_of_fold) == harrell.value(out_of_fold) == 5 / 6


def test_pooled_concordance_does_not_compare_risks_of_different_folds() -> None:
    # Each fold is perfect; risks of the second are far higher for later events.
    first = _survival([1, 2, 3], [1, 1, 1], [3, 2, 1])
    second = _survival([1, 2, 3], [1, 1, 1], [300, 200, 100])
    assert survival_metrics(PLAN)[0].pooled([first, second]) == 1


def test_what_weighs_by_censoring_is_not_pooled() -> None:
    bare = [metric.name for metric in survival_metrics(PLAN) if metric.pooled is None]
    assert bare == ["c_index_uno", "auc@5", "integrated_brier"]


def test_a_coin_has_an_integrated_brier_score_of_a_quarter() -> None:
    out_of_fold = _survival([10, 11, 12, 13], [1, 1, 1, 1], [0, 0, 0, 0])
    assert survival_metrics(PLAN)[3].value(out_of_fold) == pytest.approx(0.25)


def test_a_value_that_is_not_finite_is_a_reason() -> None:
    assert scored(lambda: float("nan")) == Score(None, "The value is not finite on these patients.")
