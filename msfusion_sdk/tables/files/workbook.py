"""Sheets of Excel and OpenDocument files as cells of text, as far as a spreadsheet keeps text.

A spreadsheet stores what somebody typed as a number, a date or text, and shows it in some
format: ``0012`` may be the number 12, and ``MARCH1`` the first of March.  So ids and names
have to be text in the sheet, and everything else comes as the value that is stored.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import TypeAlias

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.column_names import require_names, require_no_title
from msfusion_sdk.tables.files.rows import Cells, only_rows
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

__all__ = ["read_workbook"]

Value: TypeAlias = int | float | str | bool | time | date | datetime | timedelta
KINDS = {int: "a number", float: "a number", bool: "true or false", str: "text"}


def read_workbook(
    file: TableFile, data: bytes, shape: TableShape, keep_text: Collection[str]
) -> Cells:
    """Return the cells of one sheet as text.

    Parameters
    ----------
    keep_text : collection of str
        Columns of ids and names, as far as they are there.

    Raises
    ------
    IdTypeError
        When an id or a name is not text in the sheet.
    TableError
        When the workbook cannot be opened, the sheet is not named or not there, or it holds no
        table that begins with its header.
    """
    sheet, rows = _sheet(file, data)
    file = file.model_copy(update={"sheet": sheet})
    names = _names(file, rows, shape)
    for place, name in enumerate(names):
        if name in keep_text or (shape.has_row_names and place == 0):
            _require_text(file, name, place, rows[1:])
    columns = [
        pa.chunked_array([pa.array([_text(row[place]) for row in rows[1:]], pa.string())])
        for place in range(len(names))
    ]
    cells = Cells(file.name, names, columns, "", lambda row: f"row {row + 2}")
    return only_rows(cells, shape)


def _sheet(file: TableFile, data: bytes) -> tuple[str, list[list[Value]]]:
    """Return the name and the rows of the sheet that is named, or of the only one with cells."""
    try:
        with CalamineWorkbook.from_filelike(BytesIO(data)) as book:
            names = [s.name for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
            wanted = names if file.sheet is None else [n for n in names if n == file.sheet]
            found = {
                name: rows
                for name in wanted
                # With empty rows above the header: messages name rows as the spreadsheet does.
                if (rows := book.get_sheet_by_name(name).to_python(skip_empty_area=False))
            }
    except PasswordError as error:
        msg = f"{file.path} is protected by a password. Save it without one."
        raise TableError(msg) from error
    except BaseException as error:
        # A damaged .xls makes calamine panic, which is no Exception and has no public class.
        if isinstance(error, CalamineError | OSError | ValueError) or _is_panic(error):
            msg = f"{file.path} could not be read as a spreadsheet: {error}. Save it again."
            raise TableError(msg) from error
        raise
    if len(found) == 1:
        return next(iter(found.items()))
    listed = first_few(found if len(found) > 1 else names, 10)
    if file.sheet is not None:
        msg = f"{file.path} has no sheet {file.sheet!r} with cells in it (sheets: {listed})."
    elif found:
        msg = f"{file.path} has {len(found)} sheets with cells ({listed}). Say sheet= (--sheet)."
    else:
        msg = f"{file.path} holds no cells in any of its sheets ({listed})."
    raise TableError(msg)


def _names(file: TableFile, rows: list[list[Value]], shape: TableShape) -> tuple[str, ...]:
    """Return the names in the first row, and cut the columns behind them that hold nothing."""
    # Cells that were formatted and never filled count as part of the sheet.
    while rows[0] and all(row[-1] == "" for row in rows):
        for row in rows:
            row.pop()
    names = tuple(_text(cell).strip() for cell in rows[0])
    below = [[_text(cell).strip() for cell in row] for row in rows[1:51]]
    require_no_title(file.name, names, below, 1, shape)
    require_names(file.name, names, 1, shape, below)
    if shape.has_row_names:
        wrong = [cell for cell in rows[0][1:] if not isinstance(cell, str)]
        if wrong:
            raise _not_text(file, f"{len(wrong)} names in row 1 of", "B1", wrong)
    return names


def _require_text(file: TableFile, name: str, place: int, rows: Sequence[Sequence[Value]]) -> None:
    wrong = [
        (number, row[place])
        for number, row in enumerate(rows, 2)
        if not isinstance(row[place], str)
    ]
    if wrong:
        address = f"{_letters(place)}{wrong[0][0]}"
        what = f"Column {name!r} has {len(wrong)} cells that are no text in"
        raise _not_text(file, what, address, [cell for _, cell in wrong])


def _not_text(file: TableFile, what: str, address: str, wrong: Sequence[Value]) -> IdTypeError:
    kind = KINDS.get(type(wrong[0]), "a date or time")
    shown = first_few([_text(cell) for cell in wrong])
    return IdTypeError(
        f"{what} {file.name} (first: {address}, {kind}: {shown}). A spreadsheet that made a number "
        "or a date of a name has lost zeros, digits or letters already: format the column as "
        "text and enter the names again, or take them from where they come from."
    )


def _text(cell: Value) -> str:
    """Return a value as it would stand in a text file."""
    # Spreadsheets know only floats; above 2^53 a whole number may be another one.
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _is_panic(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"


def _letters(place: int) -> str:
    """Return what a spreadsheet calls a column: A, B … Z, AA and so on."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
