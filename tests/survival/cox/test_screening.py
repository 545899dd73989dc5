from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lifelines.statistics import logrank_test

from msfusion_sdk.errors import DegenerateSplitError, NonFiniteError
from msfusion_sdk.survival.cox.screening import cox_score_test

from ..conftest import Patients


def slow_z(x: Any, p: Any, ties: str) -> float:
    """Return the score over the root of its information, event by event."""
    score = information = 0.0
    for t in sorted(set(p.time[p.event])):
        died = np.flatnonzero((p.time == t) & p.event)
        for k, i in enumerate(died):
            left = k / len(died) if ties == "efron" else 0.0
            weight = np.where(p.time >= t, 1.0, 0.0)
            weight[died] -= left
            mean = np.average(x, weights=weight)
            score += x[i] - mean
            information += np.average((x - mean) ** 2, weights=weight)
    return score / np.sqrt(information)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_each_z_is_the_slow_sum_over_events(
    make_patients: Callable[..., Patients], ties: str
) -> None:
    p = make_patients(60, features=4)
    expected = [slow_z(column, p, ties) for column in p.values.T]
    found = cox_score_test(p.values, time=p.time, event=p.event, ties=ties)
    assert found.tolist() == pytest.approx(expected, abs=1e-9)


def test_for_two_groups_without_ties_it_is_the_log_rank_test(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(60, months=None)
    high = p.values[:, 0] > 0
    expected = logrank_test(p.time[high], p.time[~high], p.event[high], p.event[~high])
    found = cox_score_test(high[:, None], time=p.time, event=p.event)
    assert found[0] ** 2 == pytest.approx(expected.test_statistic, abs=1e-9)


def test_a_positive_z_means_an_earlier_event() -> None:
    time = np.arange(1.0, 11.0)
    found = cox_score_test(np.column_stack([-time, time]), time=time, event=np.ones(10, bool))
    assert found[0] > 2
    assert found[1] == pytest.approx(-found[0])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_constant_feature_has_z_zero(
    make_patients: Callable[..., Patients], value: float
) -> None:
    p = make_patients(60)
    found = cox_score_test(np.full((60, 1), value), time=p.time, event=p.event)
    assert found.tolist() == [0.0]


def test_unit_and_origin_of_a_feature_do_not_matter(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(60)
    found = cox_score_test(p.values * 1e-6 + 3, time=p.time, event=p.event)
    expected = cox_score_test(p.values, time=p.time, event=p.event)
    assert found == pytest.approx(expected, abs=1e-6)


def test_blocks_of_features_give_what_single_features_give(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(1000, features=2500)
    found = cox_score_test(p.values, time=p.time, event=p.event)
    for column in (0, 2096, 2097, 2098, 2499):  # a block holds 2,097 features of 1,000 patients
        alone = cox_score_test(p.values[:, [column]], time=p.time, event=p.event)
        assert found[column] == pytest.approx(alone[0], abs=1e-12)


def test_no_features_give_no_z(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(10)
    assert cox_score_test(np.ones((10, 0)), time=p.time, event=p.event).shape == (0,)


def test_no_events_are_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match="A score test"):
        cox_score_test([[1.0], [2.0]], time=[1, 2], event=[False, False])


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="values holds NaN"):
        cox_score_test([[1.0], [np.nan]], time=[1, 2], event=[True, True])
