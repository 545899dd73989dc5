"""Bootstrap of patients within each fold: intervals, and differences on the same draws.

The fitted models stay as they are, so an interval says how far the value depends on who was
judged, and not on who was trained on.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats

__all__ = ["Interval", "draw_patients", "interval_of"]

_LIMITS = (2.5, 97.5)
_MIN_DECIDED = 0.5  # of the draws; with fewer the rest would be a selection


class Interval(NamedTuple):
    """A value and its 95 % limits, which are None where too few draws decide anything."""

    value: float
    lower: float | None
    upper: float | None


def draw_patients(
    strata: NDArray[np.int64],
    units: NDArray[np.int64],
    *,
    draws: int,
    seed: Sequence[int],
) -> Floats:
    """Return how often each patient is drawn, shape (1 + draws, patient); once each in row 0.

    Units are drawn with replacement, each stratum as many times as it has units: the number of
    events (or of each class) stays as it is, up to the sizes of units.

    Parameters
    ----------
    strata : int, shape (patient,)
        From 0.  A unit belongs to the highest stratum among its patients: for survival, to
        the events when one of them has the event.
    units : int, shape (patient,)
        Patients of one number are drawn together.
    draws : int
        Resamples to make.
    seed : ints
        One seed gives one set of draws, whichever model they are used for.
    """
    generator = np.random.default_rng(list(seed))
    numbers, place = np.unique(units, return_inverse=True)
    stratum = np.zeros(len(numbers), np.int64)
    # Unbuffered: ``stratum[place] = …`` would keep the last patient of each unit.
    np.maximum.at(stratum, place, strata)
    counts = np.zeros((draws, len(numbers)))
    for code in np.unique(stratum):
        members = np.flatnonzero(stratum == code)
        even = np.full(len(members), 1 / len(members))
        # Counts instead of ids: metrics weigh patients by how often they were drawn.
        counts[:, members] = generator.multinomial(len(members), even, size=draws)
    return np.vstack([np.ones(len(place)), counts[:, place]])


def interval_of(values: Floats) -> Interval:
    """Return the first value with the 2.5th and 97.5th percentile of the others.

    Draws without a value are left out; when they are half of all, there are no limits.
    """
    decided = values[1:][np.isfinite(values[1:])]
    if not len(decided) or len(decided) <= _MIN_DECIDED * (len(values) - 1):
        return Interval(float(values[0]), None, None)
    lower, upper = np.percentile(decided, _LIMITS)
    return Interval(float(values[0]), float(lower), float(upper))
