"""Numbers as people write them, read a column at a time."""

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_adapters.clinical.columns import gaps, infer_role
from msfusion_adapters.clinical.numbers import Numbers, read_numbers
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.issues import TableWarning


def series(cells: list[object], name: str = "age") -> pd.Series:
    return pd.Series(cells, [f"P{number}" for number in range(len(cells))], dtype=object, name=name)


def read(cells: list[object]) -> Numbers:
    column = series(cells)
    return read_numbers(column, gaps(column))


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["61", " 70.5 ", "-3", "+2", "1e3", ".5"], [61, 70.5, -3, 2, 1000, 0.5]),
        ([61, 70.5, True, np.int64(3)], [61, 70.5, 1, 3]),
        ([">= 90", "90+", "<1", "≤ 5", "> 3.5", "~7", "=<2"], [90, 90, 1, 5, 3.5, 7, 2]),
        (["61 years", "70 Years", "58 years."], [61, 70, 58]),
        (["70 kg", "81.5kg"], [70, 81.5]),
        (["4.1 mg/dL", "5 mg/dl"], [4.1, 5]),
        (["45 %", "7.5%"], [45, 7.5]),
        (["12 cells/HPF", "3 cells/HPF"], [12, 3]),
        (["3.1 10^9/L", "4 10^9/L"], [3.1, 4]),
        (["61,5", "70,25", "58"], [61.5, 70.25, 58]),
        (["0,5", "1,234"], [0.5, 1.234]),
        (["1.234,5", "700"], [1234.5, 700]),
        (["1,234.5", "700"], [1234.5, 700]),
        (["1,234,567", "700"], [1234567, 700]),
        (["150,000", "98.5"], [150000, 98.5]),
        (["61,5 years", ">= 90,5"], [61.5, 90.5]),
        (["61", "[Not Available]", "n.d.", None, ""], [61, np.nan, np.nan, np.nan, np.nan]),
        (["0", "1+", "2+", "3+"], [0, 1, 2, 3]),
    ],
)
def test_a_number_is_read_as_it_is_meant(cells: list[object], numbers: list[float]) -> None:
    found = read(cells)
    np.testing.assert_array_equal(found.values, numbers)
    assert found.share == 1


@pytest.mark.parametrize(
    "cells",
    [
        ["1x", "2y", "3z", "1y"],
        ["8140/3", "8070/3"],
        ["3+4", "4+3"],
        ["60-69", "70-79"],
        ["1.2.3", "4.5.6"],
        ["T1", "T2"],
        ["12/15", "0/3"],
        ["C34.1", "C34.2"],
    ],
)
def test_a_code_is_no_number(cells: list[object]) -> None:
    assert read(cells).share == 0
    assert infer_role(series(cells)) == "categorical"


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["12 months", "2 years", "3 years"], "'12 months', '2 years'"),
        (["70 kg", "154 lb"], "'70 kg', '154 lb'"),
        (["45 %", "0.45"], "'45 %', '0.45'"),
    ],
)
def test_two_units_in_a_column_are_refused(cells: list[object], shown: str) -> None:
    with pytest.raises(TableError, match=rf"'age' .*several units \({shown}"):
        read(cells)


@pytest.mark.parametrize(
    "cells", [["1,234", "2,500"], ["1,234", "900"], ["1,234", "0,5", "2,345.5"]]
)
def test_a_comma_of_two_meanings_is_asked_about(cells: list[object]) -> None:
    with pytest.raises(TableError, match=r"'age' .*separate thousands \('1,234'.*--decimal"):
        read(cells)


def test_text_with_few_numbers_is_not_asked_about_them() -> None:
    assert read(["see notes", "none taken", "1,234", "5 kg", "3 lb", "7"]).share < 0.5


def ages(*odd: object) -> pd.DataFrame:
    """120 ages, as text, and what stands in place of the first ones."""
    cells = [str(age) for age in np.random.default_rng(0).normal(60, 9, 120).round(1)]
    cells[: len(odd)] = odd  # type: ignore[assignment]
    return series(cells).to_frame()


@pytest.mark.parametrize("odd", [">= 90", "90+", "<1"])
def test_one_limit_does_not_make_a_column_text(odd: str) -> None:
    with pytest.warns(TableWarning, match=rf"limit count as that number: 'age' \(1: '{odd[0]}"):
        block = ClinicalAdapter().fit_transform(ages(odd))
    assert block.names == ("age",)


def test_one_word_among_numbers_is_a_gap_and_named() -> None:
    with pytest.warns(TableWarning, match=r"count as gaps: 'age' \(2: 'sixty', 'see notes'\)"):
        block = ClinicalAdapter().fit_transform(ages("sixty", "see notes"))
    assert block.names == ("age", "age=missing")
    assert (block.values[:, 1] > 0).sum() == 2


def test_a_column_with_many_words_is_levels_and_named() -> None:
    table = ages(*[f"about {n}" for n in range(20)]).assign(sex=["f", "m"] * 60)
    with pytest.warns(TableWarning, match=r"used as levels: 'age' \(20: 'about 0'.*numeric="):
        ClinicalAdapter().fit(table)


def test_a_unit_of_training_is_not_another_one_later() -> None:
    fitted = ClinicalAdapter().fit(series([f"{n} kg" for n in range(50, 80)], "weight").to_frame())
    with pytest.raises(TableError, match=r"'weight' was in 'kg' in training.*'lb'"):
        fitted.transform(series(["154 lb"], "weight").to_frame())
    fitted.transform(series(["70"], "weight").to_frame())


def test_what_stands_before_decimals_is_known_from_training() -> None:
    table = series([f"0,{n}" for n in range(10, 40)], "dose").to_frame()
    fitted = ClinicalAdapter().fit(table)
    one = fitted.transform(series(["0,123"], "dose").to_frame())
    other = fitted.transform(series([0.123], "dose").to_frame())
    np.testing.assert_array_equal(one.values, other.values)


def test_declared_numbers_allow_no_word() -> None:
    with pytest.raises(TableError, match="'sixty' of P0"):
        ClinicalAdapter(numeric=["age"]).fit(ages("sixty"))
