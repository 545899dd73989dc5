"""Who has a value, and what becomes of patients of whom nothing can be used."""

import pandas as pd
import pytest

from msfusion_sdk.errors import MissingModalityError
from msfusion_sdk.evaluation.crossfit.inputs import with_values, without_blank


def test_placeholders_are_no_values_and_one_number_is() -> None:
    cells = {"grade": ["[Not Available]", "n.d.", "G2", None], "age": [None, 61.0, None, None]}
    assert list(with_values(pd.DataFrame(cells, list("abcd")))) == ["b", "c"]


def test_the_patients_that_an_adapter_makes_nothing_of_are_left_out() -> None:
    def act(patient_ids: list[str]) -> str:
        if "b" in patient_ids:
            error = MissingModalityError("1 of 3 patients have no modality at all")
            error.patient_ids = ("b",)
            raise error
        return "".join(patient_ids)

    assert without_blank(act, ["a", "b", "c"]) == ("ac", ["a", "c"])


def test_when_nobody_is_left_the_error_stays() -> None:
    def act(patient_ids: list[str]) -> str:
        error = MissingModalityError("nobody")
        error.patient_ids = tuple(patient_ids)
        raise error

    with pytest.raises(MissingModalityError, match="nobody"):
        without_blank(act, ["a", "b"])


def test_a_date_beside_numbers_is_a_value_and_no_stumbling_block() -> None:
    cells = {"visit": pd.to_datetime(["2020-01-01", None, None]), "age": [61.0, 70.0, None]}
    table = pd.DataFrame(cells, list("abc"))
    assert list(with_values(table)) == ["a", "b"]
    assert list(with_values(table[["visit"]])) == ["a"]
