"""Names of columns in the first row of a table, text or sheet: what cannot be one is refused."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.layout_hints import layout_hint
from msfusion_sdk.tables.files.table_file import TableShape

__all__ = ["Row", "n_filled", "require_names", "require_no_title", "require_no_values", "shown"]

Row: TypeAlias = Sequence[str]

DECIMAL = re.compile(r"[+-]?\d*[.,]\d+(?:e[+-]?\d+)?", re.IGNORECASE)


def require_no_title(
    source: str, names: Sequence[str], rows: Sequence[Row], line: int, shape: TableShape
) -> None:
    """Refuse a first line that is the title of a table, and not its header.

    Parameters
    ----------
    source : str
        What the table is called in messages.
    names : sequence of str
        The first line's cells.
    rows : sequence of rows
        The first ones below it.
    line : int
        The number of the first line.
    """
    if shape.is_told_by(names):
        return
    filled = [name for name in names if name]
    below = next((row for row in rows if shape.is_told_by(row)), None)
    widest = max(rows, key=n_filled, default=())
    # One name over two cells may be the only patient in a matrix of R.
    if (
        below is None
        and len(filled) < 2
        and n_filled(widest) > 1
        and max(len(names), len(widest)) > 2
    ):
        below = widest
    if below is not None:
        kind = f"seems to be a title ({shown(' '.join(filled))})" if filled else "is blank"
        msg = (
            f"Line {line} of {source} {kind}, and the header seems to stand below it "
            f"({first_few(below, 4)}). Delete what stands above it."
        )
        raise TableError(msg)


def require_names(
    source: str, names: Sequence[str], line: int, shape: TableShape, rows: Sequence[Row]
) -> None:
    """Refuse columns without a name, unless it is the first and may hold row names.

    Parameters
    ----------
    source, names, line, rows
        As in :func:`require_no_title`.
    """
    first = 1 if shape.has_row_names else 0
    unnamed = [place for place, name in enumerate(names) if place >= first and not name]
    if not unnamed:
        return
    is_end = unnamed == list(range(unnamed[0], len(names))) and unnamed[0] > 0
    if is_end and not any(cell for row in rows for cell in row[unnamed[0] :]):
        msg = (
            f"The header of {source}, line {line}, ends with {len(unnamed)} separators more than "
            "it has names. Delete them at the end of every line that has them."
        )
        raise TableError(msg)
    places = ", ".join(str(place + 1) for place in unnamed[:3])
    numbers = "; a table that was written with its row numbers looks like this"
    msg = (
        f"Column {places} of {source} has no name in line {line}"
        f"{numbers if unnamed[0] == 0 else ''}. "
    )
    msg += (unnamed == [0] and layout_hint(names)) or "Name the column or drop it."
    if first and is_end:
        msg += f" If {names[0]!r} is a patient already, name the column of genes before it."
    raise TableError(msg)


def require_no_values(path: Path, names: Sequence[str], line: int) -> None:
    """Refuse numbers with decimals as names of patients: the first genes would be lost."""
    if len(names) > 1 and all(DECIMAL.fullmatch(name) for name in names[1:]):
        msg = (
            f"Line {line} of {path} holds values ({first_few(names, 4)}) where the header should "
            "be. Write the names of the patients above it."
        )
        raise TableError(msg)


def n_filled(row: Row) -> int:
    """Return how many cells of a row hold something."""
    return sum(bool(cell) for cell in row)


def shown(line: str) -> str:
    """Return the beginning of a line for a message."""
    line = line.strip()
    return repr(line if len(line) <= 60 else f"{line[:60]}…")
