"""The contract catches the adapters it is for: each wrong one fails the test that names it."""

import subprocess
import sys
from typing import ClassVar, Self

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.adapter import Block, ModalityAdapter
from msfusion_sdk.tables.frames import patient_table, select_columns
from msfusion_sdk.testing import AdapterContract

TABLE = pd.DataFrame(
    np.random.default_rng(0).normal(size=(12, 3)),
    pd.Index([f"P{number:02d}" for number in range(12)], name="patient_id"),
    ["a", "b", "c"],
)


class Right(ModalityAdapter):
    modality: ClassVar[str] = "right"

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        checked = patient_table(table)
        self.columns_ = list(checked.columns)
        self.mean_ = checked.mean().to_numpy()
        return self

    def transform(self, table: pd.DataFrame) -> Block:
        self.state()
        chosen = select_columns(table, self.columns_, "the table")
        values = chosen.to_numpy() - self.mean_
        return Block.of(chosen.index, values, self.columns_, chosen.notna().any(axis=1))


class WorksInInit(Right):
    def __init__(self) -> None:
        self.cache: dict[str, float] = {}


class SortsPatients(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        return super().transform(table.sort_index())


class UsesTheBatch(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        return super().transform(table - table.mean())


class TakesColumnsByPlace(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        return super().transform(table.set_axis(self.columns_, axis=1))


class LearnsWhileTransforming(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        block = super().transform(table)
        self.mean_ = self.mean_ + 1
        return block


class RemembersTheFirstFit(Right):
    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        first = getattr(self, "mean_", None)
        super().fit(table, y)
        self.mean_ = self.mean_ if first is None else first
        return self


class ReadsOtherPatientsOutcomes(Right):
    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        super().fit(table, y)
        self.mean_ = self.mean_ + (0 if y is None else y.iloc[-1])
        return self


class FillsAbsentPatients(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        return super().transform(table.fillna(0))


class ChangesItsTable(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        table.iloc[0, 0] = 0
        return super().transform(table)


class TakesAnyColumns(Right):
    def transform(self, table: pd.DataFrame) -> Block:
        return super().transform(table.reindex(columns=self.columns_, fill_value=0))


class DropsPatientsTwice(Right):
    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        return super().fit(table[~table.index.duplicated()], y)


class NumbersItsPatients(Right):
    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        return super().fit(table.set_axis([str(name) for name in table.index]), y)


class ForgetsToLoad(Right):
    def load_state(self, learned: object, arrays: object) -> Self:
        super().load_state(learned, arrays)
        self.mean_ = np.zeros(3)
        return self


class OrdersMatter(Right):
    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        super().fit(table, y)
        self.mean_ = table.iloc[0].to_numpy()
        return self


def contract(kind: type[ModalityAdapter]) -> AdapterContract:
    class Contract(AdapterContract):
        def adapter(self) -> ModalityAdapter:
            return kind()

        def table(self) -> pd.DataFrame:
            return TABLE.copy()

        def outcome(self) -> pd.Series:
            return pd.Series(range(12), TABLE.index, dtype=float)

    return Contract()


TESTS = sorted(name for name in vars(AdapterContract) if name.startswith("test_"))


@pytest.mark.parametrize("name", TESTS)
def test_a_right_adapter_keeps_every_clause(name: str) -> None:
    getattr(contract(Right), name)()


@pytest.mark.parametrize(
    ("kind", "clause"),
    [
        (WorksInInit, "init_stores_its_arguments_and_does_nothing_else"),
        (SortsPatients, "patients_come_back_once_each_in_the_order_of_the_table"),
        (UsesTheBatch, "a_patient_alone_has_the_numbers_it_has_among_others"),
        (TakesColumnsByPlace, "the_numbers_do_not_depend_on_the_order_of_the_columns"),
        (LearnsWhileTransforming, "transform_learns_nothing_and_leaves_the_table_as_it_was"),
        (ChangesItsTable, "transform_learns_nothing_and_leaves_the_table_as_it_was"),
        (RemembersTheFirstFit, "a_second_fit_forgets_the_first"),
        (ReadsOtherPatientsOutcomes, "fit_sees_only_the_patients_it_is_given"),
        (FillsAbsentPatients, "a_patient_without_any_value_is_absent"),
        (TakesAnyColumns, "a_missing_column_is_an_error"),
        (TakesAnyColumns, "a_new_column_is_an_error"),
        (DropsPatientsTwice, "a_patient_twice_is_an_error"),
        (NumbersItsPatients, "ids_that_are_numbers_are_an_error"),
        (ForgetsToLoad, "the_state_is_saved_and_loaded_without_pickle"),
        (OrdersMatter, "the_numbers_do_not_depend_on_the_order_of_the_patients"),
    ],
)
def test_a_wrong_adapter_fails_the_clause_that_names_it(
    kind: type[ModalityAdapter], clause: str
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(contract(kind), f"test_{clause}")()


@pytest.mark.process
def test_making_a_slide_needs_no_pytest() -> None:
    source = "import sys, msfusion_sdk.testing; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", source], check=True)


def test_an_unknown_name_is_the_error_of_the_language() -> None:
    import msfusion_sdk.testing as module

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing
