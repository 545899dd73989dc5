"""How likely a patient is still under observation: the weights of every IPCW metric.

``G(t)`` is the Kaplan-Meier estimate of the chance that censoring comes after ``t``, from
training patients only.  At equal times events come before censorings: a patient who had the
event at ``t`` is no longer at risk of being censored at ``t``.  ``G`` is right-continuous,
so a weight ``1 / G(t)`` counts censorings at ``t`` itself.  Uno's paper writes it so; R's
``survival::concordance`` takes ``G`` just before ``t``, which differs only where an event
and a censoring share a time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.checks import Floats, checked_labels

__all__ = ["CensoringSurvival", "censoring_survival"]


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

    def at(self, times: Floats) -> Floats:
        """Return ``G`` at ``times``, shape (time,), always above 0.

        Raises
        ------
        DegenerateSplitError
            When a time lies beyond the follow-up of the training patients, or where ``G`` is
            0: a weight ``1 / G`` would be a guess or infinite.
        """
        steps = np.searchsorted(self.times, times, side="right")
        found = np.concatenate([[1.0], self.survival])[steps]
        wrong = (found <= 0) | (times > self.times[-1])
        if wrong.any():
            usable = self.times[self.survival > 0]
            limit = usable[-1] if len(usable) else 0.0
            msg = (
                f"The censoring of the training patients is known up to time {limit:g}, and "
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
    times, events = checked_labels(time, event)
    if not len(times):
        msg = "Censoring cannot be estimated from 0 training patients."
        raise DegenerateSplitError(msg)
    steps, place, left = np.unique(times, return_inverse=True, return_counts=True)
    died = np.bincount(place, events)
    at_risk = left[::-1].cumsum()[::-1] - died
    censored = left - died
    # Where all who are left die, nobody is at risk of censoring and G stays as it is.
    hazard = np.divide(censored, at_risk, out=np.zeros(len(steps)), where=at_risk > 0)
    return CensoringSurvival(steps, np.cumprod(1 - hazard))
