"""From the columns of an outcome to labels, with everything that is wrong with them.

A patient whose cells are blank has no outcome and is left out, which is counted.  Half an
outcome is an error: it is more often a slip than a fact.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.outcomes.declaration import SurvivalDeclaration
from msfusion_sdk.outcomes.remarks import remarks_on
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.placeholders import MISSING_TEXT, placeholders_among
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.issues import Issue, issue, note

__all__ = ["as_key", "as_number", "cells_of", "survival_labels", "without_outcome"]

_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def survival_labels(
    table: pa.Table, declared: SurvivalDeclaration
) -> tuple[pd.DataFrame, list[Issue]]:
    """Return ``time``, ``event`` and perhaps ``entry`` of the patients who have an outcome.

    Parameters
    ----------
    table : Arrow table
        With ``patient_id`` and the columns that ``declared`` names.

    Returns
    -------
    labels : DataFrame indexed by patient_id
        Its ``attrs`` hold the unit.  Of no use when an issue is an error.
    issues : list of Issue
    """
    ids = np.array(table.column(ID_COLUMN).to_pylist(), object)
    time, wrong_times = _times(ids, cells_of(table, declared.time), declared.time)
    flag, wrong_flags = _flags(ids, cells_of(table, declared.flag), declared)
    if wrong_times or wrong_flags:
        return pd.DataFrame(), [*wrong_times, *wrong_flags]
    read = {declared.time: time, declared.flag: flag}
    is_half = np.isnan(time) != np.isnan(flag)
    half = ids[is_half]
    both = ~(np.isnan(time) | np.isnan(flag))
    # A column of censoring says the opposite.
    event = flag[both] == (0 if declared.event is None else 1)
    index = pd.Index(ids[both], name=ID_COLUMN, dtype=object)
    labels = pd.DataFrame({"time": time[both], "event": event}, index)
    labels.attrs["unit"] = declared.unit
    wrong_entries: list[Issue] = []
    if declared.entry is not None:
        entry, wrong_entries = _entries(table, declared.entry, labels)
        labels["entry"] = entry
    neither = int((np.isnan(time) & np.isnan(flag)).sum())
    return labels, [
        *issue(
            "SurvivalLabel",
            len(half),
            f"{len(half)} of {len(ids)} patients have only one of {declared.time} and "
            f"{declared.flag} (first: {first_few(half)}). Fill in both, or blank both."
            f"{_taken_for_missing(table, read, is_half)}",
        ),
        *wrong_entries,
        *without_outcome(neither, len(ids), f"{declared.time} and {declared.flag}"),
        *remarks_on(labels, declared),
        *issue(
            "DegenerateSplit",
            int(not labels["event"].any()),
            f"{declared.flag} holds no event among {len(labels)} patients, so no risk can be "
            "learned or tested. Check which value means an event.",
        ),
    ]


def cells_of(table: pa.Table, column: str) -> list[object]:
    """Return the cells as Python values; blanks, placeholders and NaN are None."""
    cells = table.column(column).to_pylist()
    words = placeholders_among(cells)
    return [None if _has_no_value(cell, words) else cell for cell in cells]


def as_number(cell: object) -> float:
    """Return a cell as a number, NaN when it is none; text is one where it is written plainly.

    One odd cell makes text of a column, and the other cells are numbers all the same.
    """
    # A number of True is a column of flags under another name.
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    is_plain = isinstance(cell, str) and _PLAIN_NUMBER.fullmatch(cell.strip())
    return float(cell) if is_plain else np.nan  # type: ignore[arg-type]  # text, as is_plain says


def _has_no_value(cell: object, words: set[str]) -> bool:
    if isinstance(cell, str):
        return cell.strip() in MISSING_TEXT or cell in words
    # NaN alone differs from itself.
    return cell != cell


def _times(
    ids: NDArray[np.object_], cells: Sequence[object], column: str
) -> tuple[Floats, list[Issue]]:
    """Return the times, NaN where blank, and what is wrong with them."""
    time = np.array([as_number(cell) for cell in cells])
    text = np.array([v is not None for v in cells]) & np.isnan(time)
    values = first_few(dict.fromkeys(cells[row] for row in np.flatnonzero(text).tolist()))
    issues = []
    for what, rows in (
        (f"are no numbers ({values})", text),
        ("are negative", time < 0),
        ("are infinite", time == np.inf),
    ):
        issues += issue(
            "SurvivalLabel",
            int(rows.sum()),
            f"{int(rows.sum())} of {len(ids)} values of {column} {what}; first patients: "
            f"{first_few(ids[rows])}. Correct them; without an outcome blank time and event.",
        )
    return time, issues


def _entries(table: pa.Table, column: str, labels: pd.DataFrame) -> tuple[Floats, list[Issue]]:
    """Return when each labelled patient came under observation, and what is wrong with it."""
    ids = np.array(table.column(ID_COLUMN).to_pylist(), object)
    every, wrong = _times(ids, cells_of(table, column), column)
    entry = np.asarray(pd.Series(every, ids).loc[labels.index], np.float64)
    # Written so that a blank entry, which is NaN, is refused as well.
    late = labels.index[~(entry < labels["time"])]
    return entry, wrong or issue(
        "SurvivalLabel",
        len(late),
        f"{len(late)} of {len(labels)} patients have no {column} before their time (first: "
        f"{first_few(late)}). Who leaves before being observed tells nothing: correct these times, "
        "or blank time and event.",
    )


def _flags(
    ids: NDArray[np.object_], cells: Sequence[object], declared: SurvivalDeclaration
) -> tuple[Floats, list[Issue]]:
    """Return 1 for true, 0 for false, NaN where blank, and what is wrong with them."""
    meaning = declared.event_values
    if meaning is None:
        # Python compares True == 1 and 1.0 == 1, but never "1" == 1, so text is refused here.
        values = [float(v == 1) if v in (0, 1) else np.nan for v in cells]
    else:
        values = [float(meaning.get(as_key(v), np.nan)) for v in cells]
    flag = np.array(values)
    wrong = np.flatnonzero(np.isnan(flag) & np.array([v is not None for v in cells])).tolist()
    unknown = sorted({as_key(cells[row]) for row in wrong})
    needed = sorted({as_key(cell) for cell in cells if cell is not None})
    wanted = "neither true nor false, 1 nor 0" if meaning is None else "not in event_values"
    issues = issue(
        "SurvivalLabel",
        len(wrong),
        f"{len(wrong)} of {len(ids)} values of {declared.flag} are {wanted} (found: "
        f"{first_few(unknown)}; first patients: "
        f"{first_few(ids[wrong])}). Pass event_values= with true or false for each of "
        f"{first_few(needed, 6)}; in the shell --event-values names those that mean an event.",
    )
    if declared.event and "censor" in declared.event.casefold() and meaning is None:
        message = (
            f"event={declared.event!r} names a column of censoring, where true usually means that "
            f"no event was seen. Pass censored={declared.event!r} (in the shell NAME=TIME,censored:"
            f"{declared.event}), or event_values={{'1': True, '0': False}} (--event-values 1) if 1 "
            "does mean an event."
        )
        issues += issue("SurvivalLabel", 1, message)
    return flag, issues


def as_key(value: object) -> str:
    """Return a cell as ``event_values`` names it: 1 is '1', whether it came as 1 or as 1.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def without_outcome(count: int, n: int, columns: str) -> list[Issue]:
    """Return how many patients have blank ``columns``."""
    message = f"{count} of {n} patients have no {columns} and are left out of this outcome."
    return note("Table", count, message)


def _taken_for_missing(table: pa.Table, read: Mapping[str, Floats], half: NDArray[np.bool_]) -> str:
    """Say which words of half outcomes count as missing: to the reader both cells are filled in."""
    words = {
        str(cell).strip()
        for column, values in read.items()
        for cell, is_asked in zip(
            table.column(column).to_pylist(), half & np.isnan(values), strict=True
        )
        if is_asked and cell is not None
    } - {"", "nan"}
    return f" As missing counts {first_few(sorted(words))}." if words else ""
