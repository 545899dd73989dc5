"""Tables of patients: read with ids that stay text, checked before anything is computed.

Ids are never repaired: ``0012`` read as 12, or ``NA`` read as missing, would join the wrong
patients or none.
"""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError
from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

__all__ = ["ID_COLUMN", "patient_table", "read_shaped", "read_table", "select_columns"]

ID_COLUMN = "patient_id"


def read_table(
    source: str | Path | TableFile, *, id_column: str | None = ID_COLUMN
) -> pd.DataFrame:
    """Return the rows of a table file, with ``id_column`` as text.

    Parameters
    ----------
    source : path or TableFile
        Text (CSV, TSV, also with gzip), a spreadsheet or Parquet; the content decides, not the
        name.  A ``TableFile`` also says the sheet, the separator, the decimals or the encoding.
    id_column : str or None
        Stays exactly as it is written; None means the first column, which may lack a name.

    Raises
    ------
    TableError
        When the file is no table, or not well formed; the message names the line or cell.
    DuplicateIdError
        When a column occurs twice.
    IdTypeError
        When a spreadsheet has made numbers or dates of the ids.
    """
    if id_column is None:
        return read_shaped(source, TableShape(has_row_names=True))
    return read_shaped(source, TableShape(wanted=(id_column,)), keep_text=(id_column,))


def read_shaped(
    source: str | Path | TableFile, shape: TableShape, *, keep_text: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return the rows of a table file of a stated shape; see :func:`read_table`."""
    file = source if isinstance(source, TableFile) else TableFile(path=Path(source))
    frame: pd.DataFrame = read_file(file, keep_text=keep_text, shape=shape).to_pandas()
    return frame


def patient_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with its patient ids as index and its column names as text.

    Parameters
    ----------
    table : DataFrame
        With a column ``patient_id``, or the ids in its index.

    Raises
    ------
    IdTypeError
        When an id is a number, missing or blank, or the index has several levels.
    DuplicateIdError
        When a patient or a column occurs twice.
    """
    if ID_COLUMN not in table.columns and table.index.nlevels > 1:
        levels = ", ".join(str(name) for name in table.index.names)
        msg = (
            f"The index has {table.index.nlevels} levels ({levels}), and patient ids are one. Keep "
            "theirs, with one row per patient: table.droplevel(…)."
        )
        raise IdTypeError(msg)
    indexed = table.set_index(ID_COLUMN) if ID_COLUMN in table.columns else table.copy(deep=False)
    # A new index: the caller's table shares the old one.
    indexed.index = indexed.index.rename(ID_COLUMN)
    indexed.columns = pd.Index([str(name) for name in indexed.columns])
    wrong = {
        row: value
        for row, value in enumerate(indexed.index, 1)
        if not isinstance(value, str) or not value.strip()
    }
    if wrong:
        msg = (
            f"{len(wrong)} of {len(indexed)} patient ids are not text (first: "
            f"{', '.join(map(repr, list(wrong.values())[:3]))}; row {next(iter(wrong))} of the "
            "table). Give the table a column or index 'patient_id' of text; read ids as text, "
            "since numbers lose leading zeros."
        )
        raise IdTypeError(msg)
    _require_unique(indexed.index, "patient ids", "keep one row per patient")
    _require_unique(indexed.columns, "columns", "rename or drop one of each")
    return indexed


def select_columns(table: pd.DataFrame, columns: Collection[str], what: str) -> pd.DataFrame:
    """Return the patient table with exactly ``columns``, in that order.

    Parameters
    ----------
    table : DataFrame
        With ``patient_id`` as column or index.
    columns : collection of str
        Those that fitting saw.
    what : str
        Whose columns they are, for the message: ``"the genomics table"``.

    Raises
    ------
    TableError
        When one of ``columns`` is missing, or the table has others.
    """
    checked = patient_table(table)
    missing = [name for name in columns if name not in checked.columns]
    if missing:
        msg = (
            f"{len(missing)} of {len(columns)} columns that fitting saw are missing from {what} "
            f"(first: {_some(missing)}; found: {_some(checked.columns)}). Give the columns of the "
            "training table."
        )
        raise TableError(msg)
    known = set(columns)
    unknown = [name for name in checked.columns if name not in known]
    if unknown:
        msg = (
            f"{len(unknown)} columns of {what} were not there when it was fitted (first: "
            f"{_some(unknown)}). Drop them, or fit again with them."
        )
        raise TableError(msg)
    return checked[list(columns)]


def _require_unique(values: pd.Index, what: str, remedy: str) -> None:
    if not values.is_unique:
        repeated = values[values.duplicated()].unique()
        msg = f"{len(repeated)} {what} occur more than once (first: {_some(repeated)}); {remedy}."
        raise DuplicateIdError(msg)


def _some(values: Collection[str]) -> str:
    return ", ".join(map(repr, list(values)[:3]))
