"""Patients who come under observation late: against lifelines, and slow sums over pairs."""

from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.datasets import load_multicenter_aids_cohort_study, load_rossi

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import SurvivalLabelError
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.cox.losses import cox_loss
from msfusion_sdk.survival.metrics.calibration import calibration_at
from msfusion_sdk.survival.metrics.concordance import concordance_index
from msfusion_sdk.survival.metrics.kaplan_meier import kaplan_meier
from msfusion_sdk.survival.metrics.product_limit import event_free_at


class Late(NamedTuple):
    values: Floats
    time: Floats
    event: Bools
    entry: Floats


@pytest.fixture(scope="module")
def late() -> Late:
    """150 patients in whole months, so that entries, events and censorings are tied."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 3))
    died, left = rng.exponential(12 * np.exp(-values[:, 0])), rng.uniform(3, 40, 400)
    time, event = np.ceil(np.minimum(died, left)), died <= left
    entry = np.floor(rng.uniform(0, 10, 400))
    seen = np.flatnonzero(entry < time)[:150]
    return Late(values[seen], time[seen], event[seen], entry[seen])


def test_the_cox_model_is_that_of_lifelines(late: Late) -> None:
    table = pd.DataFrame(late.values, columns=list("abc"))
    table = table.assign(time=late.time, event=late.event, entry=late.entry)
    theirs = CoxPHFitter().fit(
        table, "time", "event", entry_col="entry", fit_options={"precision": 1e-10}
    )
    ours = fit_cox(late.values, time=late.time, event=late.event, entry=late.entry, penalty=0)
    assert ours.coef == pytest.approx(theirs.params_.to_numpy(), abs=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-6)


def test_the_baseline_hazard_is_the_slow_sum_over_risk_sets(late: Late) -> None:
    fit = fit_cox(late.values, time=late.time, event=late.event, entry=late.entry, penalty=0.01)
    hazard = np.exp(fit.predict_log_hazard(late.values))
    total, expected = 0.0, []
    for t in fit.times:
        at_risk = (late.entry < t) & (late.time >= t)
        total += (late.event & (late.time == t)).sum() / hazard[at_risk].sum()
        expected.append(total)
    assert fit.cumulative_hazard == pytest.approx(expected, rel=1e-9)


def test_entry_at_zero_is_no_entry(late: Late) -> None:
    zero, none = (
        fit_cox(late.values, time=late.time, event=late.event, penalty=0.1, entry=entry)
        for entry in (np.zeros(len(late.time)), None)
    )
    assert zero.coef == pytest.approx(none.coef, abs=1e-9)


def test_the_loss_of_networks_is_minus_the_likelihood_per_event(late: Late) -> None:
    fit = fit_cox(late.values, time=late.time, event=late.event, entry=late.entry, penalty=0.05)
    risk = torch.from_numpy(fit.predict_log_hazard(late.values))
    time, event, entry = map(torch.from_numpy, (late.time, late.event, late.entry))
    loss = float(cox_loss(risk=risk, time=time, event=event, entry=entry))
    assert loss == pytest.approx(-fit.log_likelihood / late.event.sum(), abs=1e-9)


def test_kaplan_meier_is_that_of_lifelines(late: Late) -> None:
    theirs = KaplanMeierFitter().fit(late.time, late.event, entry=late.entry)
    times = np.arange(1.0, 30)
    expected = theirs.survival_function_at_times(times).to_numpy()
    ours = kaplan_meier(time=late.time, event=late.event, entry=late.entry)
    quick = event_free_at(times, time=late.time, event=late.event, entry=late.entry)
    assert ours.at(times) == pytest.approx(expected, abs=1e-9)
    assert quick == pytest.approx(expected, abs=1e-9)


def test_kaplan_meier_of_late_entry_is_that_of_lifelines_on_real_patients() -> None:
    table = load_multicenter_aids_cohort_study()
    theirs = KaplanMeierFitter().fit(table["T"], table["D"], entry=table["W"])
    times = np.array([2.0, 4, 6, 8])
    expected = theirs.survival_function_at_times(times).to_numpy()
    found = event_free_at(times, time=table["T"], event=table["D"], entry=table["W"])
    assert found == pytest.approx(expected, abs=1e-9)


def test_concordance_is_the_slow_count_of_pairs(late: Late) -> None:
    risk = late.values[:, 0].round(1)
    won, tied, pairs = 0, 0, 0
    for i, j in permutations(range(len(risk)), 2):
        later = late.time[j] > late.time[i] or (late.time[j] == late.time[i] and not late.event[j])
        if late.event[i] and later and late.entry[j] < late.time[i]:
            pairs += 1
            won += int(risk[i] > risk[j])
            tied += int(risk[i] == risk[j])
    found = concordance_index(time=late.time, event=late.event, risk=risk, entry=late.entry)
    assert found == pytest.approx((won + tied / 2) / pairs, abs=1e-12)


def test_calibration_knows_who_was_not_yet_observed(late: Late) -> None:
    fit = fit_cox(late.values, time=late.time, event=late.event, entry=late.entry, penalty=0)
    survival = fit.predict_survival(late.values, [12.0])[:, 0]
    found = calibration_at(
        12.0, time=late.time, event=late.event, survival=survival, entry=late.entry, bins=1
    )
    expected = KaplanMeierFitter().fit(late.time, late.event, entry=late.entry).predict(12.0)
    assert found.observed[0] == pytest.approx(1 - expected)
    assert found.slope == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("wrong", [-1.0, 9.0, 12.0])
def test_an_entry_that_cannot_be_is_refused(wrong: float) -> None:
    with pytest.raises(SurvivalLabelError, match="at least 0 and below time"):
        concordance_index(time=[9.0, 20], event=[True, True], risk=[1, 0], entry=[wrong, 0])


def test_without_late_entry_lifelines_agrees_on_real_patients() -> None:
    rossi = load_rossi()
    theirs = CoxPHFitter().fit(rossi, "week", "arrest", fit_options={"precision": 1e-10})
    values = rossi.drop(columns=["week", "arrest"]).to_numpy(np.float64)
    ours = fit_cox(values, time=rossi["week"], event=rossi["arrest"], penalty=0)
    assert ours.coef == pytest.approx(theirs.params_.to_numpy(), abs=1e-6)
