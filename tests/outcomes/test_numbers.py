"""Numbers as an outcome: declared, read, and refused when they cannot be used."""

import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.errors import DegenerateSplitError, NonFiniteError, TableError
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.declaration import NumberDeclaration, declared
from msfusion_sdk.outcomes.number_labels import number_labels
from msfusion_sdk.outcomes.numbers import NumberOutcome
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.tables.issues import Issue


def labels(cells: list[object]) -> tuple["pd.Series[float]", list[Issue]]:
    ids = [f"P{place}" for place in range(len(cells))]
    table = pa.table({"patient_id": ids, "ki67": cells})
    return number_labels(table, NumberDeclaration(column="ki67"))


def test_a_column_is_numbers_only_when_it_is_declared_so() -> None:
    assert declared("ki67", ["ki67"], column="ki67").kind == "class"
    assert declared("ki67", ["ki67"], column="ki67", kind="number").kind == "number"


def test_patients_without_a_number_are_left_out_and_counted() -> None:
    found, issues = labels([0.5, None, 7, 3.25])
    assert found.to_dict() == {"P0": 0.5, "P2": 7.0, "P3": 3.25}
    assert [(each.is_error, each.message) for each in issues] == [
        (False, "1 of 4 patients have no ki67 and are left out of this outcome.")
    ]


def test_words_among_numbers_are_refused_with_word_and_patient() -> None:
    (message,) = [each.message for each in labels(["1.5", "high", "2.5"])[1] if each.is_error]
    assert "1 of 3 values of ki67 are no numbers ('high'; first patients: 'P1')" in message


def test_infinite_numbers_are_refused_with_their_patients() -> None:
    (message,) = [each.message for each in labels([1.0, float("inf"), 2.0])[1] if each.is_error]
    assert "infinite (first patients: 'P1')" in message


def test_numbers_that_are_all_the_same_teach_nothing() -> None:
    assert [each.code for each in labels([2.0, 2.0])[1]] == ["DegenerateSplit"]


def test_two_different_numbers_are_remarked_on() -> None:
    (remark,) = labels([0, 1, 1, 0])[1]
    assert not remark.is_error
    assert "stand for classes" in remark.message


@pytest.mark.parametrize("kind", ["float64", "float32", "Float64"])
def test_floating_point_numbers_are_numbers(kind: str) -> None:
    outcome = read_outcome(pd.Series([2.5, 1.5], ["P1", "P0"]).astype(kind))
    assert isinstance(outcome, NumberOutcome)
    assert outcome.patient_ids == ("P0", "P1")
    assert outcome.values.tolist() == [1.5, 2.5]


def test_whole_numbers_stay_classes() -> None:
    assert isinstance(read_outcome(pd.Series([2, 1], ["P1", "P0"])), ClassOutcome)


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (float("nan"), TableError, r"1 of 3 patients have no number \(first: 'P2'\)"),
        (float("inf"), NonFiniteError, r"infinite number \(first: 'P2'\)"),
    ],
)
def test_what_is_no_number_is_refused(value: float, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        read_outcome(pd.Series([1.0, 2.0, value], ["P0", "P1", "P2"]))


def test_one_number_for_all_is_refused() -> None:
    with pytest.raises(DegenerateSplitError, match="same number"):
        read_outcome(pd.Series([1.0, 1.0], ["P0", "P1"]))
