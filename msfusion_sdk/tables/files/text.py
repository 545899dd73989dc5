"""Text files as cells of text; a file that is not well formed is refused by line."""

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.files.encoding import to_utf8
from msfusion_sdk.tables.files.header import Header, find_header
from msfusion_sdk.tables.files.rows import Cells, only_rows
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

__all__ = ["read_text"]

MAX_BLOCK_BYTES = 1 << 30
N_LINES = 2000
COMMENT = re.compile(rb"^#[^\r\n]*", re.MULTILINE)


def read_text(file: TableFile, data: bytes, shape: TableShape) -> Cells:
    """Return the cells of a text file exactly as they are written.

    Parameters
    ----------
    data : bytes
        The whole file, uncompressed.

    Raises
    ------
    TableError
        When it is no text, its header cannot be found, or a row has too many or too few cells.
    """
    data = to_utf8(file.path, data, file.encoding)
    header = find_header(file, list(islice(_lines(data), N_LINES)), shape)
    body = _after(data, header.lines)
    if shape.repeats_header and shape.has_comments:
        body = _without_comments(body, header)
    # Arrow reads stray quotes as it likes, and would take half a file for one cell.
    if b'"' in body:
        _require_even_rows(file.path, body, header)
    cells = Cells(
        file.path.name,
        header.names,
        _parse(file.path, body, header),
        header.separator,
        lambda row: f"line {_line_of(body, header, row)}",
    )
    return only_rows(cells, shape)


def _lines(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")


def _after(data: bytes, lines: int) -> bytes:
    place = 0
    for _ in range(lines):
        end = data.find(b"\n", place)
        place = len(data) if end < 0 else end + 1
    return data[place:]


def _without_comments(body: bytes, header: Header) -> bytes:
    """Blank the comments of joined files, of which each has its own; a whole row is none."""
    separators = len(header.names) - 1
    mark = header.separator.encode()
    # The lines stay, so that messages count them.
    return COMMENT.sub(lambda line: line[0] if line[0].count(mark) >= separators else b"", body)


def _rows(body: bytes, separator: str, *, strict: bool = False) -> "csv._reader":  # type: ignore[name-defined]
    return csv.reader(_lines(body), delimiter=separator, strict=strict)


def _line_of(body: bytes, header: Header, row: int) -> int:
    """Return the line in which a row begins."""
    reader = _rows(body, header.separator)
    # By the same reader as the check: a row with line ends in its cells takes several lines.
    started, seen = 0, -1
    for cells in reader:
        seen += bool(cells)
        if seen == row:
            break
        started = reader.line_num
    return header.lines + started + 1


def _require_even_rows(path: Path, body: bytes, header: Header) -> None:
    """Raise for the rows whose number of cells, or whose quotes, are wrong."""
    width, wrong, started = len(header.names), list[str](), 0
    reader = _rows(body, header.separator, strict=True)
    try:
        for row in reader:
            if row and len(row) != width:
                shown = ", ".join(cell[:20] for cell in row[:3])
                line = header.lines + reader.line_num
                wrong.append(f"line {line}: {len(row)} ({shown} …)")
            started = reader.line_num
    except csv.Error as error:
        line = header.lines + started + 1
        msg = (
            f"{path} has a quotation mark that does not close, or text after one that does, in the "
            f"row that begins in line {line} ({error}). Double the marks inside quoted cells."
        )
        raise TableError(msg) from error
    if wrong:
        msg = (
            f"{len(wrong)} rows of {path} do not have the {width} cells of its header (first: "
            f"{', '.join(wrong[:3])}). Look for separators inside cells without quotes, or cells "
            "that are missing at the end."
        )
        raise TableError(msg)


def _parse(path: Path, body: bytes, header: Header) -> Sequence[pa.ChunkedArray]:
    is_ragged = False

    def note(_: arrow_csv.InvalidRow) -> str:
        nonlocal is_ragged
        is_ragged = True
        return "skip"

    names = [str(place) for place in range(len(header.names))]
    # Arrow refuses a body without rows.
    if not body.strip(b"\r\n"):
        return [pa.chunked_array([], pa.string())] * len(names)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(body),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                # One block: a row of 60,000 genes is longer than the default.
                block_size=min(len(body), MAX_BLOCK_BYTES),
                column_names=names,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.separator, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        msg = f"{path} could not be read as a table: {error}."
        raise TableError(msg) from error
    if is_ragged:
        _require_even_rows(path, body, header)
    columns: Sequence[pa.ChunkedArray] = table.columns
    return columns
