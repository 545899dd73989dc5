"""Tau and horizons: inside every fold, away from where censoring is hardly known."""

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.errors import DegenerateSplitError, ShapeError
from msfusion_sdk.evaluation.folds.folds import Fold, make_folds
from msfusion_sdk.evaluation.metrics.horizons import plan_times
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

IDS = tuple(f"p{i}" for i in range(10))


def _outcome(event: list[int]) -> SurvivalOutcome:
    return SurvivalOutcome(IDS, np.arange(1.0, 11), np.array(event, bool))


def test_tau_is_counted_by_hand() -> None:
    # Training times 1..5 have their 80th percentile at 4.2, 6..10 at 9.2; the first five
    # test patients are followed up to 5.
    folds = (Fold(IDS[:5], IDS[5:]), Fold(IDS[5:], IDS[:5]))
    assert plan_times(_outcome([1] * 10), folds).tau == pytest.approx(4.2)


def test_a_fold_without_test_events_does_not_shorten_tau() -> None:
    folds = (Fold(IDS[:5], IDS[5:]), Fold(IDS[5:], IDS[:5]))
    assert plan_times(_outcome([1] * 5 + [0] * 5), folds).tau == 5


def test_the_chance_of_being_uncensored_is_at_least_a_fifth_at_tau() -> None:
    rng = np.random.default_rng(0)
    time, ids = rng.exponential(10, 300), pd.Index([f"p{i:03d}" for i in range(300)])
    y = read_outcome(pd.DataFrame({"time": time, "event": rng.random(300) < 0.2}, ids))
    folds = make_folds(y)
    tau = plan_times(y, folds).tau
    for fold in folds:
        train = y.rows(fold.train_ids)
        censoring = censoring_survival(time=y.time[train], event=y.event[train])  # type: ignore[attr-defined]
        assert censoring.at(np.array([tau]))[0] >= 0.2


def test_horizons_are_quartiles_of_the_events_unless_given() -> None:
    folds = (Fold(IDS[:5], IDS[5:]), Fold(IDS[5:], IDS[:5]))
    outcome = _outcome([1] * 5 + [0] * 5)
    assert plan_times(outcome, folds).horizons == (2, 3, 4)
    assert plan_times(outcome, folds, [12, 36]).horizons == (12, 36)


def test_with_a_unit_horizons_are_times_that_people_speak_of() -> None:
    rng = np.random.default_rng(0)
    time, ids = rng.exponential(30, 400), tuple(f"p{i:03d}" for i in range(400))
    outcome = SurvivalOutcome(ids, time, rng.random(400) < 0.6, "months")
    folds = make_folds(outcome)
    # Quartiles of the events up to tau: 8.1, 18.3 and 30.6 months.
    assert plan_times(outcome, folds).horizons == (6, 18, 36)
    years = SurvivalOutcome(ids, time / 12, outcome.event, "years")
    assert plan_times(years, folds).horizons == (0.5, 1.5, 3)


def test_a_given_tau_is_used_up_to_where_censoring_is_known() -> None:
    folds = (Fold(IDS[:5], IDS[5:]), Fold(IDS[5:], IDS[:5]))
    outcome = _outcome([1] * 10)
    assert plan_times(outcome, folds, tau=4.5).tau == 4.5
    with pytest.raises(DegenerateSplitError, match=r"tau = 6 lies beyond .* by 5, and"):
        plan_times(outcome, folds, tau=6)


def test_follow_up_that_ends_at_one_date_keeps_tau_before_it() -> None:
    time, event = np.array([1.0, 2, 3, 4, 5] * 2), np.array([1, 1, 1, 0, 0] * 2, bool)
    outcome = SurvivalOutcome(IDS, time, event)
    folds = (Fold(IDS[:5], IDS[5:]), Fold(IDS[5:], IDS[:5]))
    # All who are left at 5 are censored there, so nobody is known to be uncensored at 5.
    assert plan_times(outcome, folds).tau == 4


@pytest.mark.parametrize("horizons", [[5, 3], [0, 3], [], [np.nan]])
def test_horizons_must_ascend_from_above_zero(horizons: list[float]) -> None:
    with pytest.raises(ShapeError):
        plan_times(_outcome([1] * 10), (Fold(IDS[:5], IDS[5:]),), horizons)


def test_patients_who_are_not_followed_are_refused() -> None:
    outcome = SurvivalOutcome(IDS, np.zeros(10), np.ones(10, bool))
    with pytest.raises(DegenerateSplitError, match="followed for no time"):
        plan_times(outcome, (Fold(IDS[:5], IDS[5:]),))
