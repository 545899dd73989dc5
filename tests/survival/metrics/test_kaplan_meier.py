from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lifelines.statistics import logrank_test

from msfusion_sdk.errors import DegenerateSplitError, ShapeError
from msfusion_sdk.survival.metrics.kaplan_meier import kaplan_meier, kaplan_meier_by_group, log_rank

from ..conftest import Patients

YES, NO = True, False


def test_a_curve_counted_by_hand() -> None:
    curve = kaplan_meier(time=[1, 2, 2, 4], event=[YES, YES, NO, YES])
    assert curve.times.tolist() == [0, 1, 2, 4]
    assert curve.survival.tolist() == pytest.approx([1, 3 / 4, 3 / 4 * 2 / 3, 0])
    assert curve.at_risk.tolist() == [4, 4, 3, 1]


def test_limits_follow_greenwood_on_the_log_log_scale() -> None:
    curve = kaplan_meier(time=[1, 2, 3, 4, 5], event=[YES, NO, YES, NO, NO])
    s, variance = 4 / 5 * 2 / 3, 1 / (5 * 4) + 1 / (3 * 2)
    width = 1.959963984540054 * np.sqrt(variance) / np.log(s)
    assert curve.lower[3] == pytest.approx(s ** np.exp(-width), abs=1e-9)
    assert curve.upper[3] == pytest.approx(s ** np.exp(width), abs=1e-9)


def test_a_curve_is_read_between_its_steps() -> None:
    curve = kaplan_meier(time=[1, 2, 2, 4], event=[YES, YES, NO, YES])
    assert curve.at(np.array([0.0, 0.9, 1.0, 3.9, 9.0])).tolist() == pytest.approx(
        [1, 1, 0.75, 0.5, 0]
    )
    assert curve.at_risk_at(np.array([0.0, 1.0, 1.5, 2.0, 5.0])).tolist() == [4, 4, 3, 3, 0]


def test_before_the_first_patient_came_nobody_had_an_event() -> None:
    # Under observation at 5: three. At 8: two. At 9: one.
    curve = kaplan_meier(time=[5, 6, 8, 9], event=[YES, NO, YES, YES], entry=[2, 3, 2, 7])
    assert curve.at(np.array([0.0, 1.0, 2.0, 5.0, 8.0, 9.0])).tolist() == pytest.approx(
        [1, 1, 1, 2 / 3, 1 / 3, 0]
    )
    assert (curve.times[0], curve.lower[0], curve.upper[0]) == (0, 1, 1)


def test_who_comes_later_is_not_at_risk_before() -> None:
    curve = kaplan_meier(time=[5, 6, 8, 9], event=[YES, NO, YES, YES], entry=[2, 3, 2, 7])
    counts = curve.at_risk_at(np.array([0.0, 1.0, 2.5, 5.0, 6.5, 8.0]))
    assert counts.tolist() == [0, 0, 2, 3, 1, 2]


def test_each_group_has_the_curve_of_its_patients(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(60)
    group = np.where(p.risk > 0, "high", "low")
    curves = kaplan_meier_by_group(time=p.time, event=p.event, group=group, groups=("low", "high"))
    assert list(curves) == ["low", "high"]
    alone = kaplan_meier(time=p.time[p.risk > 0], event=p.event[p.risk > 0])
    assert curves["high"].survival.tolist() == alone.survival.tolist()


def test_the_log_rank_test_of_two_groups_is_that_of_lifelines(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(60)
    high = p.risk > 0
    expected = logrank_test(p.time[high], p.time[~high], p.event[high], p.event[~high])
    group = np.where(high, "high", "low")
    found = log_rank(time=p.time, event=p.event, group=group, groups=("low", "high"))
    assert found.statistic == pytest.approx(expected.test_statistic)
    assert found.p_value == pytest.approx(expected.p_value)
    assert found.degrees_of_freedom == 1


@pytest.mark.parametrize("function", [kaplan_meier_by_group, log_rank])
def test_an_empty_group_is_an_error_that_names_it(function: Any) -> None:
    with pytest.raises(DegenerateSplitError, match=r"'high' .*'low': 2, 'high': 0"):
        function(time=[1, 2], event=[YES, YES], group=["low"] * 2, groups=("low", "high"))


def test_a_group_that_was_not_named_is_an_error() -> None:
    with pytest.raises(ShapeError, match="'middle'"):
        log_rank(time=[1, 2], event=[YES, YES], group=["low", "middle"], groups=("low", "high"))


def test_one_group_cannot_be_compared() -> None:
    with pytest.raises(DegenerateSplitError, match="two groups or more"):
        log_rank(time=[1, 2], event=[YES, YES], group=["low"] * 2, groups=("low",))


def test_a_log_rank_test_without_events_is_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match="none among 2 patients"):
        log_rank(time=[1, 2], event=[NO, NO], group=["low", "high"], groups=("low", "high"))


def test_nobody_has_no_curve() -> None:
    with pytest.raises(DegenerateSplitError, match="there are none"):
        kaplan_meier(time=[], event=[])


def test_each_patient_needs_a_group() -> None:
    with pytest.raises(ShapeError, match=r"group must have shape \(2,\)"):
        log_rank(time=[1, 2], event=[YES, YES], group=["low"], groups=("low", "high"))
