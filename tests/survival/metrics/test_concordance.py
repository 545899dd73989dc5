from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.utils import concordance_index as lifelines_concordance

from msfusion_sdk.errors import DegenerateSplitError, NonFiniteError, ShapeError, SurvivalLabelError
from msfusion_sdk.survival.metrics.concordance import concordance_index, concordance_uno

from ..conftest import Patients

YES, NO = True, False
CENSORED_LATE = {"train_time": [90.0, 99.0], "train_event": [NO, NO]}  # G is 1 before 90


def slow_concordance(time: Any, event: Any, risk: Any, weight: Any, tied_tol: Any = 1e-8) -> float:
    """Every pair in turn; ``weight`` is that of the patient with the earlier event."""
    won = total = 0.0
    for i in range(len(time)):
        for j in range(len(time)):
            later = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if i != j and event[i] and later:
                total += weight[i]
                lead = risk[i] - risk[j]
                won += weight[i] * (0.5 if abs(lead) <= tied_tol else float(lead > 0))
    return won / total


def test_a_higher_risk_means_an_earlier_event() -> None:
    assert concordance_index(time=[1, 2, 3], event=[YES] * 3, risk=[3, 2, 1]) == 1
    assert concordance_index(time=[1, 2, 3], event=[YES] * 3, risk=[1, 2, 3]) == 0


def test_pairs_counted_by_hand() -> None:
    # Comparable: 1 with 2, 3, 4 and 3 with 4; patient 2 is censored before 3 and 4.
    # Won: 1-2, 3-4; lost: 1-3; tied: 1-4.
    found = concordance_index(time=[1, 2, 3, 4], event=[YES, NO, YES, NO], risk=[5, 1, 9, 5])
    assert found == 2.5 / 4


def test_at_equal_times_an_event_comes_before_a_censoring() -> None:
    assert concordance_index(time=[5, 5], event=[YES, NO], risk=[2, 1]) == 1
    assert concordance_index(time=[5, 5], event=[NO, YES], risk=[2, 1]) == 0


def test_two_events_at_one_time_are_not_comparable() -> None:
    found = concordance_index(time=[5, 5, 9], event=[YES, YES, NO], risk=[1, 7, 3])
    assert found == 1 / 2


@pytest.mark.parametrize(("gap", "expected"), [(0.0, 0.5), (5e-9, 0.5), (2e-8, 1.0)])
def test_risks_within_the_tolerance_count_one_half(gap: float, expected: float) -> None:
    assert concordance_index(time=[1, 2], event=[YES, YES], risk=[1 + gap, 1]) == expected


