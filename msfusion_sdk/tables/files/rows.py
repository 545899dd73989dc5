"""Cells of text in columns, and the rows among them that are none of the table."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from msfusion_sdk.errors import DuplicateIdError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.table_file import TableShape

__all__ = ["Cells", "only_rows"]

N_HEADERS = 3
"""Lines of a biotab header: the names, other names, and the numbers of the definitions."""


class Cells(NamedTuple):
    """A table as it is written: every cell text, with the place where it stands."""

    source: str
    """What the file or sheet is called in messages."""
    names: tuple[str, ...]
    columns: Sequence[pa.ChunkedArray]
    """Text, a column per name."""
    separator: str
    """What separated the cells; '' in a spreadsheet, where nothing does."""
    place: Callable[[int], str]
    """Where a row stands: ``"line 7"``."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0])

    def kept(self, rows: NDArray[np.bool_]) -> "Cells":
        """Return the rows of a mask."""
        places, mask, place = np.flatnonzero(rows), pa.array(rows), self.place
        columns = [column.filter(mask) for column in self.columns]
        return self._replace(columns=columns, place=lambda row: place(int(places[row])))


def only_rows(cells: Cells, shape: TableShape) -> Cells:
    """Return the rows of the table itself, without blank ones at the end and repeated headers.

    Raises
    ------
    DuplicateIdError
        When two columns have one name.
    TableError
        When a row is blank amid others, repeats the header where that is not foreseen, or is
        the header of another table.
    """
    repeated = [name for name in dict.fromkeys(cells.names) if cells.names.count(name) > 1]
    if repeated:
        msg = (
            f"{cells.source} has columns that occur twice ({first_few(repeated)}). Rename or drop "
            "one."
        )
        raise DuplicateIdError(msg)
    cells = _without_headers(_without_blank_end(cells), shape)
    if shape.has_comments:
        _require_no_comments(cells)
    return cells


def _without_blank_end(cells: Cells) -> Cells:
    blank = _where(cells, lambda column: pc.equal(pc.utf8_trim_whitespace(column), ""))
    # In a table of one column a blank row is a blank cell.
    if not blank.any() or len(cells.columns) == 1:
        return cells
    # Blank rows at the end are a habit of spreadsheets; in between they may part two tables.
    last = int(np.flatnonzero(~blank).max(initial=-1))
    inside = np.flatnonzero(blank[: last + 1])
    if len(inside):
        msg = (
            f"{len(inside)} rows of {cells.source} are blank in every cell, with rows below them "
            f"(first: {cells.place(int(inside[0]))}). Delete them, or what stands below if it is "
            "another table."
        )
        raise TableError(msg)
    return cells.kept(~blank)


def _without_headers(cells: Cells, shape: TableShape) -> Cells:
    repeats = np.ones(cells.n_rows, np.bool_)
    for name, column in zip(cells.names, cells.columns, strict=True):
        if not repeats.any():
            break
        repeats &= pc.equal(_plain(column), name.lower()).to_numpy()
    is_biotab = any(
        (cell.as_py() or "").startswith("CDE_ID:")
        for column in cells.columns
        for cell in column[: N_HEADERS - 1]
    )
    repeats[: N_HEADERS - 1] |= is_biotab
    if is_biotab:
        # Of joined files each has three; the numbers are below the other names.
        numbers = pc.starts_with(cells.columns[0], "CDE_ID:").to_numpy()
        repeats |= numbers | np.append(numbers[1:], False)
    _require_no_other_header(cells, repeats, shape)
    if not repeats.any():
        return cells
    if shape.repeats_header:
        return cells.kept(~repeats)
    first = cells.place(int(np.flatnonzero(repeats)[0]))
    if is_biotab:
        msg = (
            f"{cells.source} has three header lines, as the biotab files of the GDC do ({first} "
            "and the next are none of the table). Say layout='gdc' (--layout gdc), or delete "
            "the two."
        )
    else:
        msg = (
            f"{int(repeats.sum())} rows of {cells.source} repeat its header (first: {first}): "
            "files that were joined look like this. Delete them; the layout 'maf' leaves them out."
        )
    raise TableError(msg)


def _require_no_other_header(cells: Cells, repeats: NDArray[np.bool_], shape: TableShape) -> None:
    """Refuse a row that is the header of a table with other columns, joined below this one."""
    names = [name.lower() for name in cells.names]
    keys = [place for place, name in enumerate(cells.names) if name in shape.wanted + shape.one_of]
    # One column tells whether anything else has to be looked at.
    first = _plain(cells.columns[keys[0] if keys else 0])
    maybe = pc.is_in(first, value_set=pa.array(names)).to_numpy() & ~repeats
    for row in np.flatnonzero(maybe):
        written = [column[int(row)].as_py() for column in cells.columns]
        plain = [cell.strip().lower() for cell in written]
        n_names = sum(bool(cell) and cell in names for cell in plain)
        has_keys = bool(keys) and all(plain[key] == names[key] for key in keys)
        if has_keys or n_names >= max(2, len(names) / 2):
            msg = (
                f"{cells.place(int(row)).capitalize()} of {cells.source} seems to be another "
                f"header ({first_few(written, 4)}), with other columns than the first. Delete it "
                "if the rows below have the columns of the first; else give both tables the same "
                "columns in the same order before they are joined."
            )
            raise TableError(msg)


def _require_no_comments(cells: Cells) -> None:
    """Refuse comments below the header: they are no patients, and no genes."""
    found = np.flatnonzero(pc.starts_with(cells.columns[0], "#").to_numpy())
    if len(found):
        msg = (
            f"{len(found)} rows of {cells.source} begin with '#' (first: "
            f"{cells.place(int(found[0]))}), below the header: files that were joined look like "
            "this. Delete them."
        )
        raise TableError(msg)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_lower(pc.utf8_trim_whitespace(column))


def _where(cells: Cells, test: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> NDArray[np.bool_]:
    """Return the rows of which every cell passes a test."""
    found = np.ones(cells.n_rows, np.bool_)
    for column in cells.columns:
        if not found.any():
            break
        found &= test(column).to_numpy()
    return found
