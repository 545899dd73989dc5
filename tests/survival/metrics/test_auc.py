from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from msfusion_sdk.errors import DegenerateSplitError, ShapeError
from msfusion_sdk.survival.metrics.auc import time_dependent_auc

from ..conftest import Patients

YES, NO = True, False
UNCENSORED = {"train_time": [99.0], "train_event": [YES]}


def test_counted_by_hand() -> None:
    # At 2.5: cases at 1 and 2, controls at 3 and 4.  Won 3 of 4 pairs, one tied.
    found = time_dependent_auc(
        time=[1, 2, 3, 4], event=[YES] * 4, risk=[9, 5, 5, 1], times=[2.5], **UNCENSORED
    )
    assert found.auc.tolist() == [3.5 / 4]
    assert found.mean == 3.5 / 4


def test_a_case_is_weighted_up_for_those_censored_before_it() -> None:
    # In training half of the patients are censored at 1, so the case at 2 weighs 2, that at 0.5, 1.
    found = time_dependent_auc(
        time=[0.5, 2, 3], event=[YES, YES, NO], risk=[0, 2, 1], times=[2],
        train_time=[1, 9], train_event=[NO, YES],
    )  # fmt: skip
    assert found.auc.tolist() == [(1 * 0 + 2 * 1) / 3]


def test_patients_censored_by_then_are_neither_case_nor_control() -> None:
    found = time_dependent_auc(
        time=[1, 2, 3], event=[YES, NO, NO], risk=[2, 9, 1], times=[2], **UNCENSORED
    )
    assert found.auc.tolist() == [1.0]


def test_without_censoring_it_is_the_auc_of_scikit_learn(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(80)
    times = np.array([2.0, 4.0, 7.0])
    event = np.ones(80, bool)
    found = time_dependent_auc(time=p.time, event=event, risk=p.risk, times=times, **UNCENSORED)
    expected = [roc_auc_score(p.time <= t, p.risk) for t in times]
    assert found.auc.tolist() == pytest.approx(expected, abs=1e-12)


def slow_g(t: Any, time: Any, event: Any) -> float:
    product = 1.0
    for u in sorted({u for u in time if u <= t}):
        at_risk = sum(1 for v, e in zip(time, event, strict=True) if v > u or (v == u and not e))
        censored = sum(1 for v, e in zip(time, event, strict=True) if v == u and not e)
        product *= 1 - censored / at_risk if at_risk else 1.0
    return product


def slow_auc(t: Any, p: Any, training: Any) -> float:
    won = total = 0.0
    for i in range(len(p.time)):
        for j in range(len(p.time)):
            if p.event[i] and p.time[i] <= t < p.time[j]:
                weight = 1 / slow_g(p.time[i], training.time, training.event)
                total += weight
                lead = p.risk[i] - p.risk[j]
                won += weight * (0.5 if abs(lead) <= 1e-8 else float(lead > 0))
    return won / total


def test_it_is_the_slow_count_of_every_pair_and_the_mean_follows_the_events(
    make_patients: Callable[..., Patients],
) -> None:
    p, training = make_patients(50, seed=1), make_patients(60, seed=2)
    times = [2.0, 5.0, 9.0]
    found = time_dependent_auc(
        time=p.time,
        event=p.event,
        risk=p.risk,
        times=times,
        train_time=training.time,
        train_event=training.event,
    )
    expected = [slow_auc(t, p, training) for t in times]
    assert found.auc.tolist() == pytest.approx(expected, abs=1e-12)
    survival = [1.0, *(slow_survival(t, p) for t in times)]
    share = [(a - b) / (1 - survival[-1]) for a, b in pairwise(survival)]
    mean = sum(s * a for s, a in zip(share, expected, strict=True))
    assert found.mean == pytest.approx(mean, abs=1e-12)


def slow_survival(t: Any, p: Any) -> float:
    product = 1.0
    for u in sorted({u for u in p.time if u <= t}):
        product *= 1 - sum((p.time == u) & p.event) / sum(p.time >= u)
    return product


@pytest.mark.parametrize("t", [0.5, 4.0])
def test_a_time_without_cases_or_controls_is_refused(t: float) -> None:
    with pytest.raises(DegenerateSplitError, match=f"The AUC at time {t:g} needs"):
        time_dependent_auc(
            time=[1, 2, 4], event=[YES] * 3, risk=[3, 2, 1], times=[t], **UNCENSORED
        )  # fmt: skip


@pytest.mark.parametrize("times", [[], [2.0, 1.0], [1.0, 1.0], [1.0, np.nan]])
def test_times_have_to_ascend(times: list[float]) -> None:
    with pytest.raises(ShapeError, match="ascend"):
        time_dependent_auc(
            time=[1, 2, 4], event=[YES] * 3, risk=[3, 2, 1], times=times, **UNCENSORED
        )  # fmt: skip
