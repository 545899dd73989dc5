"""Columns of text as numbers or flags where every cell is one, with the decimals as they are meant.

``61,5`` is a number where a comma stands before decimals, and ``1,234`` is one of two: such a
column is read when the rest of the table says which, and stays text otherwise.
"""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.cells.placeholders import MISSING_TEXT, PLACEHOLDER_PATTERN

__all__ = ["Decimal", "typed_columns"]

Decimal = Literal[".", ","]

# Enough to find out that most columns of text are none of numbers.
FEW_CELLS = 8
WITH_COMMA = r"^[+-]?(?:\d+|\d*,\d+|[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?)(?:[eE][+-]?\d+)?$"
MAY_BE_THOUSANDS = r"^[+-]?[1-9]\d{0,2},\d{3}$"
POINTS_AS_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$"


class _Comma(NamedTuple):
    """A column of text that reads as numbers with a comma before the decimals."""

    values: pa.ChunkedArray
    is_clear: bool
    """False when each comma may separate thousands as well."""


def typed_columns(
    names: Sequence[str],
    columns: Sequence[pa.ChunkedArray],
    *,
    keep_text: Collection[str],
    decimal: Decimal | None,
    source: str,
    is_comma_usual: bool = False,
) -> list[pa.ChunkedArray]:
    """Return each column as int64, float64, bool or text, as all its cells are.

    Whole numbers with leading zeros are codes and stay text.

    Parameters
    ----------
    keep_text : names of columns that stay exactly as they are written
    decimal : '.', ',' or None
        What stands before decimals; None finds out.
    source : str
        What the table is called in messages.
    is_comma_usual : bool
        Whether the file separates its cells by ``;``, as spreadsheets do where the comma
        stands before decimals.

    Raises
    ------
    TableError
        When some columns have commas before decimals and others may have points there, or points
        may be either.
    """
    if decimal == ",":
        return [
            column if name in keep_text else _with_points(_typed(column, ","))
            for name, column in zip(names, columns, strict=True)
        ]
    typed = {
        n: c if n in keep_text else _typed(c, ".") for n, c in zip(names, columns, strict=True)
    }
    if decimal is None:
        written = dict(zip(names, columns, strict=True))
        text = [n for n, c in typed.items() if n not in keep_text and pa.types.is_string(c.type)]
        commas = {n: found for n in text if (found := _with_comma(written[n])) is not None}
        has_comma = is_comma_usual or any(found.is_clear for found in commas.values())
        if commas and has_comma:
            others = [n for n in typed if n not in keep_text and n not in commas]
            _require_no_points({n: written[n] for n in others}, next(iter(commas)), written, source)
            typed |= {name: _with_points(typed[name]) for name in text}
            typed |= {name: found.values for name, found in commas.items()}
        elif is_comma_usual:
            _require_clear_points({n: c for n, c in written.items() if n not in keep_text}, source)
    return list(typed.values())


def _typed(text: pa.ChunkedArray, decimal: Decimal) -> pa.ChunkedArray:
    """Return numbers or flags when every cell is one, otherwise the text; gaps are null."""
    trimmed = pc.utf8_trim_whitespace(text)
    # Blanks around a cell mean nothing for numbers; text keeps them, as it is written.
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING_TEXT))
    values = pc.if_else(missing, None, trimmed)
    found = _as_numbers(values, decimal)
    if found is None:
        # A column of numbers stays one with "[Not Available]" in it; text keeps such a cell.
        no_value = pc.match_substring_regex(values, PLACEHOLDER_PATTERN, ignore_case=True)
        if pc.any(no_value).as_py():
            found = _as_numbers(pc.if_else(no_value, None, values), decimal)
    return pc.if_else(missing, None, text) if found is None else found


