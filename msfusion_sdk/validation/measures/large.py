"""Calibration in the large: whether as many patients have the event as was predicted, in all.

Source: Van Calster et al., BMC Medicine 17 (2019) 230 (the levels of calibration); for survival
McLernon et al., Annals of Internal Medicine 176 (2023) 105-114.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.metrics.product_limit import event_free_at

__all__ = ["InTheLarge", "classes_in_the_large", "survival_in_the_large"]

_SURE = 1e-9
_FARTHEST = 50.0
"""Log-odds between which the intercept is looked for."""


@dataclass(frozen=True)
class InTheLarge:
    """What was observed beside what was predicted, over all patients."""

    observed: float
    """Share with the event: by Kaplan-Meier at the horizon for survival."""
    expected: float
    """Mean predicted chance."""
    intercept: float | None
    """What has to be added to the log-odds of all predictions; None for survival."""

    @property
    def ratio(self) -> float:
        """Observed over expected: 1 is right, above 1 too few events were predicted."""
        return self.observed / self.expected if self.expected else float("nan")


def classes_in_the_large(chance: Floats, is_case: Bools) -> InTheLarge:
    """Return how many patients have a class, and how many were predicted to.

    Parameters
    ----------
    chance : shape (patient,), in [0, 1]
        Predicted.
    is_case : shape (patient,)
        Who has the class.

    Raises
    ------
    DegenerateSplitError
        When everybody or nobody has it: no intercept exists then.
    """
    cases = int(is_case.sum())
    if cases in (0, len(is_case)):
        msg = (
            f"{cases} of {len(is_case)} patients have the class, so calibration in the large has "
            "no intercept. Add patients with and without it."
        )
        raise DegenerateSplitError(msg)
    inside = np.clip(chance, _SURE, 1 - _SURE)
    logit = np.log(inside) - np.log1p(-inside)

    def surplus(intercept: float) -> float:
        return float((1 / (1 + np.exp(-np.clip(logit + intercept, -700, 700)))).sum()) - cases

    intercept = float(brentq(surplus, -_FARTHEST, _FARTHEST))
    return InTheLarge(cases / len(is_case), float(chance.mean()), intercept)


def survival_in_the_large(
    horizon: float, *, time: Floats, event: Bools, survival: Floats
) -> InTheLarge:
    """Return how many patients had the event by ``horizon``, and how many were predicted to.

    Parameters
    ----------
    horizon : float, unit of ``time``
    time, event : shape (patient,)
    survival : shape (patient,), in [0, 1]
        Predicted chance of no event up to ``horizon``.

    Raises
    ------
    DegenerateSplitError
        When nobody is followed so long.
    """
    if time.max() < horizon and not event[time == time.max()].all():
        msg = (
            f"Nobody is followed up to {horizon:g} (latest: {time.max():g}), so nothing was "
            "observed there. Choose an earlier time."
        )
        raise DegenerateSplitError(msg)
    free = float(event_free_at(np.array([horizon]), time=time, event=event)[0])
    return InTheLarge(1 - free, float((1 - survival).mean()), None)
