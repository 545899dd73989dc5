from collections.abc import Callable

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.metrics.product_limit import censoring_survival, event_free_at

from ..conftest import Patients


def test_without_ties_it_is_lifelines_with_events_reversed(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(60, months=None)
    p.event[p.time.argmax()] = True  # so that G does not end at 0
    times = np.linspace(0, p.time.max(), 40)
    expected = KaplanMeierFitter().fit(p.time, ~p.event).predict(times).to_numpy()
    found = censoring_survival(time=p.time, event=p.event).at(times)
    assert found == pytest.approx(expected, abs=1e-12)


def test_who_has_the_event_is_not_at_risk_of_censoring_at_that_time() -> None:
    # At 5: three followed, one event, one censoring of the two who remain.
    g = censoring_survival(time=[5, 5, 9], event=[True, False, True])
    assert g.at(np.array([4.9, 5.0, 9.0])).tolist() == [1.0, 0.5, 0.5]


def test_a_time_after_the_last_patient_is_not_guessed() -> None:
    g = censoring_survival(time=[5, 9], event=[True, True])
    with pytest.raises(DegenerateSplitError, match="known up to time 9, and 1 of 2"):
        g.at(np.array([9.0, 9.1]))


def test_a_weight_is_never_infinite() -> None:
    g = censoring_survival(time=[5, 9], event=[True, False])
    with pytest.raises(DegenerateSplitError, match="known up to time 5"):
        g.at(np.array([9.0]))


def test_event_free_survival_is_that_of_lifelines_with_ties(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(60)
    times = np.array([0.0, 0.5, 1.0, 6.5, 12.0, 99.0])
    expected = KaplanMeierFitter().fit(p.time, p.event).predict(times).to_numpy()
    found = event_free_at(times, time=p.time, event=p.event)
    assert found == pytest.approx(expected, abs=1e-12)


def test_nobody_tells_nothing() -> None:
    with pytest.raises(DegenerateSplitError, match="Censoring cannot be estimated from 0"):
        censoring_survival(time=[], event=[])
    with pytest.raises(DegenerateSplitError, match="Survival cannot be estimated from 0"):
        event_free_at(np.array([1.0]), time=[], event=[])
