"""What the cells of clinical tables mean: gaps, numbers, levels, and names that give away.

Every function looks at one column and learns nothing.
"""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_adapters.clinical.stages import grade_number, stage_number
from msfusion_sdk.errors import NonFiniteError, TableError

__all__ = ["PARSERS", "Role", "as_levels", "as_numbers", "gaps", "infer_role", "is_after_baseline"]

Role = Literal["numeric", "categorical", "stage", "grade"]

PARSERS: dict[str, Callable[[str], float | None]] = {"stage": stage_number, "grade": grade_number}

# A column of stages has the odd "I/II NOS"; a column of names has no stage.
_PARSED_SHARE = 0.9

_PLACEHOLDER = re.compile(
    r"\[.*\]|'?--|-|\?|unknown|missing|not (?:reported|available|applicable|evaluated|known)"
    r"|n/?a|nan|null|stage x|gx",
    re.IGNORECASE,
)

_OUTCOME_WORDS = frozenset(
    [
        *("os", "dss", "pfi", "pfs", "dfi", "dfs", "rfs", "efs", "ttp", "survival", "event"),
        *("death", "died", "dead", "deceased", "alive", "vital"),
        *("censor", "censored", "censoring", "censorship"),
        *("recurrence", "recurred", "relapse", "relapsed", "progression", "progressed"),
        *("treatment", "treatments", "therapy", "therapies", "residual", "followup"),
    ]
)
_OUTCOME_PHRASES = re.compile(
    r"(?:tumou?r|cancer|disease) status|new tumou?r|follow up|last contact"
    r"|(?:survival )?time(?: (?:days|months|years))?"
)


def is_after_baseline(name: str) -> bool:
    """Tell whether a column is, by its name, known only after the start of follow-up.

    Examples
    --------
    >>> [n for n in ("OS.time", "vital_status", "er_status", "age") if tells_the_outcome(n)]
    ['OS.time', 'vital_status']
    """
    words = re.findall(r"[a-z]+", name.lower())
    text = " ".join(words)
    if text.startswith("time"):
        return bool(_OUTCOME_PHRASES.fullmatch(text))
    return bool(_OUTCOME_WORDS.intersection(words) or _OUTCOME_PHRASES.search(text))


def infer_role(column: pd.Series) -> Role | None:
    """Return how a column is used when nobody says so; None when it has no value.

    Numbers and truth values are numeric, also when written as text; text of which nine
    tenths are stages or grades is that; other text, and pandas' own categories, are categorical.

    Raises
    ------
    TableError
        When the column holds dates or durations.
    """
    if column.dtype.kind in "mM":
        msg = (
            f"Column {column.name!r} holds dates or durations. Give the time between two "
            "events as a number, age at diagnosis in years say."
        )
        raise TableError(msg)
    cells = column[~gaps(column)]
    if cells.empty:
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "categorical"
    if _parsed(cells).notna().all():
        return "numeric"
    counts = cells.astype(str).value_counts()
    for role in ("stage", "grade"):
        found = [PARSERS[role](text) is not None for text in counts.index]
        if counts[found].sum() >= _PARSED_SHARE * len(cells):
            return role
    return "categorical"


def as_numbers(column: pd.Series) -> NDArray[np.float64]:
    """Return the column as float64, NaN for gaps and placeholders.

    Raises
    ------
    TableError
        When a cell is text that is no number.
    NonFiniteError
        When a cell is infinite.
    """
    cells = column.mask(gaps(column))
    values = _parsed(cells)
    wrong = cells[values.isna() & cells.notna()]
    if len(wrong):
        first = ", ".join(f"{cell!r} of {patient}" for patient, cell in wrong.iloc[:3].items())
        msg = (
            f"Column {column.name!r} is numeric, and {len(wrong)} cells are not numbers (first: "
            f"{first}). Correct them, or declare it: categorical=[{column.name!r}]."
        )
        raise TableError(msg)
    infinite = values[np.isinf(values)]
    if len(infinite):
        msg = f"Column {column.name!r} is infinite for {', '.join(infinite.index[:3])}."
        raise NonFiniteError(msg)
    return values.to_numpy(np.float64)


def as_levels(column: pd.Series) -> pd.Series:
    """Return the column as text without blanks around it, None for gaps and placeholders."""
    cells = zip(gaps(column), column.astype(object), strict=True)
    levels = [None if gap else _level(cell) for gap, cell in cells]
    return pd.Series(levels, column.index, dtype=object, name=column.name)


def gaps(column: pd.Series) -> NDArray[np.bool_]:
    """Tell where a cell is empty, blank or a placeholder, ``[Not Available]`` say."""
    empty = column.isna().to_numpy(np.bool_)
    if pd.api.types.is_numeric_dtype(column):
        return empty
    words = {cell: not cell.strip() or bool(_PLACEHOLDER.fullmatch(cell.strip()))
             for cell in set(column[~empty]) if isinstance(cell, str)}  # fmt: skip
    return empty | np.array([words.get(cell, False) for cell in column], np.bool_)


def _level(cell: object) -> str:
    # A code 1 becomes 1.0 as soon as another cell is empty, and is still the level 1.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _parsed(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells, errors="coerce").astype(np.float64)
