"""Arrow's many types as the few that a Parquet file gives back as they were written.

A table that is read as something else than what was stored looks like a damaged one.  So types
that Parquet changes or refuses are brought to the nearest one that it keeps, without loss,
before anything is looked at; what has none is refused by name.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from numbers import Real

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few

__all__ = ["normal_frame", "normal_table"]


def normal_table(table: pa.Table, source: str) -> pa.Table:
    """Return a table of types that Parquet keeps: the values are the same.

    Dictionaries of numbers, flags and dates become these; dictionaries of text stay, with
    their order.  Decimals and half floats become float64 and float32.

    Parameters
    ----------
    source : str
        What the table is called in messages.

    Raises
    ------
    TableError
        Naming the columns whose type cannot be stored.
    """
    for place, field in enumerate(table.schema):
        try:
            kind, column = _normal(field.type), table.column(place)
            if kind != field.type or _has_null_level(column):
                table = table.set_column(place, field.with_type(kind), _cast(column, kind))
        except (pa.ArrowException, TypeError, ValueError) as error:
            msg = (
                f"Column {field.name!r} of {source} has the type {field.type}, which cannot be "
                f"stored ({error}). Make numbers or text of it, or drop it."
            )
            raise TableError(msg) from error
    return table


def normal_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without the column types that Arrow does not take over.

    Sparse columns become dense.  Intervals and periods become text; categories stay
    categories, in their order, and are text.  Numbers of several kinds become float64.

    Raises
    ------
    TableError
        When a column holds numbers here and text there, or categories that would be one as text.
    """
    changed = {
        name: _plain(frame[name])
        for name in frame.columns
        if _is_special(frame[name].dtype) or _is_mixed(frame[name])
    }
    return frame.assign(**changed) if changed else frame


def _normal(kind: pa.DataType) -> pa.DataType:
    """Return the type that stands for ``kind`` in a store."""
    if types.is_union(kind) or types.is_interval(kind):
        msg = "Parquet has no such type"
        raise TypeError(msg)
    if isinstance(kind, pa.BaseExtensionType):
        return _normal(kind.storage_type)
    if types.is_dictionary(kind) and _is_text(kind.value_type):
        return pa.dictionary(pa.int32(), pa.string(), kind.ordered)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _normal(kind.value_type)
    # Parquet has no seconds, and gives milliseconds back.
    if types.is_timestamp(kind) and kind.unit == "s":
        return pa.timestamp("ms", kind.tz)
    if types.is_nested(kind):
        return _normal_nested(kind)
    return next((normal for test, normal in _SIMPLE if test(kind)), kind)


