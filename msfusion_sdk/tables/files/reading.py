"""A table file of any kind as typed columns: the one strict reader behind all others."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.cells.typed import typed_columns
from msfusion_sdk.tables.files.content import read_content
from msfusion_sdk.tables.files.rows import Cells
from msfusion_sdk.tables.files.table_file import TableFile, TableShape
from msfusion_sdk.tables.files.text import read_text

__all__ = ["read_file", "read_strings"]

PLAIN = TableShape()
MAX_PARQUET_BYTES, MAX_CELLS = 8 * 2**30, 10**9


def read_file(
    file: TableFile, *, keep_text: tuple[str, ...] = (), shape: TableShape = PLAIN
) -> pa.Table:
    """Return the table in a file.

    Parameters
    ----------
    keep_text : tuple of str
        Columns that stay exactly as they are written; so does the first one where it holds
        row names.  In a Parquet file every column has the type it has there.

    Raises
    ------
    TableError
        When there is no such file, it is no table, or not well formed; the line or cell.
    DuplicateIdError
        When two columns have one name.
    IdTypeError
        When a spreadsheet has made numbers or dates of ids or names.
    """
    cells = _cells(file, shape, keep_text)
    if isinstance(cells, pa.Table):
        return cells
    kept = {*keep_text, cells.names[0]} if shape.has_row_names else {*keep_text}
    columns = typed_columns(
        cells.names,
        cells.columns,
        keep_text=kept,
        # A spreadsheet stores numbers, which are written here with a point.
        decimal=file.decimal if cells.separator else ".",
        source=cells.source,
        is_comma_usual=cells.separator == ";",
    )
    return pa.Table.from_arrays(columns, names=list(cells.names))


def read_strings(file: TableFile, columns: tuple[str, ...]) -> pa.Table:
    """Return a table of text in which every cell is as it is written, ``NA`` and blanks too.

    Raises
    ------
    TableError
        As :func:`read_file` does, and when one of ``columns`` is missing or it is Parquet.
    """
    cells = _cells(file, TableShape(wanted=columns), columns)
    if isinstance(cells, pa.Table):
        msg = f"{file.path} is Parquet, where a table of text is needed. Write it as CSV."
        raise TableError(msg)
    absent = [name for name in columns if name not in cells.names]
    if absent:
        msg = (
            f"{file.path} has no column {absent[0]!r} (found: {', '.join(cells.names)}). It needs "
            f"{', '.join(columns)}."
        )
        raise TableError(msg)
    return pa.Table.from_arrays(list(cells.columns), names=list(cells.names))


def _cells(file: TableFile, shape: TableShape, keep_text: tuple[str, ...]) -> Cells | pa.Table:
    """Return the cells of a text file or a sheet, or the table in a Parquet file."""
    content = read_content(file.path)
    if content.kind == "text":
        return read_text(file, content.data, shape)
    if content.kind == "workbook":
        # calamine takes 20 ms to load, and most tables are text.
        from msfusion_sdk.tables.files.workbook import read_workbook

        return read_workbook(file, content.data, shape, keep_text)
    try:
        with pq.ParquetFile(file.path, page_checksum_verification=True) as parquet:
            _require_size(file.path, parquet.metadata)
            # Its columns have types of their own: nothing is inferred.
            return parquet.read()
    except TableError:
        raise
    # Damage in the footer, which no page checksum covers, shows as almost any error.
    except (pa.ArrowException, OSError, ArithmeticError, LookupError, MemoryError, TypeError,
            ValueError) as error:  # fmt: skip
        msg = f"{file.path} could not be read as Parquet: {error}. Write it again."
        raise TableError(msg) from error


def _require_size(path: Path, facts: pq.FileMetaData) -> None:
    """Refuse what a few kilobytes claim to hold before it fills the memory."""
    groups = (facts.row_group(number) for number in range(facts.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    cells = facts.num_rows * facts.num_columns
    if size > MAX_PARQUET_BYTES or cells > MAX_CELLS:
        msg = (
            f"{path} claims {facts.num_rows} rows of {facts.num_columns} columns ({size / 1e9:.1f} "
            f"GB), and at most {MAX_CELLS:.0e} cells are read. Split it, or write it again."
        )
        raise TableError(msg)