@settings(max_examples=80)
@given(st.integers(0, 10_000), st.integers(5, 60))
def test_it_is_that_of_lifelines_for_the_negative_risk(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    time, risk = rng.integers(1, 12, count).astype(float), rng.integers(0, 6, count).astype(float)
    event = rng.random(count) < 0.6
    # The first patient leaves first, so that some pair is comparable.
    time[0], event[0] = 0.5, True
    expected = lifelines_concordance(time, -risk, event)
    found = concordance_index(time=time, event=event, risk=risk)
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_patient_of_weight_2_counts_as_two_patients(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(60)
    copies = np.random.default_rng(1).integers(0, 4, 60)
    rows = np.repeat(np.arange(60), copies)
    expected = lifelines_concordance(p.time[rows], -p.risk[rows], p.event[rows])
    found = concordance_index(time=p.time, event=p.event, risk=p.risk, weights=copies)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", [int, float, object])
def test_events_as_numbers_mask_and_never_select_rows(kind: type) -> None:
    time, risk, event = [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1]
    found = concordance_index(time=time, event=np.array(event, kind), risk=risk)
    assert found == 1


@pytest.mark.parametrize(
    ("time", "event"),
    [([1, 2, 3], [NO, NO, NO]), ([1, 2, 3], [NO, NO, YES]), ([1], [YES]), ([], [])],
    ids=["all censored", "the last one dies", "one patient", "nobody"],
)
def test_without_a_comparable_pair_there_is_no_value(time: list[Any], event: list[Any]) -> None:
    with pytest.raises(DegenerateSplitError, match="No pair"):
        concordance_index(time=time, event=np.array(event, bool), risk=np.zeros(len(time)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_risk_that_is_no_number_is_refused_not_dropped(wrong: float) -> None:
    with pytest.raises(NonFiniteError, match="1 of 2 places"):
        concordance_index(time=[1, 2], event=[YES, YES], risk=[wrong, 1])


def test_a_column_of_risks_does_not_broadcast() -> None:
    with pytest.raises(ShapeError, match=r"shape \(3,\).*has \(3, 1\)"):
        concordance_index(time=[1, 2, 3], event=[YES] * 3, risk=np.ones((3, 1)))


def test_negative_weights_are_refused() -> None:
    with pytest.raises(SurvivalLabelError, match="at least 0"):
        concordance_index(time=[1, 2], event=[YES, YES], risk=[2, 1], weights=[1, -1])


def test_uno_without_censoring_in_training_is_harrell_up_to_tau(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(80)
    found = concordance_uno(
        time=p.time, event=p.event, risk=p.risk, train_time=[99], train_event=[YES], tau=6
    )
    # Whoever is followed to tau or longer is compared, and has no event of its own to offer.
    before = p.event & (p.time < 6)
    assert found.c_index == pytest.approx(
        slow_concordance(p.time, p.event, p.risk, before.astype(float)), abs=1e-12
    )


def test_uno_says_which_tau_it_used() -> None:
    found = concordance_uno(
        time=[1, 2, 3], event=[YES] * 3, risk=[3, 2, 1], tau=2.5, **CENSORED_LATE
    )
    assert (found.c_index, found.tau) == (1, 2.5)


def test_uno_counted_by_hand() -> None:
    # Training: one of four is censored at 1 and one of two at 3: G is 3/4 from 1, 3/8 from 3.
    training = {"train_time": [1, 2, 3, 4], "train_event": [NO, YES, NO, YES]}
    # The event at 2 weighs (4/3)^2, beats the one at 3 and loses to the patient at 4;
    # the event at 3 weighs (8/3)^2 and loses to the patient at 4.
    found = concordance_uno(
        time=[2, 3, 4], event=[YES, YES, NO], risk=[2, 1.5, 3], tau=4, **training
    )
    assert found.c_index == pytest.approx((16 / 9) / (2 * 16 / 9 + 64 / 9), abs=1e-12)


def test_uno_is_the_slow_count_of_every_pair(make_patients: Callable[..., Patients]) -> None:
    p, training = make_patients(70, seed=1), make_patients(90, seed=2, months=11)
    g = slow_censoring(training.time, training.event)
    counted = p.event & (p.time < 9)
    weight = [g(t) ** -2 if c else 0.0 for t, c in zip(p.time, counted, strict=True)]
    found = concordance_uno(
        time=p.time,
        event=p.event,
        risk=p.risk,
        train_time=training.time,
        train_event=training.event,
        tau=9,
    )
    expected = slow_concordance(p.time, p.event, p.risk, weight)
    assert found.c_index == pytest.approx(expected, abs=1e-12)


def slow_censoring(time: Any, event: Any) -> Any:
    def g(t: float) -> float:
        product = 1.0
        for u in sorted(set(time[time <= t])):
            at_risk = sum(time > u) + sum((time == u) & ~event)
            censored = sum((time == u) & ~event)
            product *= 1 - censored / at_risk if at_risk else 1
        return product

    return g


def test_uno_beyond_the_follow_up_of_training_is_refused() -> None:
    with pytest.raises(DegenerateSplitError, match="Choose an earlier tau"):
        concordance_uno(
            time=[1, 50, 60], event=[YES] * 3, risk=[3, 2, 1], tau=99,
            train_time=[10, 20], train_event=[YES, YES],
        )  # fmt: skip


def test_uno_where_censoring_leaves_nobody_is_refused() -> None:
    with pytest.raises(DegenerateSplitError, match="known up to time 10"):
        concordance_uno(
            time=[1, 20, 60], event=[YES] * 3, risk=[3, 2, 1], tau=50,
            train_time=[10, 20], train_event=[YES, NO],
        )  # fmt: skip


def test_uno_without_an_event_before_tau_has_no_value() -> None:
    with pytest.raises(DegenerateSplitError, match="No pair"):
        concordance_uno(
            time=[5, 6], event=[YES, YES], risk=[2, 1], tau=5, **CENSORED_LATE
        )  # fmt: skip


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        ([1, 2, 3], [YES, YES], "time has 3 rows and event 2"),
        ([[1], [2]], [YES, YES], "time must have shape"),
        ([1, 2], [[YES], [YES]], "event must have shape"),
    ],
)
def test_labels_that_do_not_fit_together_are_refused(time: Any, event: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        concordance_index(time=time, event=event, risk=[2, 1])
