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
        When a row is blank amid others, or repeats the header where that is not foreseen.
    """
    repeated = [name for name in dict.fromkeys(cells.names) if cells.names.count(name) > 1]
    if repeated:
        msg = (
            f"{cells.source} has columns that occur twice ({first_few(repeated)}). Rename or drop "
            "one."
        )
        raise DuplicateIdError(msg)
    cells = _without_headers(_without_blank_end(cells), shape)
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
        repeats &= pc.equal(pc.utf8_trim_whitespace(column), name).to_numpy()
    is_biotab = any(
        (cell.as_py() or "").startswith("CDE_ID:")
        for column in cells.columns
        for cell in column[: N_HEADERS - 1]
    )
    repeats[: N_HEADERS - 1] |= is_biotab
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


def _where(cells: Cells, test: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> NDArray[np.bool_]:
    """Return the rows of which every cell passes a test."""
    found = np.ones(cells.n_rows, np.bool_)
    for column in cells.columns:
        if not found.any():
            break
        found &= test(column).to_numpy()
    return found
