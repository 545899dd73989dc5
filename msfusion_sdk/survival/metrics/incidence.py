"""Cumulative incidence where patients may also have an event of another kind first.

One minus Kaplan-Meier, with other events taken for censoring, says how many would have the event
if nobody had another one; the Aalen-Johansen estimate says how many have it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError, SurvivalLabelError
from msfusion_sdk.survival.checks import require_entry, require_labels

__all__ = ["CumulativeIncidence", "cumulative_incidence"]


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """How many have had the event, as plain arrays of shape (step,)."""

    times: Floats
    """Ascending and unique: every time at which a patient left."""
    incidence: Floats
    """Chance of having had the event up to and including each time."""
    event_free: Floats
    """Chance of having had no event of any kind."""
    at_risk: NDArray[np.int64]
    """Patients under observation just before each time."""

    def at(self, times: ArrayLike) -> Floats:
        """Return the incidence at ``times``; 0 before the first step, and after the last as it is.

        Parameters
        ----------
        times : shape (time,)
            In the unit of the patients' times.
        """
        steps = np.searchsorted(self.times, np.asarray(times, np.float64), side="right")
        return np.concatenate([[0.0], self.incidence])[steps]


def cumulative_incidence(
    *, time: ArrayLike, event: ArrayLike, competing: ArrayLike, entry: ArrayLike | None = None
) -> CumulativeIncidence:
    """Return the Aalen-Johansen estimate.

    Parameters
    ----------
    time : shape (patient,)
        To the first event of any kind, or to the end of follow-up.
    event : shape (patient,)
        True where the event of interest came first.
    competing : shape (patient,)
        True where an event of another kind came first.
    entry : shape (patient,), optional
        When each came under observation, below ``time``.

    Raises
    ------
    SurvivalLabelError
        When labels cannot be true, or a patient has events of both kinds.
    DegenerateSplitError
        When there are no patients.

    Notes
    -----
    Source: Aalen & Johansen, Scandinavian Journal of Statistics 5 (1978) 141-150.
    """
    times, events = require_labels(time, event)
    others = require_labels(time, competing)[1]
    if not len(times):
        msg = "A cumulative incidence needs patients, and there are none. Leave the group out."
        raise DegenerateSplitError(msg)
    both = int((events & others).sum())
    if both:
        msg = f"{both} of {len(times)} patients have both kinds of event first. Say which it was."
        raise SurvivalLabelError(msg)
    # Before any time: who has no entry is at risk at time 0 too.
    entries = np.full(len(times), -1.0) if entry is None else require_entry(entry, times)
    steps, place = np.unique(times, return_inverse=True)
    had = np.bincount(place, events, len(steps))
    other = np.bincount(place, others, len(steps))
    left = np.searchsorted(np.sort(times), steps, side="left")
    at_risk = np.searchsorted(np.sort(entries), steps, side="left") - left
    free = np.cumprod(1 - (had + other) / at_risk)
    # Who has the event at a step was free of any just before it.
    before = np.concatenate([[1.0], free[:-1]])
    incidence = np.cumsum(before * had / at_risk)
    return CumulativeIncidence(steps, incidence, free, at_risk.astype(np.int64))
