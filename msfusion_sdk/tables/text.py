"""CSV and TSV files as Arrow tables; a file that is not well formed is refused by line."""

import csv
import gzip
import io
from itertools import takewhile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.placeholders import MISSING_TEXT, PLACEHOLDER_PATTERN

__all__ = ["SEPARATORS", "read_text_table"]

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
MAX_BLOCK_BYTES = 1 << 30
FEW_CELLS = 8
NUMBERS_AND_FLAGS = (pa.int64(), pa.float64(), pa.bool_())


def read_text_table(path: Path, separator: str, *, keep_text: tuple[str, ...]) -> pa.Table:
    """Return the cells of a text file; columns in ``keep_text`` exactly as they are written.

    Another column is int64, float64 or bool when all its cells are, otherwise text.  Whole
    numbers with leading zeros are codes and stay text.

    Raises
    ------
    TableError
        When the file is empty, is not UTF-8 text, or a row has too many or too few cells.
    """
    data = _read_bytes(path)
    _require_text(path, data)
    comments = _count_comments(data)
    lines = _lines(data, comments)
    names = next(csv.reader(lines, delimiter=separator), None)
    if names is None:
        msg = f"{path} holds no header. Give a header and rows."
        raise TableError(msg)
    _require_names(path, names)
    # Arrow reads stray quotes as it likes, and would take half a file for one cell.
    if b'"' in data:
        _require_even_rows(path, data, separator, comments)
    cells = _parse(path, data, separator, names, comments)
    as_written = frozenset(keep_text)
    columns = [
        column if name in as_written else _typed(column)
        for name, column in zip(names, cells.itercolumns(), strict=True)
    ]
    return pa.Table.from_arrays(columns, names=names)


def _read_bytes(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return file.read()
    except (OSError, EOFError) as error:
        msg = f"{path} could not be read: {error}. Check the file."
        raise TableError(msg) from error


def _require_text(path: Path, data: bytes) -> None:
    if not data.strip():
        msg = f"{path} is empty ({len(data)} bytes). Give a header and rows."
        raise TableError(msg)
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        msg = f"{path} is a spreadsheet with another ending. Save it as CSV in UTF-8, pass that."
        raise TableError(msg)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        found = "UTF-16" if is_utf16 else f"byte 0x{data[error.start]:02x}, perhaps Latin-1"
        msg = f"{path} is not UTF-8 text: line {line} ({found}). Save it as CSV in UTF-8."
        raise TableError(msg) from error
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        msg = f"{path} holds a zero byte in line {line}: it is damaged or no text. Write it again."
        raise TableError(msg)


def _lines(data: bytes, skip: int = 0) -> io.TextIOWrapper:
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    for _ in range(skip):
        lines.readline()
    return lines


def _count_comments(data: bytes) -> int:
    return sum(1 for _ in takewhile(lambda line: line.startswith("#"), _lines(data)))


def _require_names(path: Path, names: list[str]) -> None:
    unnamed = [str(place) for place, name in enumerate(names, 1) if not name.strip()]
    if unnamed:
        msg = (
            f"Column {', '.join(unnamed[:3])} of {path} has no name; a table that was written with "
            "its row numbers looks like this. Name the column or drop it."
        )
        raise TableError(msg)


def _require_even_rows(path: Path, data: bytes, separator: str, comments: int) -> None:
    """Raise for the rows whose number of cells, or whose quotes, are wrong."""
    reader = csv.reader(_lines(data, comments), delimiter=separator, strict=True)
    wrong: list[str] = []
    started = 0
    try:
        width = len(next(reader))
        started = reader.line_num
        for row in reader:
            if row and len(row) != width:
                wrong.append(f"line {comments + reader.line_num}: {len(row)}")
            started = reader.line_num
    except csv.Error as error:
        line = comments + started + 1
        msg = (
            f"{path} has a quotation mark that does not close, or text after one that does, in the "
            f"row that begins in line {line} ({error}). Double the marks inside quoted cells."
        )
        raise TableError(msg) from error
    if wrong:
        msg = (
            f"{len(wrong)} rows of {path} do not have the {width} cells of its header (first: "
            f"{', '.join(wrong[:3])}). Look for separators inside cells without quotes."
        )
        raise TableError(msg)


def _parse(path: Path, data: bytes, separator: str, names: list[str], comments: int) -> pa.Table:
    ragged = False

    def note(_: arrow_csv.InvalidRow) -> str:
        nonlocal ragged
        ragged = True
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                # One block: a row of 60,000 genes is longer than the default.
                block_size=min(len(data), MAX_BLOCK_BYTES),
                skip_rows=comments,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        msg = f"{path} could not be read as a table: {error}."
        raise TableError(msg) from error
    if ragged:
        _require_even_rows(path, data, separator, comments)
    return table


def _typed(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers or flags when every cell is one, otherwise the text; gaps are null."""
    trimmed = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING_TEXT))
    # A column of numbers stays one with "[Not Available]" in it; text keeps such a cell.
    no_value = pc.match_substring_regex(trimmed, PLACEHOLDER_PATTERN, ignore_case=True)
    values = pc.if_else(pc.or_(missing, no_value), None, trimmed)
    for kind in NUMBERS_AND_FLAGS:
        try:
            # A cast that fails has formatted an error for every cell: a few cells fail faster.
            pc.cast(values.slice(0, FEW_CELLS), kind)
            typed = pc.cast(values, kind)
        except pa.ArrowInvalid:
            continue
        if kind == pa.int64() and _has_leading_zeros(values):
            break
        return typed
    return pc.if_else(missing, None, text)


def _has_leading_zeros(values: pa.ChunkedArray) -> bool:
    longer = pc.greater(pc.binary_length(values), 1)
    return bool(pc.any(pc.and_(pc.starts_with(values, "0"), longer)).as_py())
