"""Tables of patients: read with ids that stay text, checked before anything is computed.

Ids are never repaired: ``0012`` read as 12, or ``NA`` read as missing, would join the wrong
patients or none.
"""

import gzip
from collections.abc import Collection
from itertools import takewhile
from pathlib import Path

import pandas as pd

from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError
from msfusion_sdk.tables.placeholders import MISSING_TEXT

__all__ = ["ID_COLUMN", "patient_table", "read_table", "select_columns"]

ID_COLUMN = "patient_id"

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t", ".maf": "\t"}


def read_table(path: str | Path, *, id_column: str | None = ID_COLUMN) -> pd.DataFrame:
    """Return the rows of a CSV, TSV or Parquet file, with ``id_column`` as text.

    The suffix decides: ``.csv`` has commas, ``.tsv``, ``.txt`` and ``.maf`` have tabs, each
    also with ``.gz``; ``.parquet``.  ``id_column=None`` means the first column.  Lines that
    begin with ``#`` before the header are comments.

    Parameters
    ----------
    path : path
        Of the file.
    id_column : str or None
        The column that stays text, as written; None for the first.

    Raises
    ------
    TableError
        When the suffix is another one, or the file is no such table.
    DuplicateIdError
        When a column occurs twice.
    """
    path = Path(path)
    suffix = path.suffixes[-2] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path)
        if suffix in _SEPARATORS:
            return _read_text(path, _SEPARATORS[suffix], id_column)
    except (ValueError, pd.errors.ParserError) as error:
        if isinstance(error, TableError):
            raise
        msg = f"{path} could not be read as a {suffix} table: {error}"
        raise TableError(msg) from error
    msg = f"{path} is no table this reads (known: .csv, .tsv, .txt, .maf, also with .gz; .parquet)."
    raise TableError(msg)


def patient_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with its patient ids as index and its column names as text.

    Parameters
    ----------
    table : DataFrame
        With a column ``patient_id``, or the ids in its index.

    Raises
    ------
    IdTypeError
        When an id is a number, missing or blank.
    DuplicateIdError
        When a patient or a column occurs twice.
    """
    indexed = table.set_index(ID_COLUMN) if ID_COLUMN in table.columns else table.copy(deep=False)
    # A new index: the caller's table shares the old one.
    indexed.index = indexed.index.rename(ID_COLUMN)
    indexed.columns = pd.Index([str(name) for name in indexed.columns])
    wrong = [value for value in indexed.index if not isinstance(value, str) or not value.strip()]
    if wrong:
        msg = (
            f"{len(wrong)} of {len(indexed)} patient ids are not text (first: "
            f"{', '.join(map(repr, wrong[:3]))}). Give the table a column or index 'patient_id' "
            "of text; read ids as text, since numbers lose leading zeros."
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


def _read_text(path: Path, separator: str, id_column: str | None) -> pd.DataFrame:
    comments = _leading_comments(path)
    header = pd.read_csv(
        path,
        sep=separator,
        skiprows=comments,
        nrows=1,
        header=None,
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig",
    )
    names = pd.Index(header.iloc[0])
    # pandas would rename the second one to "TP53.1" and go on.
    _require_unique(names[names != ""], f"columns of {path}", "rename or drop one of each")
    # pandas' own name for a first column without one, which a transposed table has.
    text = id_column or names[0] or "Unnamed: 0"
    return pd.read_csv(
        path,
        sep=separator,
        skiprows=comments,
        # A converted column is never searched for gaps, so an id NA stays NA.
        converters={text: str},
        keep_default_na=False,
        na_values=list(MISSING_TEXT),
        encoding="utf-8-sig",
        low_memory=False,
    )


def _leading_comments(path: Path) -> int:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig") as lines:
        return sum(1 for _ in takewhile(lambda line: line.startswith("#"), lines))


def _require_unique(values: pd.Index, what: str, remedy: str) -> None:
    if not values.is_unique:
        repeated = values[values.duplicated()].unique()
        msg = f"{len(repeated)} {what} occur more than once (first: {_some(repeated)}); {remedy}."
        raise DuplicateIdError(msg)


def _some(values: Collection[str]) -> str:
    return ", ".join(map(repr, list(values)[:3]))
