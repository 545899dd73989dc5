import warnings

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    IdMismatchError,
    IdTypeError,
    SurvivalLabelError,
)
from msfusion_sdk.outcomes.survival import ZeroTimeWarning, survival_outcome


def table(time: list[object], event: list[object], ids: str = "abc") -> pd.DataFrame:
    return pd.DataFrame({"time": time, "event": event}, index=pd.Index(list(ids)))


def test_a_table_gives_times_and_events_by_ascending_id() -> None:
    found = survival_outcome(table([3, 1, 2], [True, False, True], "zax"))
    assert found.patient_ids == ("a", "x", "z")
    assert found.time.tolist() == [1.0, 2.0, 3.0]
    assert found.time.dtype == np.float64
    assert found.event.tolist() == [False, True, True]
    assert found.event.dtype == np.bool_


@pytest.mark.parametrize("kind", ["int64", "float32", "object", "boolean", "Int8", "uint8"])
def test_events_of_0_and_1_become_booleans_whatever_their_type(kind: str) -> None:
    y = table([3.0, 1.0, 2.0], [1, 0, 1]).astype({"event": kind})
    found = survival_outcome(y).event
    assert found.dtype == np.bool_
    assert found.tolist() == [True, False, True]


def test_the_rows_of_a_structured_array_are_those_of_the_ids_beside_it() -> None:
    y = np.array([(True, 2.5), (False, 1.0)], dtype=[("event", "?"), ("time", "f4")])
    found = survival_outcome(y, ["b", "a"])
    assert found.patient_ids == ("a", "b")
    assert found.time.tolist() == [1.0, 2.5]
    assert found.event.tolist() == [False, True]


def test_a_structured_array_without_ids_is_refused() -> None:
    y = np.array([(True, 2.5), (False, 1.0)], dtype=[("event", "?"), ("time", "f4")])
    with pytest.raises(IdMismatchError, match="2 outcomes needs as many patient ids, and got 0"):
        survival_outcome(y)


def test_the_unit_comes_from_the_table_and_goes_back_into_one() -> None:
    y = table([3.0, 1.0, 2.0], [True, False, True])
    y.attrs["unit"] = "months"
    found = survival_outcome(y)
    assert found.take(np.array([0, 2])).unit == "months"
    assert found.labels().attrs == {"unit": "months"}
    assert survival_outcome(table([3.0, 1.0, 2.0], [True, False, True])).unit is None


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_a_time_that_cannot_be_true_is_refused_by_patient(wrong: float) -> None:
    with pytest.raises(SurvivalLabelError, match=r"1 of 3 patients \(first: b: "):
        survival_outcome(table([3.0, wrong, 2.0], [True, False, True]))


def test_a_missing_nullable_time_is_refused() -> None:
    y = table([3, None, 2], [True, False, True]).astype({"time": "Int64"})
    with pytest.raises(SurvivalLabelError, match="b: nan"):
        survival_outcome(y)


def test_times_as_text_are_refused() -> None:
    with pytest.raises(SurvivalLabelError, match="time must be numbers"):
        survival_outcome(table(["3", "1", "2"], [True, False, True]))


@pytest.mark.parametrize("wrong", ["1", "True", "dead", 2, -1, 0.5, float("nan"), None, pd.NA])
def test_an_event_that_is_neither_true_nor_false_is_refused_by_patient(wrong: object) -> None:
    with pytest.raises(SurvivalLabelError, match=r"1 of 3 patients \(first: b: "):
        survival_outcome(table([3.0, 1.0, 2.0], [1, wrong, 0]))


def test_text_events_are_refused_even_when_all_look_like_numbers() -> None:
    with pytest.raises(SurvivalLabelError, match="3 of 3 patients"):
        survival_outcome(table([3.0, 1.0, 2.0], ["0", "1", "1"]))


def test_a_censorship_column_is_not_taken_for_the_event() -> None:
    y = table([3.0, 1.0, 2.0], [0, 1, 0]).rename(columns={"event": "censorship"})
    with pytest.raises(SurvivalLabelError, match=r"lacks \['event'\].*censored == 0"):
        survival_outcome(y)


@pytest.mark.parametrize("y", [{"time": [1.0]}, np.ones((3, 2)), pd.Series([1.0, 2.0])])
def test_anything_else_is_told_what_is_needed(y: object) -> None:
    with pytest.raises(SurvivalLabelError, match=r"needs 'time' and 'event'.*found: nothing"):
        survival_outcome(y)


def test_a_patient_who_occurs_twice_is_named() -> None:
    with pytest.raises(DuplicateIdError, match="'a'"):
        survival_outcome(table([3.0, 1.0, 2.0], [True, False, True], "aba"))


def test_row_numbers_are_no_patient_ids() -> None:
    with pytest.raises(IdTypeError, match="not text"):
        survival_outcome(pd.DataFrame({"time": [1.0, 2.0], "event": [True, False]}))


@pytest.mark.parametrize("count", [0, 3])
def test_an_outcome_without_events_is_refused(count: int) -> None:
    y = table([3.0, 1.0, 2.0], [False, False, False]).iloc[:count]
    with pytest.raises(DegenerateSplitError, match=f"none among {count} patients"):
        survival_outcome(y)


def test_a_follow_up_of_zero_is_kept_with_a_warning() -> None:
    with pytest.warns(ZeroTimeWarning, match=r"1 of 3 patients .*first: 'b'"):
        found = survival_outcome(table([3.0, 0.0, 2.0], [True, False, True]))
    assert found.time.tolist() == [3.0, 0.0, 2.0]


def test_times_above_zero_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        survival_outcome(table([3.0, 1e-9, 2.0], [True, False, True]))
