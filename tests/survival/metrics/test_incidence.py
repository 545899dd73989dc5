"""Cumulative incidence: against lifelines, and counted by hand where times are tied."""

import numpy as np
import pytest
from lifelines import AalenJohansenFitter

from msfusion_sdk.errors import SurvivalLabelError
from msfusion_sdk.survival.metrics.incidence import cumulative_incidence
from msfusion_sdk.survival.metrics.product_limit import event_free_at


def test_it_is_that_of_lifelines() -> None:
    rng = np.random.default_rng(0)
    time, cause = rng.exponential(10, 200), rng.integers(0, 3, 200)
    theirs = AalenJohansenFitter(calculate_variance=False).fit(time, cause, event_of_interest=1)
    found = cumulative_incidence(time=time, event=cause == 1, competing=cause == 2)
    times = np.array([1.0, 5, 10, 20])
    table = theirs.cumulative_density_.iloc[:, 0]
    expected = [table[table.index <= t].iloc[-1] for t in times]
    assert found.at(times) == pytest.approx(expected, abs=1e-9)


def test_tied_events_counted_by_hand() -> None:
    # Of four, one has the event and one another one at 2; of the two left, one has it at 3.
    found = cumulative_incidence(time=[2, 2, 3, 5], event=[1, 0, 1, 0], competing=[0, 1, 0, 0])
    assert found.at([1.0, 2, 3]) == pytest.approx([0, 1 / 4, 1 / 4 + 1 / 2 * 1 / 2])
    assert found.event_free.tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 4])


def test_without_other_events_it_is_one_minus_kaplan_meier() -> None:
    rng = np.random.default_rng(1)
    time, event = np.ceil(rng.exponential(5, 90)), rng.random(90) < 0.6
    entry = np.where(rng.random(90) < 0.5, time / 2, 0.0)
    none = np.zeros(90, np.bool_)
    found = cumulative_incidence(time=time, event=event, competing=none, entry=entry)
    times = np.array([1.0, 3, 6])
    expected = 1 - event_free_at(times, time=time, event=event, entry=entry)
    assert found.at(times) == pytest.approx(expected, abs=1e-12)


def test_one_patient_has_one_first_event() -> None:
    with pytest.raises(SurvivalLabelError, match="1 of 2 patients have both kinds"):
        cumulative_incidence(time=[1, 2], event=[1, 0], competing=[1, 0])
