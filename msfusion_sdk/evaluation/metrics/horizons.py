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

__all__ = ["TimePlan", "plan_times"]

_FOLLOW_UP = 0.8
_STEPS = 50
_QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class TimePlan:
    """When survival is judged; unit of ``time``."""

    tau: float
    """Uno's concordance counts events before this, and the Brier score ends here."""
    horizons: tuple[float, ...]
    """Where AUC and calibration are reported, ascending."""
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
    outcome: SurvivalOutcome, folds: Sequence[Fold], horizons: ArrayLike | None = None
) -> TimePlan:
    """Return the times for these folds.

    ``tau`` is the smallest, over the folds, of three times: the latest training time, the
    latest test time, and the 80th percentile of training times.  Since a fifth of the training
    patients are followed longer than that, the chance ``G`` of being uncensored is at least
    0.2 there, and no weight ``1 / G`` exceeds 5.  Folds without a test event decide nothing
    and do not shorten it.

    Parameters
    ----------
    horizons : ascending times above 0, optional
        By default the quartiles of the events up to ``tau``, to three digits.

    Raises
    ------
    ShapeError
        When ``horizons`` do not ascend from above 0.
    DegenerateSplitError
        When ``tau`` is 0: nobody is followed.
    """
    rows = {patient: row for row, patient in enumerate(outcome.patient_ids)}
    limits = []
    for fold in folds:
        train = outcome.time[[rows[patient] for patient in fold.train_ids]]
        test = [rows[patient] for patient in fold.test_ids]
        if outcome.event[test].any():
            limits += [float(np.quantile(train, _FOLLOW_UP)), float(outcome.time[test].max())]
    tau = min(limits)
    if tau <= 0:
        msg = "A fold's patients are followed for no time at all. Check the times of the outcome."
        raise DegenerateSplitError(msg)
    if horizons is None:
        chosen = _quarters(outcome.time[outcome.event & (outcome.time <= tau)], tau)
    else:
        chosen = tuple(require_horizons(horizons).tolist())
        if chosen[0] <= 0:
            msg = f"horizons must be above 0, and begin with {chosen[0]:g}."
            raise ShapeError(msg)
    return TimePlan(tau, chosen, np.linspace(0, tau, _STEPS + 1)[1:])


def _quarters(events: Floats, tau: float) -> tuple[float, ...]:
    if not len(events):
        return ()
    rounded = [float(f"{time:.3g}") for time in np.quantile(events, _QUARTERS)]
    return tuple(sorted({time for time in rounded if 0 < time <= tau}))
