"""What the cells of one clinical column are: gaps, numbers, stages, levels.

Every function looks at one column and learns nothing.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from msfusion_adapters.clinical.names import is_site
from msfusion_adapters.clinical.numbers import PARSED_SHARE, read_numbers
from msfusion_adapters.clinical.stages import grade_number, stage_number
from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.cells.dates import holds_dates
from msfusion_sdk.tables.cells.placeholders import placeholders_among

__all__ = [
    "PARSERS",
    "Role",
    "as_levels",
    "as_text",
    "fold",
    "gaps",
    "infer_role",
    "require_no_bytes",
]

Role = Literal["numeric", "categorical", "ordinal", "stage", "grade"]

PARSERS: dict[str, Callable[[str], float | None]] = {"stage": stage_number, "grade": grade_number}


def infer_role(column: pd.Series) -> Role | None:
    """Return how a column is used when nobody says so; None when it has no value.

    A column is numeric when nine tenths of its values are numbers or truth values, also as
    text; stages or grades when nine tenths are that.  Ordered categories are ordinal, other
    text and other categories categorical, and so are whole numbers that name a site.

    Raises
    ------
    TableError
        When the column holds dates or durations, or numbers in several units.
    """
    if column.dtype.kind in "mM":
        raise _is_date(column, column.dropna().iloc[:1])
    empty = gaps(column)
    cells = column[~empty]
    if cells.empty:
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "ordinal" if column.dtype.ordered else "categorical"
    if holds_dates(str(column.name), cells):
        raise _is_date(column, cells.iloc[:1])
    numbers = read_numbers(column, empty)
    if numbers.share >= PARSED_SHARE:
        # The number of a hospital is no quantity.
        is_code = is_site(str(column.name)) and _are_whole(numbers.values[~empty])
        return "categorical" if is_code else "numeric"
    counts = cells.astype(str).value_counts()
    for role, parse in PARSERS.items():
        found = [parse(text) is not None for text in counts.index]
        if counts[found].sum() >= PARSED_SHARE * len(cells):
            return "stage" if role == "stage" else "grade"
    return "categorical"


def as_levels(column: pd.Series) -> pd.Series:
    """Return the column as text with single spaces, None for gaps and placeholders."""
    return as_text(column).mask(gaps(column), None)


def as_text(column: pd.Series) -> pd.Series:
    """Return the column as text with single spaces, None where a cell is empty."""
    cells = zip(column.isna(), column.astype(object), strict=True)
    text = [None if empty else _level(cell) for empty, cell in cells]
    return pd.Series(text, column.index, dtype=object, name=column.name)


def fold(level: str) -> str:
    """Return what levels that differ only by case or spaces have in common.

    Examples
    --------
    >>> fold("Stage  IV ") == fold("STAGE IV")
    True
    """
    return " ".join(level.split()).casefold()


def gaps(column: pd.Series) -> Bools:
    """Return where a cell is empty, blank or a placeholder, ``[Not Available]`` say."""
    empty = column.isna().to_numpy(np.bool_)
    if pd.api.types.is_numeric_dtype(column):
        return empty
    cells = column.astype(object)
    words = placeholders_among(cells[~empty])
    return empty | np.array([isinstance(c, str) and c in words for c in cells], np.bool_)


def require_no_bytes(table: pd.DataFrame) -> None:
    """Refuse columns that hold bytes, as some readers of SAS files give them for text.

    Raises
    ------
    TableError
    """
    for name in table.select_dtypes(object).columns:
        cells = table[name][[isinstance(cell, bytes) for cell in table[name]]]
        if len(cells):
            msg = (
                f"Column {name!r} holds bytes for {len(cells)} of {len(table)} patients (first: "
                f"{cells.iloc[0]!r} of {cells.index[0]}), and not text. Decode them where the file "
                "is read: pandas.read_sas(path, encoding='latin-1'), say."
            )
            raise TableError(msg)


def _are_whole(values: Floats) -> bool:
    return bool(np.isfinite(values).all() and (values % 1 == 0).all())


def _level(cell: object) -> str:
    # A code 1 becomes 1.0 as soon as another cell is empty, and is still the level 1.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())


def _is_date(column: pd.Series, first: pd.Series) -> TableError:
    shown = f" (first: {str(first.iloc[0])!r})" if len(first) else ""
    return TableError(
        f"Column {column.name!r} holds dates or durations{shown}. Give the time between two "
        "events as a number, age at diagnosis in years say, or leave the column out."
    )
