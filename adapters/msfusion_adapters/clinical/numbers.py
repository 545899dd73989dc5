"""Numbers as people write them: with limits, units, per cent, and commas before decimals.

A column is read as a whole: which sign stands before its decimals, and in which unit it is,
one cell alone does not tell.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal as ExactNumber
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few

__all__ = ["PARSED_SHARE", "Decimal", "Numbers", "read_numbers"]

Decimal = Literal["", ".", ","]

# Any word that all cells share is a unit; of these a column may not hold two.
UNITS = frozenset(
    [
        *("%", "percent", "prozent", "y", "yr", "yrs", "year", "years", "yo", "jahr", "jahre"),
        *("mo", "mos", "month", "months", "monat", "monate", "m", "w", "wk", "wks", "week"),
        *("weeks", "woche", "wochen", "d", "day", "days", "tag", "tage", "h", "hr", "hrs"),
        *("hour", "hours", "min", "s", "sec", "ms", "kg", "g", "mg", "µg", "μg", "ug", "mcg"),
        *("ng", "pg", "lb", "lbs", "oz", "st", "stone", "cm", "mm", "m", "in", "inch"),
        *("inches", "ft", "feet", "km", "µm", "nm", "l", "dl", "ml", "µl", "ul", "kg/m2"),
        *("kg/m²", "kg/m^2", "g/l", "g/dl", "mg/l", "mg/dl", "µg/l", "ug/l", "µg/ml", "ng/l"),
        *("ng/ml", "pg/ml", "mmol/l", "µmol/l", "umol/l", "nmol/l", "pmol/l", "mol/l", "u"),
        *("u/l", "u/ml", "iu", "iu/l", "iu/ml", "miu/ml", "ku/l", "meq/l", "mmhg", "bpm", "gy"),
        *("cgy", "msv", "°c", "c", "f", "/µl", "/ul", "k/µl", "k/ul", "10^9/l", "x10^9/l"),
        *("10^12/l", "g/24h", "ml/min", "py", "pack-years", "packyears", "cells", "cells/µl"),
    ]
)
PARSED_SHARE = 0.9
"""Of its values, how many have to be numbers (or stages, or grades) for a column to be that:
one of them is often ``>= 90`` or ``see notes``, and a column of names has none."""

UNIT_SHARE = 0.5
"""Of the different cells, how many end in one word for it to be a unit though nobody knows it."""

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][+-]?\d+)?"
_CELL = re.compile(
    rf"(?P<limit>[<>≤≥~≈]=?|=[<>])?\s*(?P<number>{_NUMBER})"
    r"\s*(?P<more>\+|(?:or|and) (?:more|older|over|above))?"
    r"\s*(?P<unit>(?:[^\W\d_]|[%°µμ/]|x?10\^)[^\s]*(?: [^\W\d_]+)?\.?)?"
)
# A unit has a letter or a sign in it: 120/80 is no number of "/80".
_UNIT = re.compile(r".*[^\W\d_].*|%|°")
_MINUS = re.compile("^[\N{MINUS SIGN}\N{EN DASH}](?=[\\d.,])|(?<=[eE])\N{MINUS SIGN}")
_GROUPS = re.compile(r"(?<![\w.,])\d{1,3}(?:[ \u00a0\u2009\u202f'’]\d{3})+(?!\d)")
_COMMA_CLEAR = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d*),\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


class Numbers(NamedTuple):
    """A column as numbers, and what was peculiar about its cells."""

    values: Floats
    """Shape (patient,); NaN for gaps and for cells that are no numbers."""
    is_text: Bools
    """Cells that hold something, and no number."""
    unit: str
    """What stands behind the numbers, '' when nothing does."""
    measured: tuple[str, ...]
    """Cells with that unit."""
    decimal: Decimal
    """What stands before decimals, as far as the cells tell."""
    limits: tuple[str, ...]
    """Cells that say a limit, such as ``>= 90``, and count as that number."""

    @property
    def share(self) -> float:
        """Of the cells that hold something, how many are numbers."""
        read = int((~np.isnan(self.values)).sum())
        return read / max(read + int(self.is_text.sum()), 1)


class _Cell(NamedTuple):
    number: str
    unit: str
    is_limit: bool


def read_numbers(column: pd.Series, gaps: Bools, decimal: Decimal = "") -> Numbers:
    """Return the cells of a column as numbers, as far as they are.

    Parameters
    ----------
    gaps : shape (patient,)
        Cells without a value.
    decimal : '', '.' or ','
        What stands before decimals where the cells themselves do not tell.

    Raises
    ------
    TableError
        When the cells are in several units, or a comma may separate thousands or decimals.
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(np.float64, na_value=np.nan)
        return Numbers(values, np.zeros(len(column), np.bool_), "", (), decimal, ())
    text = column.astype(object).where(~gaps, None)
    parsed = _without_codes(_parsed({cell for cell in text if isinstance(cell, str)}))
    held = int((~gaps).sum())
    if sum(_is_number(cell) or cell in parsed for cell in text) < PARSED_SHARE * held:
        # Text with some numbers in it, of which nobody asks in which unit they are.
        parsed = {word: cell for word, cell in parsed.items() if not cell.unit and "," not in word}
    units = {cell.unit for cell in parsed.values() if cell.unit}
    _require_one_unit(column, text, parsed, units)
    found = _decimal(column.name, {cell.number for cell in parsed.values()}, decimal)
    values_of = {word: _value(cell.number, found) for word, cell in parsed.items()}
    values = np.array([_as_float(cell, values_of) for cell in text], np.float64)
    words = [cell for cell in text if isinstance(cell, str) and cell in parsed]
    return Numbers(
        values,
        np.isnan(values) & ~gaps,
        next(iter(units), ""),
        tuple(word for word in words if parsed[word].unit),
        found,
        tuple(word for word in words if parsed[word].is_limit),
    )


