"""The contract of a modality: a table of patients in, a block of numbers out.

A table is a pandas DataFrame whose index holds the patient ids, text and unique.  A patient
who is not in the table, or whose row holds no value at all, lacks the modality: that is a
mask in the block, never zeros that look like data.

An adapter is a scikit-learn estimator.  Whoever evaluates a model fits it on the training
patients of each fold, so nothing is learned from the others.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.errors import DuplicateIdError, NonFiniteError, ShapeError
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.frames import patient_table, read_table

__all__ = ["AdapterState", "Block", "ModalityAdapter"]


@dataclass(frozen=True, eq=False)
class Block:
    """One modality as numbers: a row per patient, a column per feature.

    Parameters
    ----------
    patient_ids : tuple of str, length patient
        Unique; the order of the rows.
    values : float32, shape (patient, feature)
        Finite.  Rows of absent patients are 0 and must be ignored.
    present : bool, shape (patient,)
        False where the patient lacks this modality.
    names : tuple of str, length feature
        What each column is, unique.

    Raises
    ------
    ShapeError
        When the sizes or the types do not fit together.
    DuplicateIdError
        When a patient or a name occurs twice.
    NonFiniteError
        When a value is NaN or infinite; the message names the column.
    """

    patient_ids: tuple[str, ...]
    values: NDArray[np.float32]
    present: NDArray[np.bool_]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.patient_ids), len(self.names))
        if self.values.shape != expected or self.values.dtype != np.float32:
            found = f"{self.values.dtype} {self.values.shape}"
            msg = f"The values of a block must be float32 {expected}, and are {found}."
            raise ShapeError(msg)
        if self.present.shape != expected[:1] or self.present.dtype != np.bool_:
            found = f"{self.present.dtype} {self.present.shape}"
            msg = f"The mask of a block must be bool {expected[:1]}, and is {found}."
            raise ShapeError(msg)
        _require_no_repeats(self.patient_ids, "patients")
        _require_no_repeats(self.names, "names")
        _require_all_finite(self.values, self.patient_ids, self.names)
        if self.values[~self.present].any():
            msg = "Rows of absent patients must be 0. Build the block with Block.of()."
            raise ShapeError(msg)

    @classmethod
    def of(
        cls,
        patient_ids: Iterable[str],
        values: ArrayLike,
        names: Iterable[str],
        present: ArrayLike | None = None,
    ) -> Self:
        """Return a block of ``values`` as float32, with the rows of absent patients set to 0.

        Parameters
        ----------
        values : shape (patient, feature)
            Anything in the rows of absent patients, NaN too.
        present : bool, shape (patient,), optional
            All True by default.
        """
        ids = tuple(patient_ids)
        mask = np.ones(len(ids), np.bool_) if present is None else np.asarray(present, np.bool_)
        # A number beyond float32 becomes infinite here and is refused by name below.
        with np.errstate(over="ignore"):
            numbers = np.array(values, np.float32)
        if numbers.shape[:1] == mask.shape:
            numbers[~mask] = 0
        return cls(ids, numbers, mask, tuple(names))

    def aligned(self, patient_ids: Sequence[str]) -> Self:
        """Return the block with exactly these patients in this order.

        Patients that the block does not hold come back absent.
        """
        place = {patient: row for row, patient in enumerate(self.patient_ids)}
        rows = np.array([place.get(patient, -1) for patient in patient_ids], np.intp)
        values = np.zeros((len(rows), len(self.names)), np.float32)
        present = np.zeros(len(rows), np.bool_)
        held = rows >= 0
        values[held], present[held] = self.values[rows[held]], self.present[rows[held]]
        return type(self)(tuple(patient_ids), values, present, self.names)


class AdapterState(NamedTuple):
    """Everything ``fit`` learned, in a form that is saved without pickle."""

    learned: dict[str, Any]
    """Plain JSON: text, numbers, lists, dicts with text keys."""
    arrays: dict[str, NDArray[Any]]
    """Arrays of numbers or booleans."""


class ModalityAdapter(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """What turns tables of one modality into blocks.

    A scikit-learn estimator: ``__init__`` stores its arguments under their own names and
    does nothing else, ``fit`` puts what it learns into attributes that end in ``_``.
    """

    modality: ClassVar[str]
    """The name under which the adapter is registered."""
    gives_scores: ClassVar[bool] = False
    """Whether its numbers are log-hazards, log-odds or predictions that it learned out of fold: a
    model then expects a coefficient near 1, whatever their spread."""
    layouts: ClassVar[tuple[str, ...]] = ()
    """What the setting ``layout=`` may be, for adapters whose ``read`` knows several; a cohort
    reads files by it: ``msfusion cohort add … --layout``."""

    def read(self, source: str | Path | TableFile | pd.DataFrame) -> pd.DataFrame:
        """Return the table in ``source``, its index the checked patient ids.

        Parameters
        ----------
        source : path, TableFile or DataFrame
            A table file (CSV, TSV, Excel, Parquet …) with a column ``patient_id``, or a table
            with such a column or index.

        Raises
        ------
        TableError
            When the file is of another kind, or the ids cannot be used.
        """
        return patient_table(source if isinstance(source, pd.DataFrame) else read_table(source))

    @abstractmethod
    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn from training patients only, and forget what was learned before.

        Parameters
        ----------
        table : DataFrame indexed by patient_id
            The training patients who have this modality.
        y : DataFrame or Series indexed by patient_id, optional
            Outcomes: ``time`` and ``event``, or one class per patient.  Used only by
            adapters that choose columns by the outcome; may hold more patients.
        """

    @abstractmethod
    def transform(self, table: pd.DataFrame) -> Block:
        """Return the rows of ``table``, in its order, as numbers; learns nothing.

        Raises
        ------
        TableError
            When a column that fitting saw is missing, or a column is new.
        """

    def fit_transform(
        self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None
    ) -> Block:
        """Learn from training patients, and return the numbers that a model of them learns from.

        Those of ``transform``, unless ``y`` is learned so closely that these flatter the patients
        they were learned from: such an adapter gives numbers of parts that did not learn from a
        patient, as ``TargetEncoder`` of scikit-learn does.
        """
        return self.fit(table, y).transform(table)

    def state(self) -> AdapterState:
        """Return everything ``fit`` learned: the attributes whose names end in ``_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before ``fit``.
        TypeError
            When an attribute is neither an array of numbers nor plain JSON; such an adapter
            has to override ``state`` and ``load_state``.
        """
        check_is_fitted(self)
        learned: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for name, value in vars(self).items():
            if not name.endswith("_") or name.startswith("_"):
                continue
            if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
                arrays[name] = np.array(value, order="C")
            elif _is_plain_json(value):
                learned[name] = value
            else:
                msg = (
                    f"{type(self).__name__}.{name} is {type(value).__name__}, which cannot be "
                    "saved without pickle. Keep arrays of numbers and plain lists and dicts in the "
                    "attributes that end in '_', or override state() and load_state()."
                )
                raise TypeError(msg)
        return AdapterState(learned, arrays)

    def load_state(self, learned: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``state`` described, without fitting; returns the adapter."""
        for name, value in {**learned, **arrays}.items():
            setattr(self, name, value)
        return self


def _is_plain_json(value: object) -> bool:
    try:
        # A tuple comes back as a list and a key 1 as "1": neither would be what was saved.
        return repr(json.loads(json.dumps(value, allow_nan=False))) == repr(value)
    except (TypeError, ValueError):
        return False


def _require_no_repeats(values: tuple[str, ...], what: str) -> None:
    if len(set(values)) != len(values):
        repeated = pd.Index(values)
        first = ", ".join(map(repr, repeated[repeated.duplicated()].unique()[:3]))
        msg = f"The {what} of a block must be unique, and these occur twice: {first}."
        raise DuplicateIdError(msg)


def _require_all_finite(
    values: NDArray[np.float32], patient_ids: tuple[str, ...], names: tuple[str, ...]
) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        column = int(wrong.any(axis=0).argmax())
        rows = np.flatnonzero(wrong[:, column])
        first = ", ".join(patient_ids[row] for row in rows[:3])
        msg = (
            f"Column {names[column]!r} of a block holds NaN or infinity for {len(rows)} of "
            f"{len(values)} patients (first: {first}); {int(wrong.any(axis=0).sum())} columns do."
        )
        raise NonFiniteError(msg)
