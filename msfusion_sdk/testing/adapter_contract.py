"""What every modality adapter must do, as a pytest class that its author subclasses.

    from msfusion_sdk.testing import AdapterContract

    class TestRadiologyAdapter(AdapterContract):
        def adapter(self):
            return RadiologyAdapter()

        def table(self):
            return pd.DataFrame(...)      # ten patients or more, indexed by patient_id

Needs pytest, which ``pip install "msfusion-sdk[test]"`` brings.
"""

# ruff: noqa: D102 - the name of a test is its sentence

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from msfusion_sdk.adapter import AdapterState, Block, ModalityAdapter
from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError

__all__ = ["AdapterContract"]

# Sums in another order differ in the last digits, and float32 holds seven.
_TOLERANCE = 1e-4


class AdapterContract:
    """Tests that hold for every adapter; subclass it and say what to test on.

    ``adapter`` and ``table`` are called anew in every test.  Override ``outcome`` when
    fitting needs one.
    """

    def adapter(self) -> ModalityAdapter:
        """Return an adapter that was not fitted."""
        raise NotImplementedError

    def table(self) -> pd.DataFrame:
        """Return at least ten patients who all have the modality, indexed by patient_id.

        Any half of them must be enough to fit.
        """
        raise NotImplementedError

    def outcome(self) -> pd.DataFrame | pd.Series | None:
        """Return the outcomes of the patients of ``table``, for adapters that use them."""
        return None

    def fitted(self) -> ModalityAdapter:
        """Return an adapter fitted on the whole table."""
        return self.adapter().fit(self.table(), self.outcome())

    def test_init_stores_its_arguments_and_does_nothing_else(self) -> None:
        adapter = self.adapter()
        assert set(vars(adapter)) == set(adapter.get_params(deep=False))

    def test_a_clone_has_the_same_parameters_and_is_not_fitted(self) -> None:
        fitted = self.fitted()
        copy = clone(fitted)
        assert set(vars(copy)) == set(copy.get_params(deep=False))
        assert repr(copy.get_params()) == repr(fitted.get_params())

    def test_the_modality_is_named(self) -> None:
        assert isinstance(self.adapter().modality, str)

    def test_fit_returns_the_adapter(self) -> None:
        adapter = self.adapter()
        assert adapter.fit(self.table(), self.outcome()) is adapter

    def test_transform_before_fit_is_the_error_of_scikit_learn(self) -> None:
        with pytest.raises(NotFittedError):
            self.adapter().transform(self.table())

    def test_patients_come_back_once_each_in_the_order_of_the_table(self) -> None:
        table = self.table()[::-1]
        block = self.fitted().transform(table)
        assert isinstance(block, Block)
        assert block.patient_ids == tuple(table.index)
        assert block.present.all()

    def test_the_numbers_do_not_depend_on_the_order_of_the_patients(self) -> None:
        table = self.table()
        shuffled = table.sample(frac=1, random_state=0)
        fitted = self.adapter().fit(shuffled, self.outcome())
        _same(fitted.transform(shuffled).aligned(list(table.index)), self.fitted().transform(table))

    def test_the_numbers_do_not_depend_on_the_order_of_the_columns(self) -> None:
        table = self.table()
        turned = table[table.columns[::-1]]
        _same(self.fitted().transform(turned), self.fitted().transform(table))

    def test_a_patient_alone_has_the_numbers_it_has_among_others(self) -> None:
        fitted, table = self.fitted(), self.table()
        alone = fitted.transform(table.iloc[[3]])
        _same(alone, fitted.transform(table).aligned(alone.patient_ids))

    def test_no_patient_at_all_is_an_empty_block(self) -> None:
        fitted = self.fitted()
        block = fitted.transform(self.table().iloc[:0])
        assert block.values.shape == (0, len(fitted.transform(self.table()).names))

    def test_a_patient_without_any_value_is_absent(self) -> None:
        table = self.table()
        row = table.index[1]
        gaps = table.astype(object)
        gaps.loc[row] = np.nan
        block = self.fitted().transform(gaps.infer_objects())
        assert block.present.tolist() == [patient != row for patient in table.index]

    def test_fit_learns_nothing_from_a_patient_without_any_value(self) -> None:
        table = self.table()
        longer = pd.concat([table, pd.DataFrame(index=pd.Index(["nobody"], name=table.index.name))])
        fitted = self.adapter().fit(longer[table.columns], self.outcome())
        _same(fitted.transform(table), self.fitted().transform(table))

    def test_fit_sees_only_the_patients_it_is_given(self) -> None:
        table, y = self.table(), self.outcome()
        half = len(table) // 2
        shuffled = table.copy()
        shuffled.iloc[half:] = table.iloc[half:].sample(frac=1, random_state=0).to_numpy()
        turned = None if y is None else pd.concat([y.iloc[:half], _turned(y.iloc[half:])])
        one = self.adapter().fit(table.iloc[:half], y)
        other = self.adapter().fit(shuffled.iloc[:half].copy(), turned)
        assert _text(one.state()) == _text(other.state())

    def test_a_second_fit_forgets_the_first(self) -> None:
        table = self.table()
        twice = self.adapter().fit(table.iloc[: len(table) // 2], self.outcome())
        twice.fit(table, self.outcome())
        assert _text(twice.state()) == _text(self.fitted().state())

    def test_transform_learns_nothing_and_leaves_the_table_as_it_was(self) -> None:
        fitted = self.fitted()
        before = _text(fitted.state())
        unseen = self.table().rename(index="new-{}".format).iloc[::2].copy()
        given = unseen.copy()
        fitted.transform(given)
        assert _text(fitted.state()) == before
        pd.testing.assert_frame_equal(given, unseen)

    def test_fit_leaves_the_table_as_it_was(self) -> None:
        table = self.table()
        self.adapter().fit(table, self.outcome())
        pd.testing.assert_frame_equal(table, self.table())

    def test_the_state_is_saved_and_loaded_without_pickle(self) -> None:
        fitted = self.fitted()
        state = fitted.state()
        loaded = clone(fitted).load_state(
            json.loads(json.dumps(state.learned, allow_nan=False)), load(save(state.arrays))
        )
        assert _text(loaded.state()) == _text(state)
        one, other = loaded.transform(self.table()), fitted.transform(self.table())
        np.testing.assert_array_equal(one.values, other.values)
        assert one.names == other.names

    def test_a_missing_column_is_an_error(self) -> None:
        table = self.table()
        with pytest.raises(TableError, match=str(table.columns[0])):
            self.fitted().transform(table.drop(columns=table.columns[0]))

    def test_a_new_column_is_an_error(self) -> None:
        fitted, table = self.fitted(), self.table()
        with pytest.raises(TableError, match="never_seen"):
            fitted.transform(table.assign(never_seen=1.0))

    def test_a_patient_twice_is_an_error(self) -> None:
        table = pd.concat([self.table(), self.table().iloc[:1]])
        with pytest.raises(DuplicateIdError, match=str(table.index[0])):
            self.adapter().fit(table, self.outcome())

    def test_ids_that_are_numbers_are_an_error(self) -> None:
        with pytest.raises(IdTypeError):
            self.adapter().fit(self.table().reset_index(drop=True), self.outcome())


def _same(found: Block, expected: Block) -> None:
    assert found.patient_ids == expected.patient_ids
    assert found.names == expected.names
    np.testing.assert_array_equal(found.present, expected.present)
    np.testing.assert_allclose(found.values, expected.values, rtol=_TOLERANCE, atol=_TOLERANCE)


def _text(state: AdapterState) -> str:
    arrays = {name: (str(a.dtype), a.shape, a.tobytes().hex()) for name, a in state.arrays.items()}
    return json.dumps([state.learned, arrays], sort_keys=True)


def _turned(y: pd.DataFrame | pd.Series) -> pd.DataFrame | pd.Series:
    turned = y.copy()
    turned.iloc[:] = y.iloc[::-1].to_numpy()
    return turned
