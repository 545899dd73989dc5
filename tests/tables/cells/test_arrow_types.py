"""Whatever type a table comes with, its values are those that a store gives back."""

import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from msfusion_sdk.errors import TableError
from msfusion_sdk.storage.schema import read_stored, write_stored
from msfusion_sdk.tables.arrow import read_table

DAY = datetime.date(2020, 2, 29)
NOON = datetime.datetime(2020, 2, 29, 12)
WORDS = ["low", "high"]


def stored(table: pa.Table | pd.DataFrame, folder: Path) -> pa.ChunkedArray:
    """Return column ``x`` as it comes out of a store."""
    read = read_table(table, id_columns=("patient_id",))
    write_stored(folder / "t.parquet", read, {}, kind="modality")
    back = read_stored(folder / "t.parquet", "modality")[0]
    assert back.equals(read)
    return back.column("x")


ARROW = {
    "dictionary of numbers": (pa.array([1, 2]).dictionary_encode(), [1, 2]),
    "dictionary of fractions": (pa.array([0.5, None]).dictionary_encode(), [0.5, None]),
    "dictionary of flags": (pa.array([True, False]).dictionary_encode(), [True, False]),
    "dictionary of days": (pa.array([DAY, None]).dictionary_encode(), [DAY, None]),
    "dictionary of views": (
        pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array(WORDS, pa.string_view())),
        ["high", "low"],
    ),
    "seconds": (pa.array([NOON, None], pa.timestamp("s")), [NOON, None]),
    "date64": (pa.array([DAY, None], pa.date64()), [DAY, None]),
    "time in seconds": (pa.array([NOON.time(), None], pa.time32("s")), [NOON.time(), None]),
    "string view": (pa.array(WORDS, pa.string_view()), WORDS),
    "binary view": (pa.array([b"a", b"b"], pa.binary_view()), [b"a", b"b"]),
    "large string": (pa.array(WORDS, pa.large_string()), WORDS),
    "run ends": (pa.RunEndEncodedArray.from_arrays([2], ["a"]), ["a", "a"]),
    "run ends of numbers": (pa.RunEndEncodedArray.from_arrays([1, 2], [0.5, 7.0]), [0.5, 7.0]),
    "half floats": (pa.array([0.5, None], pa.float16()), [0.5, None]),
    "decimals": (pa.array([Decimal("1.25"), None]), [1.25, None]),
    "short decimals": (pa.array([Decimal("1.25"), None], pa.decimal32(5, 2)), [1.25, None]),
    "lists of views": (pa.array([["a"], []], pa.list_(pa.string_view())), [["a"], []]),
    "list views": (pa.array([["a"], []], pa.list_view(pa.string())), [["a"], []]),
    "large list views": (pa.array([[1], []], pa.large_list_view(pa.int64())), [[1], []]),
    "structs of views": (
        pa.array([{"a": "x"}, None], pa.struct([("a", pa.string_view())])),
        [{"a": "x"}, None],
    ),
    "a level that is empty": (
        pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array(["low", None])),
        [None, "low"],
    ),
    "maps": (
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        [[{"key": "a", "value": 1}], None],
    ),
    "time in nanoseconds": (pa.array([NOON.time(), None], pa.time64("ns")), [NOON.time(), None]),
    "unsigned": (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
    "nothing": (pa.nulls(2), [None, None]),
}


@pytest.mark.parametrize("kind", ARROW)
def test_an_arrow_column_keeps_its_values(kind: str, tmp_path: Path) -> None:
    array, values = ARROW[kind]
    table = pa.table({"patient_id": pa.array(["a", "b"]), "x": array})
    assert stored(table, tmp_path).to_pylist() == values


