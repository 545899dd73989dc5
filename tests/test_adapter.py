"""Blocks refuse what cannot be true; the default ``read`` and ``state`` of an adapter."""

from typing import ClassVar, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from msfusion_sdk.adapter import Block, ModalityAdapter
from msfusion_sdk.errors import DuplicateIdError, NonFiniteError, ShapeError


class Centred(ModalityAdapter):
    """Subtracts the mean of the training patients."""

    modality: ClassVar[str] = "centred"

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        self.mean_ = table.mean().to_numpy()
        self.names_ = list(table.columns)
        return self

    def transform(self, table: pd.DataFrame) -> Block:
        return Block.of(table.index, table.to_numpy() - self.mean_, self.names_)


TABLE = pd.DataFrame({"x": [1.0, 3.0], "y": [0.0, 4.0]}, index=["a", "b"])


def block(**changes: object) -> Block:
    fields = {
        "patient_ids": ("a", "b"),
        "values": np.array([[1, 2], [0, 0]], np.float32),
        "present": np.array([True, False]),
        "names": ("x", "y"),
    }
    return Block(**{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_ids": ("a",)},
        {"names": ("x", "y", "z")},
        {"present": np.array([True])},
        {"present": np.array([1, 0])},
        {"values": np.zeros((2, 2))},
        {"values": np.zeros(2, np.float32)},
    ],
)
def test_sizes_and_types_must_fit(changes: dict[str, object]) -> None:
    with pytest.raises(ShapeError, match="must be"):
        block(**changes)


def test_numbers_in_the_row_of_an_absent_patient_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"Block\.of"):
        block(values=np.ones((2, 2), np.float32))


@pytest.mark.parametrize("field", ["patient_ids", "names"])
def test_a_name_that_occurs_twice_is_named(field: str) -> None:
    with pytest.raises(DuplicateIdError, match="'a'"):
        block(**{field: ("a", "a")})


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e39])
def test_a_value_beyond_float32_is_refused_with_its_column_and_patient(wrong: float) -> None:
    with pytest.raises(NonFiniteError, match=r"'y'.* 1 of 2 patients \(first: b\)"):
        Block.of(["a", "b"], [[1, 2], [3, wrong]], ["x", "y"])


def test_rows_of_absent_patients_become_zero() -> None:
    made = Block.of(["a", "b"], [[1, 2], [np.nan, 5]], ["x", "y"], present=[True, False])
    assert made.values.tolist() == [[1, 2], [0, 0]]


def test_the_given_array_is_not_changed() -> None:
    given = np.ones((2, 1), np.float32)
    Block.of(["a", "b"], given, ["x"], present=[True, False])
    assert given.tolist() == [[1], [1]]


def test_an_aligned_block_has_the_wanted_patients_in_the_wanted_order() -> None:
    found = Block.of(["a", "b", "c"], [[1], [2], [3]], ["x"], [True, True, False])
    aligned = found.aligned(["c", "new", "b"])
    assert aligned.patient_ids == ("c", "new", "b")
    assert aligned.present.tolist() == [False, False, True]
    assert aligned.values.tolist() == [[0], [0], [2]]


def test_aligning_with_a_patient_twice_is_refused() -> None:
    with pytest.raises(DuplicateIdError, match="'a'"):
        block().aligned(["a", "a"])


def test_the_state_is_what_fitting_learned() -> None:
    learned, arrays = Centred().fit(TABLE).state()
    assert learned == {"names_": ["x", "y"]}
    assert {name: array.tolist() for name, array in arrays.items()} == {"mean_": [2.0, 2.0]}


def test_a_loaded_adapter_transforms_as_the_saved_one() -> None:
    loaded = Centred().load_state(*Centred().fit(TABLE).state())
    assert loaded.transform(TABLE).values.tolist() == [[-1, -2], [1, 2]]


def test_an_adapter_that_was_not_fitted_has_no_state() -> None:
    with pytest.raises(NotFittedError):
        Centred().state()


@pytest.mark.parametrize(
    "value", [("a",), {1: "a"}, float("nan"), {"a"}, np.array(["a"]), Centred()]
)
def test_what_json_would_change_cannot_be_state(value: object) -> None:
    adapter = Centred().fit(TABLE)
    adapter.extra_ = value
    with pytest.raises(TypeError, match=r"Centred\.extra_"):
        adapter.state()


def test_reading_a_table_sets_its_index_and_leaves_the_original_alone() -> None:
    given = pd.DataFrame({"patient_id": ["a", "b"], "x": [1, 2]})
    assert Centred().read(given).index.tolist() == ["a", "b"]
    assert given.columns.tolist() == ["patient_id", "x"]
