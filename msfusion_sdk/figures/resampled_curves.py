"""Curves of a class against the rest: the mean over folds, and limits from resampled patients."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.intervals import draw_patients

__all__ = ["mean_curve"]

_DRAWS = 300

Curve = Callable[[Bools, Floats, Floats], Floats]
"""From who is in the class, scores and weights to values on a fixed grid."""


def mean_curve(
    rows: pd.DataFrame, name: object, seed: int, curve: Curve
) -> tuple[Floats, Floats, Floats]:
    """Return the mean curve and its 95 % limits, each on the grid of ``curve``.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one model: ``fold``, ``class`` and ``proba_<class>``.
    name : object
        The class.

    Raises
    ------
    DegenerateSplitError
        When no test fold holds the class and another one.
    """
    folds = []
    for number, part in rows.groupby("fold"):
        is_in = (part["class"] == name).to_numpy(np.bool_)
        # Where a fold holds only the class, or none of it, one axis of a curve has no value.
        if is_in.any() and not is_in.all():
            score = part[f"proba_{name}"].to_numpy(np.float64)
            folds.append(_curves(is_in, score, (seed, int(str(number))), curve))
    if not folds:
        msg = f"No test fold holds class {name!r} and another one. Use fewer folds."
        raise DegenerateSplitError(msg)
    # Row 0 is of everybody; row k averages the k-th resample of every fold.
    mean = np.mean(folds, axis=0)
    lower, upper = np.percentile(mean[1:], (2.5, 97.5), axis=0)
    return mean[0], lower, upper


def _curves(is_in: Bools, score: Floats, seed: tuple[int, int], curve: Curve) -> Floats:
    """Return the curve of everybody and of each resample, shape (1 + draw, place)."""
    units = np.arange(len(is_in))
    drawn = draw_patients(is_in.astype(np.int64), units, draws=_DRAWS, seed=seed)
    return np.array([curve(is_in, score, weight) for weight in drawn])
