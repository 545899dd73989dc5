"""Product-limit estimates: how likely a patient is still event-free, or still under observation.

The second is ``G(t)``, the chance that censoring comes after ``t``.  Every metric that weighs
patients up for those who were censored takes it from training patients only.  At equal times
events come before censorings: who had the event at ``t`` is no longer at risk of being
censored at ``t``.  ``G`` is right-continuous: ``G(t)`` counts censorings at ``t`` itself, its
left limit ``G(t-)`` does not.  They differ only where a patient is censored at ``t``.

These are numpy, a fraction of a millisecond each, because a bootstrap asks for thousands;
:mod:`~msfusion_sdk.survival.metrics.kaplan_meier` has curves with limits, for people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.checks import require_entry, require_labels

__all__ = ["CensoringSurvival", "censoring_survival", "event_free_at"]


@dataclass(frozen=True, eq=False)
class CensoringSurvival:
    """The step function ``G``: chance of not being censored up to and including ``t``.

    Parameters
    ----------
    times : float64, shape (step,)
        Where training patients left, ascending and unique.
    survival : float64, shape (step,)
        ``G`` from that time on; 1 before the first.
    """

    times: Floats
    survival: Floats

    @property
    def end(self) -> float:
        """The latest training time at which ``G`` is above 0; 0 when there is none."""
        usable = self.times[self.survival > 0]
        return float(usable[-1]) if len(usable) else 0.0

    def at(self, times: Floats) -> Floats:
        """Return ``G`` at ``times``, shape (time,), always above 0.

        Raises
        ------
        DegenerateSplitError
            When a time lies beyond the follow-up of the training patients, or where ``G`` is
            0: a weight ``1 / G`` would be a guess or infinite.
        """
        return self._known(times, np.searchsorted(self.times, times, side="right"))

    def before(self, times: Floats) -> Floats:
        """Return ``G`` just before ``times``, shape (time,), always above 0.

        Raises
        ------
        DegenerateSplitError
            When a time lies beyond the follow-up of the training patients.
        """
        return self._known(times, np.searchsorted(self.times, times, side="left"))

    def _known(self, times: Floats, steps: Rows) -> Floats:
        # Before the first step nobody is censored: ``G`` is 1.
        found = np.concatenate([[1.0], self.survival])[steps]
        wrong = (found <= 0) | (times > self.times[-1])
        if wrong.any():
            msg = (
                f"The censoring of the training patients is known up to time {self.end:g}, and "
                f"{int(wrong.sum())} of {len(times)} times lie beyond (latest: {times.max():g}). "
                "Choose an earlier tau or horizon."
            )
            raise DegenerateSplitError(msg)
        return found


def censoring_survival(*, time: ArrayLike, event: ArrayLike) -> CensoringSurvival:
    """Return the Kaplan-Meier estimate of the censoring distribution of training patients.

    Parameters
    ----------
    time, event : shape (patient,)
        Of the training patients.

    Raises
    ------
    DegenerateSplitError
        When there are no patients.
    """
    steps, died, left, at_risk = _exits(time, event, "Censoring")
    at_risk = at_risk - died
    # Where all who are left die, nobody is at risk of censoring and G stays as it is.
    hazard = np.divide(left - died, at_risk, out=np.zeros(len(steps)), where=at_risk > 0)
    return CensoringSurvival(steps, np.cumprod(1 - hazard))


def event_free_at(
    times: Floats, *, time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None
) -> Floats:
    """Return the Kaplan-Meier estimate of having no event up to and including ``times``.

    After the last patient it stays as it is.

    Parameters
    ----------
    times : shape (time,), ascending
        Unit of ``time``.
    time, event : shape (patient,)
    entry : shape (patient,), optional
        When each came under observation; before that nobody knows of their events.

    Raises
    ------
    DegenerateSplitError
        When there are no patients.

    Notes
    -----
    Source: Kaplan & Meier, JASA 53 (1958) 457-481.
    """
    steps, died, _, at_risk = _exits(time, event, "Survival")
    if entry is not None:
        # Who enters at the time of an event is not yet at risk of it.
        entries = np.sort(require_entry(entry, np.asarray(time, np.float64)))
        at_risk = at_risk - (len(entries) - np.searchsorted(entries, steps, side="left"))
    survival = np.concatenate([[1.0], np.cumprod(1 - died / at_risk)])
    return survival[np.searchsorted(steps, times, side="right")]


def _exits(time: ArrayLike, event: ArrayLike, what: str) -> tuple[Floats, Floats, Floats, Floats]:
    """Return unique times; how many die, how many leave at each, and how many reach it."""
    times, events = require_labels(time, event)
    if not len(times):
        msg = f"{what} cannot be estimated from 0 patients. Give the patients of a whole fold."
        raise DegenerateSplitError(msg)
    steps, place, counts = np.unique(times, return_inverse=True, return_counts=True)
    left = counts.astype(np.float64)
    died = np.bincount(place, events).astype(np.float64)
    return steps, died, left, left[::-1].cumsum()[::-1]