def _parsed(words: Iterable[str]) -> dict[str, _Cell]:
    parsed = {}
    for word in words:
        match = _CELL.fullmatch(_plain(word))
        unit = (match["unit"] or "").strip().casefold().rstrip(".") if match else ""
        if match and (not unit or _UNIT.fullmatch(unit)):
            parsed[word] = _Cell(match["number"], unit, bool(match["limit"] or match["more"]))
    return parsed


def _plain(word: str) -> str:
    """Return a cell with a plain minus, and without marks between thousands or for text."""
    # A spreadsheet puts an apostrophe before a number that is to stay text.
    word = _MINUS.sub("-", word.strip()).removeprefix("'")
    return _GROUPS.sub(lambda match: re.sub(r"\D", "", match[0]), word)


def _without_codes(parsed: dict[str, _Cell]) -> dict[str, _Cell]:
    """Return the cells without such as 1a and 2b, which begin with a number and are codes.

    One word behind most numbers is their unit, whatever it is, unless it is a letter or two.
    """
    units = [cell.unit for cell in parsed.values() if cell.unit]
    is_one = len(set(units)) == 1 and len(units[0]) > 2
    if is_one and len(units) >= UNIT_SHARE * len(parsed):
        return parsed
    return {word: c for word, c in parsed.items() if not c.unit or _is_known(c.unit)}


def _is_known(unit: str) -> bool:
    return unit in UNITS or unit.replace(" ", "") in UNITS


def _require_one_unit(
    column: pd.Series, text: pd.Series, parsed: Mapping[str, _Cell], units: set[str]
) -> None:
    cells = [c for c in text if isinstance(c, str) and c in parsed]
    bare = [c for c in cells if not parsed[c].unit] + [c for c in text if _is_number(c)]
    # 45 % is 45 or 0.45 beside numbers without a sign; 61 years is 61 in any case.
    if len(units) < 2 and not (bare and units & {"%", "percent", "prozent"}):
        return
    first = [next(c for c in cells if parsed[c].unit == unit) for unit in sorted(units)]
    msg = (
        f"Column {column.name!r} holds numbers in several units ({first_few([*first, *bare[:1]])}"
        f"). Bring them to one, or declare it: categorical=[{column.name!r}]."
    )
    raise TableError(msg)


def _decimal(name: object, numbers: set[str], known: Decimal) -> Decimal:
    """Return what stands before decimals, from all numbers of a column together."""
    with_comma = {number for number in numbers if "," in number}
    if not with_comma:
        return "." if any("." in number for number in numbers) else known
    either = {number for number in with_comma if _EITHER.fullmatch(number)}
    thousands = {n for n in with_comma - either if _THOUSANDS.fullmatch(n)}
    decimals = {n for n in with_comma - either if _COMMA_CLEAR.fullmatch(n)}
    points = {number for number in numbers - with_comma if "." in number}
    if decimals and not thousands and not (either and points):
        return ","
    if (thousands or (either and points)) and not decimals:
        return "."
    if either and not decimals and not thousands and known:
        return known
    first = first_few(sorted(either or with_comma))
    msg = (
        f"Column {name!r} holds numbers whose comma may stand before decimals or separate "
        f"thousands ({first}). Write them with a point and without thousands, or say which it is "
        "where the file is read: TableFile(path, decimal=',') or --decimal."
    )
    raise TableError(msg)


def _value(number: str, decimal: Decimal) -> float:
    if "," in number:
        if decimal == ",":
            number = number.replace(".", "").replace(",", ".")
        else:
            number = number.replace(",", "")
    try:
        return float(number)
    except ValueError:  # several points
        return np.nan


def _is_number(cell: object) -> bool:
    known = bool | int | float | np.number | np.bool_ | ExactNumber | Fraction
    return isinstance(cell, known) and cell == cell


def _as_float(cell: object, values: Mapping[str, float]) -> float:
    if isinstance(cell, str):
        return values.get(cell, np.nan)
    return float(cell) if _is_number(cell) else np.nan  # type: ignore[arg-type]
