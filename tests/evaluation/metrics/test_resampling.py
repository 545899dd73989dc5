"""A thousand resamples at once give what the plain functions give on repeated rows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.classes import class_metrics
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.metric import Metric
from msfusion_sdk.evaluation.metrics.predictions import ClassPredictions, SurvivalPredictions
from msfusion_sdk.evaluation.metrics.survival import survival_metrics
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome

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


def _on_rows(metric: Metric, out_of_fold: object, take: Callable) -> list[float]:
    return [metric.value(take(np.repeat(np.arange(60), row.astype(int)))) for row in DRAWS]


@pytest.mark.parametrize("metric", survival_metrics(PLAN)[:5], ids=lambda metric: metric.name)
def test_survival_statistics_agree(metric: Metric, survival: SurvivalPredictions) -> None:
    expected = _on_rows(metric, survival, survival.take)
    assert metric.statistic(survival)(DRAWS) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("place", range(5))
def test_class_statistics_agree(place: int, count: int) -> None:
    metric, out_of_fold = class_metrics("abc"[:count])[place], _classes(count)
    expected = _on_rows(metric, out_of_fold, out_of_fold.take)
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
