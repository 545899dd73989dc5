"""Tables of any origin as Arrow, with ids exactly as they are written.

A text file is read as text first, and its columns are typed afterwards, each as a whole:
``0012``, ``NA`` and ``1e5`` stay ids, and a column never changes its type half-way down.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pyarrow as pa

from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.arrow_types import normal_frame, normal_table
from msfusion_sdk.tables.files.layout_hints import layout_hint
from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

__all__ = ["TableSource", "name_of", "read_table"]

TableSource: TypeAlias = str | Path | TableFile | pd.DataFrame | pa.Table

# A surrogate is a UnicodeError, which is a ValueError; 2**70 overflows.
_NO_ARROW = (pa.ArrowException, ValueError, TypeError, OverflowError)


def read_table(source: TableSource, *, id_columns: tuple[str, ...]) -> pa.Table:
    """Return a table whose ``id_columns`` are text, exactly as they are written.

    Parameters
    ----------
    source : path, TableFile, DataFrame or Arrow table
        A file is text (CSV, TSV, also with gzip), a spreadsheet (``.xlsx``, ``.xls``, ``.ods``)
        or Parquet, whatever its name; a ``TableFile`` says how it is to be read.
    id_columns : tuple of str
        Must be there.  Blank cells stay blank; in the other columns of a text file they are
        missing, as are ``NA``, ``null`` and the like.

    Raises
    ------
    TableError
        When there is no such table; the line of a text file is named.
    DuplicateIdError
        When two columns have one name.
    IdTypeError
        When ids of a DataFrame, an Arrow table, a spreadsheet or a Parquet file are not text.
    """
    name = name_of(source)
    if isinstance(source, pa.Table):
        table = source
    elif isinstance(source, pd.DataFrame):
        table = _from_pandas(source, name, id_columns)
    else:
        file = source if isinstance(source, TableFile) else TableFile(path=Path(source))
        table = read_file(file, keep_text=id_columns, shape=TableShape(wanted=id_columns))
    _check_columns(table.column_names, name, id_columns)
    if not table.num_rows:
        msg = f"{name} has a header and no rows. Give at least one row."
        raise TableError(msg)
    for column in id_columns:
        # Ids stay where they are: the order of columns is the user's.
        place = table.column_names.index(column)
        table = table.set_column(place, column, _as_text(table.column(place), column, name))
    # Without what pandas noted: types are decided here, not by the index of a frame.
    return normal_table(table.replace_schema_metadata(None), name)


def name_of(source: TableSource) -> str:
    """Return what a table is called in messages: its file name, or its kind."""
    if isinstance(source, TableFile):
        return source.name
    if isinstance(source, pd.DataFrame):
        return "the DataFrame"
    return "the Arrow table" if isinstance(source, pa.Table) else Path(source).name


def _from_pandas(frame: pd.DataFrame, name: str, id_columns: tuple[str, ...]) -> pa.Table:
    if frame.index.name in id_columns and frame.index.name not in frame.columns:
        frame = frame.reset_index()
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    _check_columns(list(frame.columns), name, id_columns)
    for column in id_columns:
        # Arrow would make text of a column that holds text here and numbers there.
        wrong = [v for v in frame[column].dropna() if not isinstance(v, str)]
        if wrong:
            raise _not_text(column, name, type(wrong[0]).__name__, wrong)
    normal = normal_frame(frame)
    try:
        return pa.Table.from_pandas(normal, preserve_index=False)
    except _NO_ARROW as error:
        column, reason = next(_wrong_columns(normal), ("", str(error)))
        msg = (
            f"Column {column!r} of {name} cannot be stored ({reason}). Make numbers or text of it, "
            "or drop it."
        )
        raise TableError(msg) from error


def _wrong_columns(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield the columns that Arrow does not take, and what it says."""
    for name in frame.columns:
        try:
            pa.array(frame[name], from_pandas=True)
        except _NO_ARROW as error:
            yield str(name), str(error.args[0] if error.args else error)


def _check_columns(names: list[str], table: str, wanted: tuple[str, ...]) -> None:
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        msg = f"{table} has columns that occur twice ({first_few(repeated)}). Rename or drop one."
        raise DuplicateIdError(msg)
    for name in wanted:
        if name not in names:
            raise TableError(_missing_column(names, table, name))


def _missing_column(names: list[str], table: str, wanted: str) -> str:
    found = f"{table} has no column {wanted!r} (columns: {first_few(names, 10)})."
    hint = layout_hint(names)
    if hint:
        return f"{found} {hint}"
    # "Patient ID", "patientId" and "patient_id" are alike without case and marks.
    plain = {_plain(name): name for name in names}
    near = get_close_matches(_plain(wanted), plain, n=3, cutoff=0.5)
    maybe = f" Is it {' or '.join(repr(plain[name]) for name in near)}?" if near else ""
    return f"{found}{maybe} Rename it."


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _as_text(values: pa.ChunkedArray, column: str, table: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type) or _is_text(values.type):
        return values.cast(pa.string())
    raise _not_text(column, table, str(values.type), values.drop_null().slice(0, 3).to_pylist())


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _not_text(column: str, table: str, kind: str, values: Iterable[object]) -> IdTypeError:
    msg = (
        f"Column {column!r} of {table} holds {kind} where text is needed (first: "
        f"{first_few(values)}): leading zeros and the spelling may be lost already. Make it text "
        "where the table is written, or read it as text, for example pandas.read_csv(..., "
        "dtype=str)."
    )
    return IdTypeError(msg)
