"""Values of a model on new patients with 95 % intervals: a bootstrap of patients."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Rows
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.intervals import Interval, draw_patients, interval_of
from msfusion_sdk.evaluation.metrics.metric import Metric
from msfusion_sdk.evaluation.metrics.predictions import Predictions

__all__ = ["Draws", "measured", "value_with_interval"]

SLOW_DRAWS = 200
"""Resamples for values that have to be fitted anew in each; limits are as good as 200 give."""

Kind = TypeVar("Kind", bound=Predictions)


class Draws:
    """The resamples of one set of patients, the same for every value.

    Parameters
    ----------
    strata : int, shape (patient,)
        What each resample keeps the numbers of: events, or the patients of each class.
    draws : int
        0 gives no intervals.
    seed : int
    """

    def __init__(self, strata: NDArray[np.int64], draws: int, seed: int) -> None:
        units = np.arange(len(strata), dtype=np.int64)
        self.counts = draw_patients(strata, units, draws=draws, seed=[seed])

    def rows(self) -> list[Rows]:
        """Return the places of the patients of the first resamples, all patients first."""
        patients = np.arange(self.counts.shape[1])
        return [np.repeat(patients, n.astype(np.intp)) for n in self.counts[: SLOW_DRAWS + 1]]


def value_with_interval(
    value: Callable[[Kind], float], predictions: Kind, draws: Draws
) -> Interval:
    """Return a value and its limits by computing it anew on every resample.

    Raises
    ------
    DegenerateSplitError
        When these patients decide no value.
    """
    values = [value(predictions)]
    values += [_or_nan(value, predictions.take(rows)) for rows in draws.rows()[1:]]
    return interval_of(np.array(values))


def measured(metric: Metric[Kind], predictions: Kind, draws: Draws) -> Interval:
    """Return a metric and its limits, all resamples at once where it can be computed so.

    Raises
    ------
    DegenerateSplitError
        When these patients decide no value.
    """
    if metric.statistic is None:
        return value_with_interval(metric.value, predictions, draws)
    value = metric.value(predictions)
    values = metric.statistic(predictions)(draws.counts)
    return interval_of(np.concatenate([[value], values[1:]]))


def _or_nan(value: Callable[[Kind], float], predictions: Kind) -> float:
    try:
        return value(predictions)
    except DegenerateSplitError:
        return float("nan")
