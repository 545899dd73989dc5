"""What is odd about the cells of a clinical column is read as it is meant, or said."""

import warnings
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_adapters.clinical.columns import gaps, infer_role
from msfusion_adapters.clinical.numbers import Numbers, read_numbers
from msfusion_sdk.errors import NonFiniteError, TableError

AGES = [str(age) for age in range(40, 80)]


def read(cells: Sequence[object]) -> Numbers:
    column = pd.Series(cells, [f"P{n}" for n in range(len(cells))], dtype=object, name="x")
    return read_numbers(column, gaps(column))


def told(cells: Sequence[object]) -> tuple[list[str], str]:
    """Return the features of a column beside ages, and what is warned of."""
    table = pd.DataFrame({"x": pd.Series(cells, dtype=object), "z": np.arange(len(cells)) ** 2})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapter = ClinicalAdapter().fit(table.set_axis([f"P{n}" for n in table.index]))
    return adapter.columns_, " ".join(str(each.message) for each in caught)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["−3", "4", "–0.5"], [-3, 4, -0.5]),  # minus sign and dash of a word processor
        (["2e−3", "1e3"], [0.002, 1000]),
        (["1 234", "12 345 678", "7"], [1234, 12345678, 7]),
        (["1\xa0234,5", "0,5"], [1234.5, 0.5]),
        (["1\u202f234", "1\u2009234"], [1234, 1234]),
        (["1'234.5", "1’234"], [1234.5, 1234]),  # of Switzerland
        (["'61", "'70.5"], [61, 70.5]),  # text of a spreadsheet
        (["12 345 cells/µl", "900 cells/µl"], [12345, 900]),
        (["90 or older", "85 and over", "61"], [90, 85, 61]),
        ([Decimal("1.5"), Fraction(1, 4), 2, np.True_], [1.5, 0.25, 2, 1]),
    ],
)
def test_a_number_is_read_in_every_spelling(cells: list[object], numbers: list[float]) -> None:
    np.testing.assert_allclose(read(cells).values, numbers, rtol=1e-15)


@pytest.mark.parametrize("cell", ["120/80", "0x3D", "110 70", "60–69", "61 (est.)", "1 23"])
def test_what_only_begins_with_a_number_is_none(cell: str) -> None:
    found = read([*AGES, cell])
    assert np.isnan(found.values[-1])
    assert found.unit == ""


def test_a_word_behind_most_numbers_is_their_unit_and_behind_few_is_none() -> None:
    assert read(["12 cells/HPF", "3 cells/HPF", "0"]).unit == "cells/hpf"
    assert read([*AGES, "61 approximately"]).is_text.sum() == 1


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([*AGES, "6 months"], "name a unit.*'x' (1: '6 months')"),
        ([*AGES, "90 or older"], "limit count as that number: 'x' (1: '90 or older')"),
        ([*AGES, "999"], "codes for no value: 'x' (1: '999')"),
        ([*map(float, AGES), -99.0, -99.0], "codes for no value: 'x' (2: '-99')"),
        ([1, 2] * 20 + [9, 9], "codes for no value: 'x' (2: '9')"),
        (
            ["see note"] * 60 + AGES,
            "many cells are numbers are used as levels: 'x' (60: 'see note')",
        ),
        ([f"${age}" for age in AGES], "Left out columns whose cells begin with numbers.*'x' (40: "),
    ],
)
def test_what_may_be_a_mistake_is_said(cells: list[object], said: str) -> None:
    start, _, end = said.partition(".*")
    message = told(cells)[1]
    assert start in message
    assert end in message


@pytest.mark.parametrize(
    "cells",
    [
        [*AGES, "99"],
        [0, 1, 2, 3, 5, 9, 9, 12] * 5,
        [0, 1, 2, 9] * 1 + [0, 1, 2] * 12,
        [f"{age} years" for age in AGES] + ["61"],
        [f"{n} cells/HPF" for n in range(1, 20)] + ["0"] * 30,
        [-1, 0, 1, 2] * 10,
        [f"{n}" for n in range(-9, 31)],
    ],
)
def test_an_ordinary_column_is_numeric_without_a_word(cells: list[object]) -> None:
    assert told(cells) == (["x", "z"], "")


def test_a_minus_beside_a_plus_is_a_level_and_elsewhere_a_gap() -> None:
    assert not gaps(pd.Series(["+", "-", "++", "-"])).any()
    assert gaps(pd.Series(["II", "-", "I", "-"])).tolist() == [False, True, False, True]
    assert infer_role(pd.Series(["+", "-"])) == "categorical"


def test_bytes_are_refused_with_the_way_to_text() -> None:
    with pytest.raises(TableError, match=r"'x' holds bytes for 2 of 2 .*b'M' of P0.*encoding="):
        told([b"M", b"F"])


def test_a_number_too_large_is_refused_with_the_patient() -> None:
    with pytest.raises(NonFiniteError, match=r"infinite for P40\. Correct or blank"):
        told([*AGES, "1e400"])
