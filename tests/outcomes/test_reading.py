"""Outcomes: sorted by id, classes in order, and nothing that has to be guessed."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    IdTypeError,
    SurvivalLabelError,
    TableError,
)
from msfusion_sdk.outcomes.reading import read_outcome


def test_patients_ascend_by_id_and_keep_their_outcome() -> None:
    y = pd.DataFrame({"time": [3.0, 1.0], "event": [True, False]}, ["b", "a"])
    outcome = read_outcome(y)
    assert outcome.patient_ids == ("a", "b")
    assert outcome.time.tolist() == [1, 3]  # type: ignore[attr-defined]
    assert outcome.of(["b"]).labels().to_dict("index") == {"b": {"time": 3, "event": True}}


def test_of_two_classes_the_second_is_positive() -> None:
    outcome = read_outcome(pd.Series(["yes", "no"], ["a", "b"]))
    assert outcome.classes == ("no", "yes")  # type: ignore[attr-defined]
    assert outcome.codes.tolist() == [1, 0]  # type: ignore[attr-defined]
    assert outcome.take(np.array([1])).labels().to_dict() == {"b": "no"}


def test_a_patient_without_class_is_named() -> None:
    with pytest.raises(TableError, match=r"1 of 3 patients have no class \(first: 'b'\)"):
        read_outcome(pd.Series(["x", None, "y"], ["a", "b", "c"]))


def test_one_class_is_refused() -> None:
    with pytest.raises(DegenerateSplitError, match=r"all 2 patients are \['x'\]"):
        read_outcome(pd.Series(["x", "x"], ["a", "b"]))


def test_a_patient_with_two_outcomes_is_refused() -> None:
    with pytest.raises(DuplicateIdError):
        read_outcome(pd.Series(["x", "y"], ["a", "a"]))


def test_infinite_time_is_refused_by_name() -> None:
    y = pd.DataFrame({"time": [np.inf, 1.0], "event": [True, True]}, ["a", "b"])
    with pytest.raises(SurvivalLabelError, match="a: inf"):
        read_outcome(y)


@pytest.mark.parametrize("values", [[True, False], [1, 0], ["b", "a"]])
def test_classes_are_text_whole_numbers_or_booleans_and_come_back_as_such(
    values: list[Any],
) -> None:
    outcome = read_outcome(pd.Series(values, ["p", "q"]))
    assert outcome.classes == tuple(sorted(values))  # type: ignore[attr-defined]
    assert outcome.labels().tolist() == values


def test_an_outcome_is_taken_as_it_is() -> None:
    outcome = read_outcome(pd.Series(["yes", "no"], ["a", "b"]))
    assert read_outcome(outcome) is outcome


IDS = ["a", "b", "c"]
TIMES = np.array([(3.0, True), (1.0, False), (2.0, True)], [("time", float), ("event", bool)])
ADVISED = re.compile(
    r"(?:Give |, or )(pd\.(?:Series|DataFrame)\(y.*?\)|y\S*\]|y\.\S+\(\))(?:\.$| )"
)


@pytest.mark.parametrize(
    "y",
    [
        ["x", "y", "x"],
        ("x", "y", "x"),
        np.array(["x", "y", "x"]),
        np.array([0.5, 1.5, 2.5]),
        {"a": "x", "b": "y", "c": "x"},
        TIMES,
        TIMES.view(np.recarray),
        pd.DataFrame({"class": ["x", "y", "x"]}, IDS),
        pd.DataFrame({"patient_id": IDS, "class": ["x", "y", "x"]}),
    ],
    ids=["list", "tuple", "text", "numbers", "dict", "structured", "records", "column", "with ids"],
)
def test_the_advice_on_what_is_no_outcome_works_as_it_stands(y: Any) -> None:
    with pytest.raises(TableError) as caught:
        read_outcome(y)
    (call,) = ADVISED.findall(str(caught.value))
    assert read_outcome(eval(call, {"pd": pd, "y": y, "patient_ids": IDS})).patient_ids == (*IDS,)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (None, r"y is None.*pd\.DataFrame"),
        ("death", r"the text 'death'.*cohort\.outcome\(name\)"),
        (
            {"clinical": pd.DataFrame({"x": [1]}, ["a"])},
            r"tables: the order is model\.fit",
        ),
        (LogisticRegression(), r"y is a LogisticRegression.*model\.fit\(X, y\)"),
        (pd.Series(["x", "y"]), "y: 2 of 2 patient ids are not text"),
    ],
)
def test_what_holds_no_outcome_is_named(y: Any, said: str) -> None:
    with pytest.raises(IdTypeError, match=said):
        read_outcome(y)


def test_columns_of_another_name_are_told_of_the_way_for_classes() -> None:
    y = pd.DataFrame({"grade": [1, 2], "site": ["u", "v"]}, ["a", "b"])
    with pytest.raises(SurvivalLabelError, match=r"or numbers, give one column: y\['grade'"):
        read_outcome(y)
