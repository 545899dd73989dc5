"""A thousand resamples at once give what scikit-learn and slow counts give one by one."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    mean_squared_error,
    roc_auc_score,
)

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.class_metrics import class_metrics
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.metric import Metric
from msfusion_sdk.evaluation.metrics.predictions import ClassPredictions, SurvivalPredictions
from msfusion_sdk.evaluation.metrics.survival_metrics import survival_metrics
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome

Weight = Callable[[float], float]

PLAN = TimePlan(tau=9.0, horizons=(3.0, 7.0), grid=np.linspace(0, 9, 51)[1:])
DRAWS = np.random.default_rng(1).multinomial(60, [1 / 60] * 60, size=5).astype(float)


@pytest.fixture(scope="module")
def survival() -> SurvivalPredictions:
    """60 patients with tied times, tied risks and censoring at event times."""
    rng = np.random.default_rng(0)
    time, train_time = np.ceil(rng.exponential(6, 60)), np.ceil(rng.exponential(8, 200))
    risk = rng.normal(size=60).round(1)
    return SurvivalPredictions(
        SurvivalOutcome(_ids(60), time, rng.random(60) < 0.6),
        risk=risk,
        survival=np.exp(-np.exp(risk[:, None]) * PLAN.times / 10),
        train=SurvivalOutcome(_ids(200), train_time, rng.random(200) < 0.5),
        train_risk=pd.Series(dtype=float),
    )


def _classes(count: int) -> ClassPredictions:
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(count), 60).round(1) + 0.01
    proba /= proba.sum(axis=1, keepdims=True)
    names = tuple("abc"[:count])
    return ClassPredictions(ClassOutcome(_ids(60), np.arange(60) % count, names), proba)


def _ids(count: int) -> tuple[str, ...]:
    return tuple(f"p{number}" for number in range(count))


def _slow_censoring(time: Floats, event: Bools, t: float, *, before: bool = False) -> float:
    """Return how likely censoring comes after ``t``, or at ``t`` too, with events leaving first."""
    product = 1.0
    for step in sorted(set(time[time < t] if before else time[time <= t])):
        censored = sum((time == step) & ~event)
        at_risk = sum(time > step) + censored
        product *= 1 - censored / at_risk if at_risk else 1.0
    return product


def _slow_pairs(
    survival: SurvivalPredictions, counts: Floats, weight: Weight, until: float | None
) -> float:
    """Go through every pair of patients, each as often as it was drawn.

    With ``until`` the second is a control: free of the event then, whenever it ends.
    """
    time, event, risk = survival.outcome.time, survival.outcome.event, survival.risk
    won = total = 0.0
    for i in np.flatnonzero(event & (counts > 0)):
        for j in np.flatnonzero(counts):
            outlasts = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if outlasts if until is None else time[i] <= until < time[j]:
                pair = counts[i] * counts[j] * weight(time[i])
                total += pair
                won += pair * (0.5 if risk[i] == risk[j] else float(risk[i] > risk[j]))
    return float(won / total)


def _slow_brier(survival: SurvivalPredictions, counts: Floats) -> float:
    """Weigh who is free of the event by G after the time, who had it by G before it."""

    def g(t: float, *, before: bool = False) -> float:
        train = survival.train
        return _slow_censoring(train.time, train.event, t, before=before)

    curves = survival.survival[:, PLAN.columns(PLAN.grid)]
    scores = []
    for column, t in enumerate(PLAN.grid):
        free = 1 / g(t)
        errors = [
            free * (1 - curve[column]) ** 2
            if time > t
            else (curve[column] ** 2 / g(time, before=True) if event else 0.0)
            for curve, time, event in zip(
                curves, survival.outcome.time, survival.outcome.event, strict=True
            )
        ]
        scores.append(np.average(errors, weights=counts))
    trapezes = [(a + b) / 2 for a, b in pairwise(scores)]
    return float(np.mean(trapezes))  # the grid is even


def _slow_survival(name: str, survival: SurvivalPredictions, counts: Floats) -> float:
    def g(t: float) -> float:
        return _slow_censoring(survival.train.time, survival.train.event, t)

    if name == "integrated_brier":
        return _slow_brier(survival, counts)
    if name.startswith("auc@"):
        return _slow_pairs(survival, counts, lambda t: 1 / g(t), float(name.removeprefix("auc@")))
    if name == "c_index_uno":
        return _slow_pairs(survival, counts, lambda t: g(t) ** -2 if t < PLAN.tau else 0.0, None)
    return _slow_pairs(survival, counts, lambda t: 1.0, None)


def _sklearn(name: str, codes: Floats, proba: Floats, counts: Floats) -> float:
    """Return the metric by scikit-learn, a draw as weights."""
    one_hot, classes = np.eye(proba.shape[1])[codes], proba.shape[1]
    if name == "balanced_accuracy":
        return float(balanced_accuracy_score(codes, proba.argmax(1), sample_weight=counts))
    if name == "log_loss":
        return float(log_loss(codes, proba, sample_weight=counts))
    if name == "brier":
        mean = mean_squared_error(one_hot, proba, sample_weight=counts)
        return float(mean) * (classes if classes > 2 else 1)
    score = {"auroc": roc_auc_score, "auprc": average_precision_score}[name]
    columns = range(classes) if classes > 2 else [1]
    return float(
        np.mean([score(one_hot[:, c], proba[:, c], sample_weight=counts) for c in columns])
    )


@pytest.mark.parametrize("metric", survival_metrics(PLAN)[:5], ids=lambda metric: metric.name)
def test_survival_statistics_are_the_slow_count_of_drawn_patients(
    metric: Metric[SurvivalPredictions], survival: SurvivalPredictions
) -> None:
    assert metric.statistic is not None
    expected = [_slow_survival(metric.name, survival, counts) for counts in DRAWS]
    assert metric.statistic(survival)(DRAWS) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("place", range(5))
def test_class_statistics_are_those_of_scikit_learn_with_draws_as_weights(
    place: int, count: int
) -> None:
    metric, out_of_fold = class_metrics("abc"[:count])[place], _classes(count)
    assert metric.statistic is not None
    expected = [
        _sklearn(metric.name, out_of_fold.outcome.codes, out_of_fold.proba, w) for w in DRAWS
    ]
    assert metric.statistic(out_of_fold)(DRAWS) == pytest.approx(expected, abs=1e-12)


def test_a_draw_that_decides_nothing_has_no_value(survival: SurvivalPredictions) -> None:
    only_censored = (~survival.outcome.event).astype(float)[None]
    assert np.isnan(survival_metrics(PLAN)[0].statistic(survival)(only_censored)).all()


def test_metrics_without_interval_are_those_of_calibration() -> None:
    bare = [m.name for m in survival_metrics(PLAN) if m.statistic is None]
    assert bare == ["calibration_slope@3", "ici@3", "calibration_slope@7", "ici@7"]
    assert [m.name for m in class_metrics("ab") if m.statistic is None] == [
        "ece",
        "calibration_slope",
    ]


def test_a_fold_without_events_has_no_concordance(survival: SurvivalPredictions) -> None:
    eventless = survival.take(np.flatnonzero(~survival.outcome.event))
    for metric in survival_metrics(PLAN):
        if metric.name != "integrated_brier":
            with pytest.raises(DegenerateSplitError):
                metric.value(eventless)
