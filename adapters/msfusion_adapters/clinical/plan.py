"""What is learned about one clinical column, and the tidy column it makes of any table."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_adapters.clinical.columns import PARSERS, as_levels, as_numbers
from msfusion_adapters.numeric import varies
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import UnknownCategoryError

__all__ = ["MISSING", "OTHER", "ColumnPlan", "Unknown", "plan_column", "tidy"]

OTHER, MISSING = "other", "missing"

Unknown = Literal["other", "error"]


class ColumnPlan(FrozenConfig):
    """How a column becomes numbers, fixed by the training patients."""

    name: str
    role: Literal["numeric", "categorical", "ordinal", "stage", "grade"]
    has_gaps: bool
    """Whether a training patient had no value: then there is a column that says so."""
    levels: tuple[str, ...] = ()
    """Categorical: those that were kept, then 'other' and 'missing' where training had them.
    Ordinal: as declared, from least to most."""
    pooled: tuple[str, ...] = ()
    """Levels that were too rare and count as 'other'."""
    usual: str = ""
    """The most frequent level; stands in where there is no 'other' or no 'missing'."""


def plan_column(
    column: pd.Series, role: str, levels: Sequence[str], rare_share: float
) -> ColumnPlan | None:
    """Return the plan of a training column, or None when it does not vary.

    Parameters
    ----------
    column : training patients
    levels : of an ordinal column, from least to most
    rare_share : of the training patients, 0 to 1
        A level with fewer, or with one patient only, is pooled.

    Raises
    ------
    UnknownCategoryError
        When an ordinal column holds a level that was not declared.
    TableError, NonFiniteError
        When a numeric column holds something else.
    """
    name = str(column.name)
    if role == "categorical":
        return _plan_levels(as_levels(column), rare_share)
    plan = ColumnPlan.model_validate(
        {"name": name, "role": role, "levels": tuple(levels), "has_gaps": False}
    )
    values = _codes(column, plan, "error")
    gaps = np.isnan(values)
    # A gap is information too: a constant with gaps varies.
    if not varies(values[:, None]).any() and (gaps.all() or not gaps.any()):
        return None
    return plan.model_copy(update={"has_gaps": bool(gaps.any())})


def tidy(table: pd.DataFrame, plans: Iterable[ColumnPlan], unknown: Unknown) -> pd.DataFrame:
    """Return numbers (NaN for gaps), levels that are all known, and ``<name>=missing`` as 0 or 1.

    Raises
    ------
    UnknownCategoryError
        When ``unknown="error"`` and a level is new.
    TableError, NonFiniteError
        When a numeric column holds something else.
    """
    columns: dict[str, object] = {}
    for plan in plans:
        if plan.role == "categorical":
            columns[plan.name] = _known_levels(as_levels(table[plan.name]), plan, unknown)
        else:
            codes = _codes(table[plan.name], plan, unknown)
            columns[plan.name] = codes
            if plan.has_gaps:
                columns[f"{plan.name}={MISSING}"] = np.isnan(codes).astype(np.float64)
    return pd.DataFrame(columns, index=table.index)


def _plan_levels(levels: pd.Series, rare_share: float) -> ColumnPlan | None:
    counts = levels.value_counts()
    enough = max(2, rare_share * len(levels))
    kept = sorted(counts.index[counts >= enough])
    pooled = sorted(counts.index[counts < enough])
    has_gaps = bool(levels.isna().any())
    every = list(dict.fromkeys([*kept, *[OTHER] * bool(pooled), *[MISSING] * has_gaps]))
    if len(every) < 2:
        return None
    # Of equally frequent levels the first by name, in whatever order the patients come.
    usual = min(kept, key=lambda level: (-counts[level], level)) if kept else every[0]
    return ColumnPlan(
        name=str(levels.name),
        role="categorical",
        has_gaps=has_gaps,
        levels=tuple(every),
        pooled=tuple(pooled),
        usual=usual,
    )


def _known_levels(levels: pd.Series, plan: ColumnPlan, unknown: Unknown) -> pd.Series:
    known = {*plan.levels, *plan.pooled}
    if unknown == "error":
        _require_known_levels(levels, known, plan.name)
    gap = MISSING if plan.has_gaps else plan.usual
    other = OTHER if OTHER in plan.levels else plan.usual
    found = [gap if level is None else level if level in plan.levels else other for level in levels]
    return pd.Series(found, levels.index, dtype=object)


def _codes(column: pd.Series, plan: ColumnPlan, unknown: Unknown) -> NDArray[np.float64]:
    if plan.role == "numeric":
        return as_numbers(column)
    levels = as_levels(column)
    if plan.role in PARSERS:
        parsed = [None if level is None else PARSERS[plan.role](level) for level in levels]
        return np.array(parsed, np.float64)
    place = {level.casefold(): float(number) for number, level in enumerate(plan.levels)}
    folded = levels.str.casefold()
    if unknown == "error":
        _require_known_levels(folded, set(place), plan.name)
    return np.array([place.get(level, np.nan) for level in folded], np.float64)


def _require_known_levels(levels: pd.Series, known: set[str], name: str) -> None:
    new = levels[levels.notna() & ~levels.isin(known)]
    if len(new):
        msg = (
            f"Column {name!r} holds {', '.join(map(repr, new.unique()[:3]))}, for {len(new)} of "
            f"{len(levels)} patients (first: {', '.join(new.index[:3])}); known are "
            f"{', '.join(map(repr, sorted(known)[:10]))}. Correct the level or declare it; "
            "unknown='other' allows new ones when predicting."
        )
        raise UnknownCategoryError(msg)
