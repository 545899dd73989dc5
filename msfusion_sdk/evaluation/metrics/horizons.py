"""The times at which survival is judged: the same in every fold, and inside all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.errors import DegenerateSplitError, ShapeError
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.survival.checks import require_horizons
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["TimePlan", "plan_times", "with_unit"]

# The quantile of training times: see ``plan_times`` for what follows from it.
_FOLLOW_UP = 0.8
_STEPS = 50
_QUARTERS = (0.25, 0.5, 0.75)
_LANDMARKS = {
    "days": (7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 3650),
    "weeks": (2, 4, 8, 13, 26, 52, 104, 156, 260, 520),
    "months": (1, 2, 3, 6, 12, 18, 24, 36, 48, 60, 84, 120, 180, 240),
    "years": (0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20),
}
"""Horizons that people speak of, by unit."""


@dataclass(frozen=True, eq=False)
class TimePlan:
    """When survival is judged; unit of ``time``."""

    tau: float
    """Uno's concordance counts events before this, and the Brier score ends here."""
    horizons: tuple[float, ...]
    """Where AUROC and calibration are reported, ascending."""
    grid: Floats
    """Shape (50,): equal steps up to ``tau``, for the integrated Brier score."""

    @property
    def times(self) -> Floats:
        """All times at which survival is predicted, ascending."""
        return np.union1d(self.grid, self.horizons)

    def columns(self, times: ArrayLike) -> Rows:
        """Return the places of ``times`` in :attr:`times`."""
        return np.searchsorted(self.times, np.atleast_1d(times))


def plan_times(
    outcome: SurvivalOutcome,
    folds: Sequence[Fold],
    horizons: ArrayLike | None = None,
    tau: float | None = None,
) -> TimePlan:
    """Return the times for these folds.

    ``tau`` is the smallest, over the folds, of four times: the latest training time at which the
    chance ``G`` of being uncensored is above 0, the latest training time, the latest test time,
    and the 80th percentile of training times.  Since a fifth of the training patients are
    followed longer than that, ``G`` is at least 0.2 there, and no weight ``1 / G`` exceeds 5.
    Folds without a test event decide nothing and do not shorten it.

    Parameters
    ----------
    horizons : ascending times above 0, optional
        By default up to three that people speak of (12 or 24 months, say), nearest to the
        quartiles of the events up to ``tau``; those quartiles, to two digits, without a unit.
    tau : float, optional
        Instead of the time above.

    Raises
    ------
    ShapeError
        When ``horizons`` do not ascend from above 0, or ``tau`` is not above 0.
    DegenerateSplitError
        When nobody is followed, or ``tau`` lies beyond what the training patients tell.
    """
    ends, wishes = [], []
    for fold in folds:
        test = outcome.of(fold.test_ids)
        if test.event.any():
            train = outcome.of(fold.train_ids)
            ends.append(censoring_survival(time=train.time, event=train.event).end)
            wishes += [float(np.quantile(train.time, _FOLLOW_UP)), float(test.time.max())]
    limit, usual = min(ends), min(*ends, *wishes)
    if usual <= 0:
        msg = "A fold's patients are followed for no time at all. Check the times of the outcome."
        raise DegenerateSplitError(msg)
    tau = usual if tau is None else _require_tau(tau, limit)
    chosen = (
        _chosen(outcome.time[outcome.event & (outcome.time <= tau)], tau, outcome.unit)
        if horizons is None
        else _require_horizons(horizons)
    )
    # Without time 0, at which everybody is event-free and no model errs.
    return TimePlan(tau, chosen, np.linspace(0, tau, _STEPS + 1)[1:])


def with_unit(time: float, unit: str | None) -> str:
    """Return a time as people say it: ``24 months``, ``1 year``, or the bare number."""
    if unit is None:
        return f"{time:g}"
    return f"{time:g} {unit.removesuffix('s') if time == 1 else unit}"


def _require_tau(tau: float, limit: float) -> float:
    if not (np.isfinite(tau) and tau > 0):
        msg = f"tau must be above 0, and is {tau:g}."
        raise ShapeError(msg)
    if tau > limit:
        msg = (
            f"tau = {tau:g} lies beyond the follow-up of the training patients: in some fold all "
            f"have left by {limit:g}, and nothing says who was censored later. Choose a tau up to "
            "that time, or none."
        )
        raise DegenerateSplitError(msg)
    return float(tau)


def _require_horizons(horizons: ArrayLike) -> tuple[float, ...]:
    chosen = tuple(require_horizons(horizons).tolist())
    if chosen[0] <= 0:
        msg = f"horizons must be above 0, and begin with {chosen[0]:g}."
        raise ShapeError(msg)
    return chosen


def _chosen(events: Floats, tau: float, unit: str | None) -> tuple[float, ...]:
    """Return the landmark nearest to each quartile of the events, or rounded quartiles."""
    if not len(events):
        return ()
    quarters = np.quantile(events, _QUARTERS)
    marks = np.array([mark for mark in _LANDMARKS.get(unit or "", ()) if mark <= tau])
    # Before the first event there are no cases to find.
    inside = marks[marks >= events.min()]
    if len(inside):
        # By ratio: 12 is as far from 6 as from 24.
        apart = np.abs(np.log(inside[:, None]) - np.log(np.maximum(quarters, 1e-9)))
        return tuple(sorted({float(inside[row]) for row in apart.argmin(axis=0)}))
    rounded = [float(f"{time:.2g}") for time in quarters]
    return tuple(sorted({time for time in rounded if 0 < time <= tau}))
