"""A column is numbers when every cell is one, with decimals as the whole table means them."""

from typing import Any

import pyarrow as pa
import pytest

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.cells.typed import typed_columns


def typed(decimal: Any = None, usual: bool = False, **cells: list[str]) -> dict[str, list[Any]]:
    columns = typed_columns(
        list(cells),
        [pa.chunked_array([pa.array(column)]) for column in cells.values()],
        keep_text=(),
        decimal=decimal,
        source="t.csv",
        is_comma_usual=usual,
    )
    return {name: column.to_pylist() for name, column in zip(cells, columns, strict=True)}


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["61,5", "70"], [61.5, 70]),
        (["0,125", "2,250"], [0.125, 2.25]),
        (["1234,5", "2"], [1234.5, 2]),
        (["1.234,5", "12"], [1234.5, 12]),
        (["-3,14E-2", "", "NA"], [-0.0314, None, None]),
        (["61,5", "[Not Available]"], [61.5, None]),
    ],
)
def test_a_comma_that_can_only_stand_before_decimals_does(
    cells: list[str], numbers: list[float]
) -> None:
    assert typed(x=cells) == {"x": numbers}


def test_a_comma_that_may_separate_thousands_stays_text() -> None:
    assert typed(x=["1,234", "500"]) == {"x": ["1,234", "500"]}


@pytest.mark.parametrize("points", [["-0.284", "0.928"], ["1.284", "2.928"], ["1.284", "3"]])
def test_one_comma_makes_no_thousands_of_the_points_in_its_column(points: list[str]) -> None:
    assert typed(x=[*points, "1,5"]) == {"x": [*points, "1,5"]}


def test_no_number_begins_its_thousands_with_a_zero() -> None:
    assert typed(decimal=",", x=["0.284", "1,5"]) == {"x": ["0.284", "1,5"]}


def test_it_stands_before_decimals_where_another_column_or_the_file_tells() -> None:
    assert typed(x=["1,234", "500"], y=["0,5", "1"])["x"] == [1.234, 500]
    assert typed(usual=True, x=["1,234", "500"])["x"] == [1.234, 500]


def test_what_is_said_holds() -> None:
    assert typed(decimal=",", x=["1,234", "500"])["x"] == [1.234, 500]
    assert typed(decimal=",", x=["1.234", "500"])["x"] == [1234, 500]
    assert typed(decimal=".", usual=True, x=["61,5", "1"])["x"] == ["61,5", "1"]


def test_commas_here_and_points_there_are_asked_about() -> None:
    with pytest.raises(TableError, match=r"'61,5' in 'x'.*'1.5' in 'y'.*--decimal"):
        typed(x=["61,5"], y=["1.5"])
    assert typed(decimal=",", x=["61,5"], y=["1.5"]) == {"x": [61.5], "y": ["1.5"]}


@pytest.mark.parametrize("cells", [["1,2,3", "4"], ["a,b", "1"], ["01,5", "x"], ["(1,5)", "2"]])
def test_text_with_commas_stays_text(cells: list[str]) -> None:
    assert typed(x=cells) == {"x": cells}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["65,1", ">90", "1.234,5", "70", ""], ["65.1", ">90", "1234.5", "70", None]),
        (["4,0", "18,5", "ca. 12"], ["4.0", "18.5", "ca. 12"]),
        # Mostly words, lists of codes among them: as they are written.
        (["1,2", "a", "b", "c"], ["1,2", "a", "b", "c"]),
        (["brain, left", "12", "13"], ["brain, left", "12", "13"]),
    ],
)
def test_one_cell_that_is_no_number_leaves_the_others_as_numbers_are_written(
    cells: list[str], expected: list[str | None]
) -> None:
    """So that an error is about that cell, and not about all with a comma."""
    assert typed(decimal=",", x=cells) == {"x": expected}
    # Where another column tells what a comma means.
    assert typed(x=cells, y=["1,5"] * len(cells))["x"] == expected