def _normal_nested(kind: pa.DataType) -> pa.DataType:
    if types.is_struct(kind) and not kind.num_fields:
        msg = "Parquet has no such type"
        raise TypeError(msg)
    if types.is_struct(kind):
        return pa.struct([field.with_type(_normal(field.type)) for field in kind])
    # Parquet gives maps back with another name of their entries.
    if types.is_map(kind):
        return pa.list_(_normal(pa.struct([kind.key_field, kind.item_field])))
    item = kind.value_field.with_type(_normal(kind.value_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(item, kind.list_size)
    return pa.large_list(item) if types.is_large_list(kind) else pa.list_(item)


_SIMPLE = (
    (types.is_string_view, pa.string()),
    (types.is_binary_view, pa.binary()),
    (types.is_date64, pa.date32()),
    (lambda kind: types.is_time32(kind) and kind.unit == "s", pa.time32("ms")),
    # Python's times, as which cells are read, have microseconds.
    (lambda kind: types.is_time64(kind) and kind.unit == "ns", pa.time64("us")),
    (types.is_float16, pa.float32()),
    (types.is_decimal, pa.float64()),
)


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if isinstance(column.type, pa.BaseExtensionType):
        storage = [chunk.storage for chunk in column.chunks]
        return _cast(pa.chunked_array(storage, column.type.storage_type), kind)
    if types.is_run_end_encoded(column.type):
        return _cast(pc.run_end_decode(column), kind)
    if types.is_dictionary(column.type) and not types.is_dictionary(kind):
        return _cast(column.cast(column.type.value_type), kind)
    if types.is_dictionary(column.type):
        return _with_levels(column, kind) if _has_null_level(column) else column.cast(kind)
    # Arrow has no cast from views; Python values are slow and exact.
    if types.is_list_view(column.type) or types.is_large_list_view(column.type):
        return pa.chunked_array([pa.array(column.to_pylist(), kind)])
    return column.cast(kind)


def _has_null_level(column: pa.ChunkedArray) -> bool:
    # Parquet has gaps among the cells, and none among the levels.
    return types.is_dictionary(column.type) and any(c.dictionary.null_count for c in column.chunks)


def _with_levels(column: pa.ChunkedArray, kind: pa.DictionaryType) -> pa.ChunkedArray:
    """Return text as a dictionary whose levels, in their order, are all text."""
    words = pa.concat_arrays([chunk.dictionary.cast(pa.string()) for chunk in column.chunks])
    levels = words.drop_null().unique()
    places = pc.index_in(column.cast(pa.string()), value_set=levels)
    return pa.chunked_array(
        [
            pa.DictionaryArray.from_arrays(chunk, levels, ordered=kind.ordered)
            for chunk in places.chunks
        ],
        kind,
    )


def _is_mixed(column: pd.Series) -> bool:
    return column.dtype == object and pd.api.types.infer_dtype(column).startswith("mixed")


def _is_special(kind: object) -> bool:
    if isinstance(kind, np.dtype):
        return kind == np.longdouble and kind != np.float64
    return isinstance(kind, pd.SparseDtype | pd.IntervalDtype | pd.PeriodDtype) or (
        isinstance(kind, pd.CategoricalDtype) and not _is_plain_text(kind.categories)
    )


def _is_plain_text(categories: pd.Index) -> bool:
    return all(isinstance(category, str) for category in categories)


def _plain(column: pd.Series) -> pd.Series:
    kind = column.dtype
    if isinstance(kind, pd.SparseDtype):
        dense: pd.Series = column.sparse.to_dense()  # type: ignore[attr-defined]  # of the stubs
        return dense
    if isinstance(kind, pd.CategoricalDtype):
        # Times and dates stay what they are; as text they would no longer be known as dates.
        if kind.categories.dtype.kind in "mM":
            return column.astype(kind.categories.dtype)
        names = [_as_text(name) for name in kind.categories]
        twice = [place for place, name in enumerate(names) if names.count(name) > 1]
        if twice:
            raise _several_kinds(column, kind.categories[twice])
        return column.cat.rename_categories(names)
    if kind == np.longdouble:
        return column.astype(np.float64)
    if kind == np.object_:
        return _of_one_kind(column)
    return column.astype(object).map(str, na_action="ignore")


def _of_one_kind(column: pd.Series) -> pd.Series:
    """Return a column of objects, as float64 where they are numbers of several kinds."""
    cells = column.dropna()
    kinds = pd.Series([_kind(cell) for cell in cells], cells.index, dtype=object)
    if kinds.nunique() > 1:
        raise _several_kinds(column, cells[~kinds.duplicated()])
    if "number" not in {*kinds}:
        return column
    numbers = [
        np.nan if empty else float(cell) for cell, empty in zip(column, column.isna(), strict=True)
    ]
    return pd.Series(numbers, column.index, np.float64, str(column.name))


def _kind(cell: object) -> str:
    # To Python True is a number.
    if isinstance(cell, bool | np.bool_):
        return "flag"
    return "number" if isinstance(cell, Real | Decimal | Fraction) else type(cell).__name__


def _several_kinds(column: pd.Series, cells: Iterable[object]) -> TableError:
    return TableError(
        f"Column {column.name!r} mixes kinds of values (first: {first_few(cells)}). Give it one "
        f"kind, for example frame[{column.name!r}].astype(str)."
    )


def _as_text(category: object) -> str:
    # 1.0 is what pandas makes of the code 1 as soon as a cell is empty.
    if isinstance(category, float) and category.is_integer():
        return str(int(category))
    return str(category)
