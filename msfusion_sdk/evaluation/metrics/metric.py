"""A metric: its value in a fold, its value under resampling, and what the best value is.

A metric that a fold cannot decide has no value and a reason; it is never 0, 0.5 or NaN, and
takes no part in a mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError

__all__ = ["Best", "Metric", "Score", "Statistic", "scored"]

Predictions = TypeVar("Predictions")

Statistic = Callable[[Floats], Floats]
"""From how often each patient was drawn, shape (draw, patient), to a value per draw; NaN where
the draw decides nothing."""


Best = Literal["high", "low", "one"]
"""Which values are good; slopes are best at 1."""


@dataclass(frozen=True)
class Metric(Generic[Predictions]):
    """One column of an evaluation.

    Parameters
    ----------
    name : str
        For programs; time horizons are part of it: ``auc@12``.
    label : str
        For people, the same everywhere: ``AUROC at 12 months``.
    best : 'high', 'low' or 'one'
    value : function of a fold's predictions
        Raises DegenerateSplitError where there is no value.
    statistic : function of a fold's predictions, optional
        The same metric for many resamples at once.  None: no interval is computed.
    pooled : function of all folds' predictions, optional
        None where folds cannot be put together.
    chance : float, optional
        The value of guessing.
    is_per_fold : bool
        False for what a fold alone is too small to tell: only the pooled value is computed.
    """

    name: str
    label: str
    best: Best
    value: Callable[[Predictions], float]
    statistic: Callable[[Predictions], Statistic] | None = None
    pooled: Callable[[Sequence[Predictions]], float] | None = None
    chance: float | None = None
    is_per_fold: bool = True


class Score(NamedTuple):
    """A value, or the reason why there is none."""

    value: float | None
    reason: str | None = None


def scored(compute: Callable[[], float]) -> Score:
    """Return what ``compute`` returns, or why it cannot be computed from these patients."""
    try:
        value = float(compute())
    except DegenerateSplitError as error:
        return Score(None, str(error))
    if not np.isfinite(value):
        return Score(None, "The value is not finite on these patients.")
    return Score(value)
