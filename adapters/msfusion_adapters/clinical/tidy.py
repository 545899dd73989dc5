"""Any clinical table as its plans want it, and what in it training never saw."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from msfusion_adapters.clinical.columns import as_levels, fold, gaps
from msfusion_adapters.clinical.plan import (
    MISSING,
    OTHER,
    ColumnPlan,
    codes_of,
    numbers_of,
    unknown_level,
)
from msfusion_sdk.arrays import Bools
from msfusion_sdk.errors import UnknownCategoryError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["Novel", "Unknown", "require_known", "tidy", "warn_of_empty"]

Unknown = Literal["other", "error"]

TOO_NEW = 0.5
"""Share of new cells above which a table is refused: another spelling, unit or code book."""
A_TABLE = 10
"""Patients from which on a table may be refused; of fewer nobody can tell."""


class Novel(NamedTuple):
    """Cells of one column that are like nothing in training."""

    column: str
    cells: pd.Series
    """The cells, indexed by patient."""
    n: int
    """Cells of the column that hold something."""
    what: str
    """What they are, and what they count as."""


def tidy(
    table: pd.DataFrame, plans: Iterable[ColumnPlan], unknown: Unknown
) -> tuple[pd.DataFrame, list[Novel]]:
    """Return numbers (NaN for gaps), known levels and ``<name>=missing``, and what is new.

    Raises
    ------
    UnknownCategoryError
        When ``unknown="error"`` and a level is new.
    TableError, NonFiniteError
        When a numeric column holds something else.
    """
    columns: dict[str, object] = {}
    novel = []
    for plan in plans:
        column = table[plan.name]
        if plan.role == "categorical":
            columns[plan.name], new = _known_levels(as_levels(column), plan)
            what = f"{_stands_in(plan)!r}"
        elif plan.role == "numeric":
            found = numbers_of(column, plan)
            columns[plan.name], new, what = found.values, found.is_text, "gaps"
        else:
            columns[plan.name], new = codes_of(column, plan)
            what = "gaps"
        if new.any() and unknown == "error" and plan.role != "numeric":
            raise unknown_level(as_levels(column), new, plan)
        if plan.has_gaps and plan.role != "categorical":
            columns[f"{plan.name}={MISSING}"] = np.isnan(columns[plan.name]).astype(np.float64)  # type: ignore[call-overload]
        held = int((~gaps(column)).sum())
        novel.append(Novel(plan.name, column[new].astype(str), held, f"count as {what}"))
    return pd.DataFrame(columns, index=table.index), novel


def require_known(novel: Sequence[Novel], far: Sequence[Novel], patients: int) -> None:
    """Warn of cells that training never saw, and refuse a table that is half of such.

    Parameters
    ----------
    novel : sequence of Novel
        One for each column.
    far : sequence of Novel
        Numbers far outside training, of some of these columns.
    patients : int
        Rows of the table.

    Raises
    ------
    UnknownCategoryError
        When more than half of the cells of ten patients or more are new.

    Warns
    -----
    TableWarning
        Naming every column, with its counts.
    """
    new = [each for each in (*novel, *far) if len(each.cells)]
    if not new:
        return
    shown = "; ".join(
        f"{each.column!r}: {len(each.cells)} of {each.n} ({first_few(each.cells.unique())} of "
        f"{', '.join(each.cells.index[:2])}), which {each.what}"
        for each in new
    )
    n_new, n = sum(len(each.cells) for each in new), sum(each.n for each in novel)
    # One new patient may be odd; a table that is odd throughout is written in another way.
    if patients >= A_TABLE and n_new > TOO_NEW * n:
        msg = (
            f"{n_new} of {n} cells of the clinical table are like nothing in training: {shown}. "
            "Write levels and units as in the training table."
        )
        raise UnknownCategoryError(msg)
    warnings.warn(
        f"Cells of the clinical table are like nothing in training. {shown}. Check their spelling "
        "and units.",
        TableWarning,
        stacklevel=4,
    )


def warn_of_empty(novel: Sequence[Novel], plans: Iterable[ColumnPlan], patients: int) -> None:
    """Warn of columns in which half of a table is empty though no training patient had a gap.

    Parameters
    ----------
    novel : sequence of Novel
        One for each plan.
    patients : int
        Rows of the table that hold something.

    Warns
    -----
    TableWarning
        Naming every column, with its counts.
    """
    empty = [
        f"{each.column!r} ({patients - each.n} of {patients})"
        for each, plan in zip(novel, plans, strict=True)
        if not plan.has_gaps and patients - each.n > TOO_NEW * patients
    ]
    if patients >= A_TABLE and empty:
        warnings.warn(
            f"Columns are empty that every training patient has: {', '.join(empty)}. The median or "
            "the most frequent level stands in. Check that they are read as they are written.",
            TableWarning,
            stacklevel=4,
        )


def _known_levels(levels: pd.Series, plan: ColumnPlan) -> tuple[pd.Series, Bools]:
    """Return levels that are all in the plan, and where one was in neither list."""
    # As written first: an older model may have kept two spellings of one level apart.
    kept = {fold(level): level for level in reversed(plan.levels)}
    pooled = {fold(level) for level in plan.pooled}
    gap = MISSING if plan.has_gaps else plan.usual
    other = _stands_in(plan)
    exact = set(plan.levels)
    place = {
        level: level if level in exact else kept.get(fold(level), other)
        for level in set(levels.dropna())
    }
    found = [gap if level is None else place[level] for level in levels]
    known = {level for level in place if fold(level) in kept or fold(level) in pooled}
    new = np.array([level is not None and level not in known for level in levels], np.bool_)
    return pd.Series(found, levels.index, dtype=object), new


def _stands_in(plan: ColumnPlan) -> str:
    return OTHER if OTHER in plan.levels else plan.usual
