"""Patients in groups: by sex, by site, by thirds of an age; each with its number and its value."""

from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools

__all__ = ["LEAST_IN_GROUP", "groups_of"]

MOST_LEVELS = 12
LEAST_IN_GROUP = 10
"""Events, or patients of each class, below which a group gets a count and no value."""


def groups_of(column: "pd.Series[Any]") -> dict[str, Bools]:
    """Return who is in which group of a column: masks by name, those without a value last.

    Numbers of many values become three groups of about equal size, cut at the thirds; anything
    else is a group for each value.

    Parameters
    ----------
    column : Series
        A value per patient; blank cells missing.
    """
    known = column.notna().to_numpy()
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers[known].notna().all() and numbers[known].nunique() > MOST_LEVELS:
        found = _thirds(numbers)
    else:
        words = column.map(_word)
        levels = sorted(set(words[known]))
        shown = levels if len(levels) <= MOST_LEVELS else _largest(words[known])
        found = {name: (words == name).to_numpy() & known for name in shown}
        if len(shown) < len(levels):
            rest = known & ~words.isin(shown).to_numpy()
            found[f"{len(levels) - len(shown)} smaller groups"] = rest
    if not known.all():
        found["not known"] = ~known
    return found


def _thirds(numbers: "pd.Series[Any]") -> dict[str, Bools]:
    low, high = np.quantile(numbers.dropna(), [1 / 3, 2 / 3])
    values = numbers.to_numpy(np.float64)
    parts = {
        f"up to {low:g}": values <= low,
        f"{low:g} to {high:g}": (values > low) & (values <= high),
        f"above {high:g}": values > high,
    }
    return {name: mask for name, mask in parts.items() if mask.any()}


def _largest(words: "pd.Series[Any]") -> list[str]:
    return sorted(words.value_counts().index[: MOST_LEVELS - 1])


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
