"""Outcomes with odd cells: one of them is named, and the others are what they say."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.errors import NonFiniteError, SurvivalLabelError, TableError
from msfusion_sdk.outcomes.class_labels import class_labels
from msfusion_sdk.outcomes.classes import class_outcome
from msfusion_sdk.outcomes.declaration import (
    ClassDeclaration,
    NumberDeclaration,
    SurvivalDeclaration,
)
from msfusion_sdk.outcomes.number_labels import number_labels
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.outcomes.survival import survival_outcome
from msfusion_sdk.outcomes.survival_labels import survival_labels


def table(**columns: object) -> pa.Table:
    return pa.table(
        {"patient_id": [f"P{n}" for n in range(len(next(iter(columns.values()))))], **columns}
    )


def survival(time: list[object]) -> tuple[pd.DataFrame, str]:
    declared = SurvivalDeclaration(time="t", event="e", unit="months")
    event = [n % 2 == 0 for n in range(len(time))]
    labels, found = survival_labels(table(t=time, e=event), declared)
    return labels, " ".join(each.message for each in found)


def test_times_that_are_text_are_the_numbers_that_they_say() -> None:
    assert survival(["5", " 10.5", "2e1", ".5"])[0]["time"].tolist() == [5, 10.5, 20, 0.5]


@pytest.mark.parametrize("cell", [">= 60", "60+", "12 months", "61,5", "1 200", "٥"])
def test_of_times_that_are_text_the_odd_one_is_named(cell: str) -> None:
    message = survival(["5", "10", cell, "7.5"])[1]
    assert f"1 of 4 values of t are no numbers ({cell!r}); first patients: 'P2'" in message


def test_numbers_that_may_be_codes_are_remarked() -> None:
    cells = table(x=[0.5, 1.5, 2.5, 999.0, -9.0])
    labels, found = number_labels(cells, NumberDeclaration(column="x"))
    assert len(labels) == 5
    (only,) = found
    assert not only.is_error
    assert "x holds -9, 999, apart from all other numbers" in only.message


def test_classes_that_may_be_codes_are_remarked() -> None:
    _, found = class_labels(table(x=[0, 1, 0, 1, 9, 9]), ClassDeclaration(column="x"))
    assert [each.message for each in found] == [
        "x holds 9, apart from all other numbers: this may stand for no value. If it does, blank "
        "these cells."
    ]
    assert class_labels(table(x=[0, 1, 2, 3, 0, 1, 2, 3]), ClassDeclaration(column="x"))[1] == []


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([0, 1, 0, 1], pa.timestamp("ms")),
        pa.array([[1], [2], [1], [2]]),
        pa.array([b"a", b"b"] * 2),
    ],
)
def test_what_can_be_no_class_is_refused_with_its_type(cells: pa.Array) -> None:
    _, found = class_labels(table(x=cells), ClassDeclaration(column="x"))
    (message,) = [each.message for each in found if each.is_error]
    assert "classes are text, whole numbers, or true and false" in message


def test_dates_as_classes_are_remarked() -> None:
    _, found = class_labels(table(x=["2020-01-01", "2020-01-02"] * 3), ClassDeclaration(column="x"))
    assert ["x holds dates" in each.message for each in found] == [True]


def test_minus_is_a_class_beside_plus() -> None:
    labels, found = class_labels(table(x=["+", "-", "+", "-"]), ClassDeclaration(column="x"))
    assert labels.tolist() == ["+", "-", "+", "-"]
    assert found == []


def test_a_class_that_says_there_is_none_is_refused_with_the_patient() -> None:
    y = pd.Series(["A", "B", "Not Reported", "."], list("abcd"))
    with pytest.raises(TableError, match=r"2 of 4 patients.*'.', 'Not Reported'; first: 'c', 'd'"):
        read_outcome(y)
    assert class_outcome(pd.Series(["+", "-"], ["a", "b"])).classes == ("+", "-")


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_numbers_that_cannot_be_squared_are_refused(scale: float) -> None:
    with pytest.raises(NonFiniteError, match="Give them in another unit"):
        read_outcome(pd.Series([1.0, 2.0, 3.0], list("abc")) * scale)


def test_exact_times_of_a_database_are_numbers() -> None:
    y = pd.DataFrame({"time": [Decimal("1.5"), Decimal(2)], "event": [1, 0]}, ["a", "b"])
    np.testing.assert_array_equal(survival_outcome(y).time, [1.5, 2.0])


@pytest.mark.parametrize(
    ("time", "remedy"), [(["5", "6"], "pd.to_numeric"), (pd.to_timedelta([5, 6], "D"), "dt.days")]
)
def test_times_of_another_type_are_refused_with_the_call(time: object, remedy: str) -> None:
    y = pd.DataFrame({"time": time, "event": [1, 0]}, ["a", "b"])
    with pytest.raises(SurvivalLabelError, match=remedy):
        read_outcome(y)


@pytest.mark.parametrize("cell", ["long", ".", True, None])
def test_of_times_that_are_numbers_the_odd_one_is_named(cell: object) -> None:
    time = pd.Series([5.0, cell, 7.0], list("abc"), dtype=object)
    y = pd.DataFrame({"time": time, "event": [1, 0, 1]}, list("abc"))
    with pytest.raises(SurvivalLabelError, match=r"1 of 3 patients \(first: b: "):
        read_outcome(y)