PANDAS = {
    "codes": (pd.Categorical([1, 2]), ["1", "2"]),
    "codes with a gap": (pd.Categorical([1.0, None]), ["1", None]),
    "flags": (pd.Categorical([True, False]), ["True", "False"]),
    "words": (pd.Categorical(WORDS), WORDS),
    "intervals": (pd.cut(pd.Series([1, 7]), [0, 5, 10]), ["(0, 5]", "(5, 10]"]),
    "plain intervals": (pd.interval_range(0, 2), ["(0, 1]", "(1, 2]"]),
    "periods": (pd.period_range("2020", periods=2, freq="Y"), ["2020", "2021"]),
    "sparse": (pd.arrays.SparseArray([0.0, 2.5]), [0.0, 2.5]),
    "sparse with gaps": (pd.arrays.SparseArray([np.nan, 2.5]), [None, 2.5]),
    "days": (pd.Categorical(pd.to_datetime(["2020-02-29", "2020-03-01"])), None),
    "exact numbers": ([Decimal("1.5"), Fraction(1, 4)], [1.5, 0.25]),
    "exact and other numbers": ([Decimal("1.5"), 2.25], [1.5, 2.25]),
    "long floats": (np.array([1.5, 2.25], np.longdouble), [1.5, 2.25]),
    "numbers and no time": (pd.Series([pd.NaT, 1.5], dtype=object), [None, 1.5]),
    "numpy seconds": (np.array(["2020-02-29", "NaT"], "M8[s]"), None),
}


@pytest.mark.parametrize("kind", PANDAS)
def test_a_pandas_column_keeps_its_values(kind: str, tmp_path: Path) -> None:
    cells, values = PANDAS[kind]
    frame = pd.DataFrame({"patient_id": ["a", "b"], "x": cells})
    found = stored(frame, tmp_path).to_pylist()
    assert found == (values or list(frame["x"].astype(object).where(frame["x"].notna(), None)))


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(WORDS), pl.String])
def test_a_polars_column_keeps_its_values(kind: object, tmp_path: Path) -> None:
    frame = pl.DataFrame({"patient_id": ["a", "b"], "x": pl.Series(["high", None], dtype=kind)})
    assert stored(frame.to_arrow(), tmp_path).to_pylist() == ["high", None]


def test_the_order_of_categories_is_kept(tmp_path: Path) -> None:
    ordered = pd.Categorical(["high", "low"], ["low", "middle", "high"], ordered=True)
    column = stored(pd.DataFrame({"patient_id": ["a", "b"], "x": ordered}), tmp_path).to_pandas()
    assert column.cat.ordered
    assert column.cat.categories.tolist() == ["low", "middle", "high"]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
        pa.UnionArray.from_sparse(
            pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
        ),
        pa.array([{}, {}], pa.struct([])),
        pa.array([1, None], pa.time64("ns")),
    ],
)
def test_what_no_file_can_hold_is_refused_by_name(array: pa.Array) -> None:
    table = pa.table({"patient_id": pa.array(["a", "b"]), "odd": array})
    with pytest.raises(TableError, match=r"'odd' of the Arrow table .*cannot be stored"):
        read_table(table, id_columns=("patient_id",))


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        ([1, "a"], "1, 'a'"),
        ([True, 2], "True, 2"),
        ([True, "x"], "True, 'x'"),
        (pd.Categorical([1, "1"]), "1, '1'"),
    ],
)
def test_cells_of_several_kinds_are_refused_with_the_first_of_each(
    cells: object, first: str
) -> None:
    frame = pd.DataFrame({"patient_id": ["a", "b"], "x": cells})
    with pytest.raises(TableError, match=rf"'x' mixes kinds of values \(first: {first}\)"):
        read_table(frame, id_columns=("patient_id",))


@pytest.mark.parametrize("cells", [[2**70, 1], [1j, 2], ["\ud800", "a"]])
def test_cells_that_arrow_does_not_take_are_refused_by_name(cells: list[object]) -> None:
    frame = pd.DataFrame({"patient_id": ["a", "b"], "x": cells})
    with pytest.raises(TableError, match=r"Column 'x' of the DataFrame cannot be stored \("):
        read_table(frame, id_columns=("patient_id",))
