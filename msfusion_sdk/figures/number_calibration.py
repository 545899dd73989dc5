"""Predicted numbers beside those that were observed, by patient and in groups."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import t

from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.figures.style import COLOURS, GREY

__all__ = ["draw_numbers"]

GROUPS = 5


def draw_numbers(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw a dot per patient, and the mean of five groups of similar prediction with 95 % limits.

    Parameters
    ----------
    rows : DataFrame
        ``number`` and ``predicted``.
    """
    predicted, observed = (rows[name].to_numpy(np.float64) for name in ("predicted", "number"))
    ends = [min(predicted.min(), observed.min()), max(predicted.max(), observed.max())]
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle=":", label="as predicted")
    axes.plot(predicted, observed, ".", color=GREY, alpha=0.4, markersize=4, label="a patient")
    # Groups are equally large, whatever is tied: a group is a mean, and no cut-off.
    means = [_mean(observed[part]) for part in _parts(predicted)]
    places = [float(predicted[part].mean()) for part in _parts(predicted)]
    middle, half = np.array(means).T
    axes.errorbar(
        places, middle, half, color=COLOURS[0], marker="o", ms=6, label="mean of a fifth, 95 %"
    )
    axes.set_xlabel("predicted number")
    axes.set_ylabel("observed number")


def _parts(predicted: Floats) -> list[Rows]:
    return [
        part for part in np.array_split(np.argsort(predicted, kind="stable"), GROUPS) if len(part)
    ]


def _mean(values: Floats) -> tuple[float, float]:
    """Return the mean, and half its 95 % interval by Student's t; NaN of a single value."""
    count = len(values)
    if count < 2:
        return float(values.mean()), float("nan")
    half = t.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count)
    return float(values.mean()), float(half)