def _with_points(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text that is mostly numbers with a comma, ``>90`` among them say, with points.

    It stays text; whoever reads single cells then finds numbers, and only what is none is none.
    """
    if not pa.types.is_string(column.type) or not pc.any(pc.match_substring(column, ",")).as_py():
        return column
    trimmed = pc.utf8_trim_whitespace(column)
    is_number = pc.fill_null(pc.match_substring_regex(trimmed, WITH_COMMA), False)
    if 2 * pc.sum(is_number).as_py() <= len(column) - column.null_count:
        return column
    pointed = pc.replace_substring(pc.replace_substring(trimmed, ".", ""), ",", ".")
    return pc.if_else(is_number, pointed, column)


def _as_numbers(values: pa.ChunkedArray, decimal: Decimal) -> pa.ChunkedArray | None:
    if decimal == "," and pc.any(pc.match_substring_regex(values, "[,.]")).as_py():
        if not pc.all(pc.match_substring_regex(values, WITH_COMMA)).as_py():
            return None
        values = pc.replace_substring(pc.replace_substring(values, ".", ""), ",", ".")
    # From the narrowest: every whole number is a float as well, and 1 is a flag.
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            # A cast that fails has formatted an error for every cell: a few cells fail faster.
            pc.cast(values.slice(0, FEW_CELLS), kind)
            typed = pc.cast(values, kind)
        except pa.ArrowInvalid:
            continue
        return None if kind == pa.int64() and _has_leading_zeros(values) else typed
    return None


def _with_comma(text: pa.ChunkedArray) -> _Comma | None:
    """Return a column as numbers with decimal commas, or None when it is none or has no comma."""
    trimmed = pc.utf8_trim_whitespace(text)
    has_comma, has_point = (pc.match_substring(trimmed, mark) for mark in ",.")
    if not pc.any(has_comma).as_py():
        return None
    # Beside "1,5" a "1.284" is one thousand only where some cell shows both marks in their places.
    if pc.any(has_point).as_py() and not pc.any(pc.and_(has_comma, has_point)).as_py():
        return None
    typed = _typed(text, ",")
    if not pa.types.is_floating(typed.type):
        return None
    # Cells without a comma say nothing about what a comma means.
    commas = trimmed.filter(pc.match_substring(trimmed, ","))
    return _Comma(typed, not pc.all(pc.match_substring_regex(commas, MAY_BE_THOUSANDS)).as_py())


def _require_no_points(
    others: dict[str, pa.ChunkedArray], comma: str, written: dict[str, pa.ChunkedArray], source: str
) -> None:
    """Refuse numbers with points beside numbers with commas: of one of them nobody can be sure."""
    for name, column in others.items():
        with_point = column.filter(pc.match_substring(column, "."))
        if len(with_point) and pa.types.is_floating(_typed(column, ".").type):
            commas = written[comma].filter(pc.match_substring(written[comma], ","))
            msg = (
                f"{source} has numbers with a comma ({commas[0].as_py()!r} in {comma!r}) and "
                f"numbers with a point ({with_point[0].as_py()!r} in {name!r}). Say which stands "
                "before decimals: decimal=',' or decimal='.' (--decimal)."
            )
            raise TableError(msg)


def _require_clear_points(written: dict[str, pa.ChunkedArray], source: str) -> None:
    """Refuse a table in which every point may separate thousands: 1.234 is one or the other."""
    first = ""
    for name, column in written.items():
        trimmed = pc.utf8_trim_whitespace(column)
        points = trimmed.filter(pc.match_substring(trimmed, "."))
        if not len(points) or not pa.types.is_floating(_typed(column, ".").type):
            continue
        if not pc.all(pc.match_substring_regex(points, POINTS_AS_THOUSANDS)).as_py():
            return
        first = first or f"{points[0].as_py()!r} in {name!r}"
    if first:
        msg = (
            f"{source} separates its cells by ';', and its points may stand before decimals or "
            f"between thousands ({first}). Say which: decimal='.' or decimal=',' (--decimal)."
        )
        raise TableError(msg)


def _has_leading_zeros(values: pa.ChunkedArray) -> bool:
    longer = pc.greater(pc.binary_length(values), 1)
    return bool(pc.any(pc.and_(pc.starts_with(values, "0"), longer)).as_py())
