"""Tidy clinical columns as centred numbers, and their state as plain arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_adapters.clinical.plan import MISSING, ColumnPlan
from msfusion_adapters.clinical.tidy import Novel
from msfusion_sdk.arrays import Bools, Floats

__all__ = ["Arrays", "encode", "far_outside", "feature_names", "filled_in", "learn"]

Arrays = Mapping[str, NDArray[np.float64]]

ROUNDING = 1e-12
FARTHEST = 5.0
"""Standard deviations at which a number is cut: one typing error would outweigh all else."""


def learn(table: pd.DataFrame, plans: Sequence[ColumnPlan]) -> dict[str, NDArray[np.float64]]:
    """Return what ``encode`` needs, from the tidy table of the training patients.

    Numbers, stages and other ordinals are filled with the median, and brought to mean 0 and
    standard deviation 1 of the values that were seen.  Levels and marks of gaps become 0 or 1
    and are centred but not scaled: a rare level would otherwise weigh more than a common one.

    Returns
    -------
    dict of arrays, one number for each column of its group
        ``numbers_statistics_`` are medians, ``numbers_low_`` and ``_high_`` the extremes.
    """
    arrays = {}
    if numbers := _numbers(plans):
        values = table[numbers].to_numpy(np.float64)
        spread = np.nanstd(values, axis=0)
        arrays = {
            "numbers_statistics_": np.nanmedian(values, axis=0),
            "numbers_mean_": np.nanmean(values, axis=0),
            # A constant with gaps is there for its mark.
            "numbers_scale_": np.where(
                spread > 1e-12 * np.nanmax(abs(values), axis=0), spread, 1.0
            ),
            "numbers_low_": np.nanmin(values, axis=0),
            "numbers_high_": np.nanmax(values, axis=0),
        }
    if levels := _one_hot(table, plans):
        arrays["levels_mean_"] = np.hstack(levels).mean(axis=0)
    if gaps := _gaps(plans):
        arrays["gaps_mean_"] = table[gaps].to_numpy(np.float64).mean(axis=0)
    return arrays


def encode(table: pd.DataFrame, plans: Sequence[ColumnPlan], arrays: Arrays) -> Floats:
    """Return a tidy table as numbers, shape (patient, feature); see :func:`feature_names`."""
    blocks: list[Floats] = [np.zeros((len(table), 0))]
    if numbers := _numbers(plans):
        values = table[numbers].to_numpy(np.float64)
        filled = np.where(np.isnan(values), arrays["numbers_statistics_"], values)
        standard = (filled - arrays["numbers_mean_"]) / arrays["numbers_scale_"]
        # Models of version 0.1 have no extremes, and were fitted without a cut.
        is_cut = "numbers_low_" in arrays
        blocks.append(np.clip(standard, -FARTHEST, FARTHEST) if is_cut else standard)
    if levels := _one_hot(table, plans):
        blocks.append(np.hstack(levels) - arrays["levels_mean_"])
    if gaps := _gaps(plans):
        blocks.append(table[gaps].to_numpy(np.float64) - arrays["gaps_mean_"])
    return np.hstack(blocks)


def feature_names(plans: Sequence[ColumnPlan]) -> list[str]:
    """Return the names of the features: numbers, then levels, then marks of gaps."""
    levels = [f"{plan.name}={level}" for plan in _by_levels(plans) for level in _shown(plan)]
    return [*_numbers(plans), *levels, *_gaps(plans)]


def filled_in(table: pd.DataFrame, plans: Sequence[ColumnPlan]) -> Bools:
    """Return which features of a tidy table stand for an empty cell, shape (patient, feature)."""
    empty = {name: table[name].isna().to_numpy() for name in _numbers(plans)}
    for plan in _by_levels(plans):
        is_empty = table[plan.name].to_numpy() == MISSING
        known = [level for level in _shown(plan) if level != MISSING]
        empty |= {f"{plan.name}={level}": is_empty for level in known}
    nowhere = np.zeros(len(table), np.bool_)
    return np.column_stack([empty.get(name, nowhere) for name in feature_names(plans)])


def far_outside(table: pd.DataFrame, plans: Sequence[ColumnPlan], arrays: Arrays) -> list[Novel]:
    """Return the numbers of a tidy table that lie far from all that training saw.

    Those are outside the extremes of training, and more than five standard deviations from
    its mean.
    """
    found = []
    for place, name in enumerate(_numbers(plans)):
        column = table[name]
        mean, scale = arrays["numbers_mean_"][place], arrays["numbers_scale_"][place]
        ends = [mean - FARTHEST * scale, mean + FARTHEST * scale]
        if "numbers_low_" in arrays:
            low, high = arrays["numbers_low_"][place], arrays["numbers_high_"][place]
            seen, ends = f"{low:g} to {high:g}", [min(low, ends[0]), max(high, ends[1])]
        else:
            seen = f"mean {mean:g}, standard deviation {scale:g}"
        far = column[(column < ends[0]) | (column > ends[1])]
        what = f"lie far outside training ({seen})"
        found.append(Novel(name, far.map("{:g}".format), int(column.notna().sum()), what))
    return found


def _numbers(plans: Sequence[ColumnPlan]) -> list[str]:
    return [plan.name for plan in plans if plan.role != "categorical"]


def _by_levels(plans: Sequence[ColumnPlan]) -> list[ColumnPlan]:
    return [plan for plan in plans if plan.role == "categorical"]


def _gaps(plans: Sequence[ColumnPlan]) -> list[str]:
    return [f"{p.name}={MISSING}" for p in plans if p.role != "categorical" and p.has_gaps]


def _shown(plan: ColumnPlan) -> tuple[str, ...]:
    """Return the levels that have a column: of two the second alone."""
    # Two columns of two levels would say the same twice, and weigh twice in a ridge model.
    return plan.levels[1:] if len(plan.levels) == 2 else plan.levels


def _one_hot(table: pd.DataFrame, plans: Sequence[ColumnPlan]) -> list[Floats]:
    return [
        (table[plan.name].to_numpy(object)[:, None] == np.array(_shown(plan), object)).astype(float)
        for plan in _by_levels(plans)
    ]
