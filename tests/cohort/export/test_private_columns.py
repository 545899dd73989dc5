"""What may leave is what patients share; every other column says why it stays."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.cohort.export.private_columns import plain, why_private


def why(cells: object, name: str = "x") -> str | None:
    return why_private(name, plain(pa.array(cells, from_pandas=True)))


@pytest.mark.parametrize(
    "cells",
    [
        pd.Categorical(["I", "II"] * 30),
        pd.Categorical(["low", "high", "high"], ["low", "high"], ordered=True),
        pd.Series(["I", "II", "III", "IV"] * 15),
        # Eight patients: three levels of two or more, as many as a stage has.
        ["I", "I", "II", "II", "III", "III", "III", None],
        ["I", "I", "I", "II", "II", "II", "III", "IV"],
        ["f", "f", "m"],
        [1.5, 2.5, np.nan],
        [70123, 70124],
        [True, None],
        pd.Categorical([1, 2, 1]),
    ],
)
def test_numbers_flags_and_words_that_are_shared_may_leave(cells: object) -> None:
    assert why(cells) is None


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([f"name {n}" for n in range(60)], "60 different words for 60 patients, 60 of whom"),
        (pd.Categorical([f"TCGA-{n}" for n in range(9)]), "tells patients apart: 9 different"),
        (["a", "b", "c"], "tells patients apart: 3 different words for 3 patients"),
        (["came back"] * 3 + ["x" * 65], "free text, of up to 65 characters"),
        (["2021-03-01", "2021-04-01"] * 20, "holds dates"),
        (["1.3.2021", "2.3.2021"] * 20, "holds dates"),
        ([20210301, 20210401], "holds dates as numbers"),
        ([datetime.date(2021, 3, 1)], "holds dates or times"),
        ([datetime.timedelta(days=1)], "holds dates or times"),
        ([None, None], "holds no value"),
        ([[1, 2], [3]], "neither numbers nor words (list<item: int64>)"),
        ([b"x"], "neither numbers nor words (binary)"),
    ],
)
def test_what_stays_says_why(cells: object, reason: str) -> None:
    assert reason in str(why(cells))


def test_days_of_a_spreadsheet_stay_where_the_column_is_called_a_date() -> None:
    assert why([43529, 44001], "birth_date") == "holds dates as numbers"
    assert why([43529, 44001], "platelets") is None
