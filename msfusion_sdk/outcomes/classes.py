"""Classes of patients, checked: one class each, text, whole numbers or booleans."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.errors import DegenerateSplitError, TableError
from msfusion_sdk.outcomes.outcome import Kind, Outcome, taken
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.placeholders import placeholders_among
from msfusion_sdk.tables.frames import patient_table

__all__ = ["ClassOutcome", "class_column", "class_outcome"]


@dataclass(frozen=True, eq=False)
class ClassOutcome(Outcome):
    """One class per patient."""

    kind: ClassVar[Kind] = "class"
    holds: ClassVar[str] = "classes"
    counted: ClassVar[str] = "patients of each class"

    patient_ids: tuple[str, ...]
    codes: NDArray[np.int64]
    """Shape (patient,): place in ``classes``."""
    classes: tuple[Any, ...]
    """Ascending; of two, the second is the positive one."""

    @property
    def strata(self) -> NDArray[np.int64]:
        """The class of each patient."""
        return self.codes

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """How messages call the classes."""
        return tuple(f"class {name!r}" for name in self.classes)

    @property
    def needed(self) -> tuple[int, ...]:
        """All classes."""
        return tuple(range(len(self.classes)))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Patients of each class, shape (class,)."""
        return np.bincount(self.codes, minlength=len(self.classes)).astype(np.int64)

    @property
    def log_shares(self) -> Floats:
        """Logarithm of the share of each class, shape (class,)."""
        shares: Floats = np.log(self.counts / self.counts.sum())
        return shares

    def take(self, rows: Rows | Bools) -> Self:
        """Return the classes of these patients; ``classes`` stays whole."""
        return type(self)(taken(self.patient_ids, rows), self.codes[rows], self.classes)

    def labels(self) -> "pd.Series[Any]":
        """Return a Series of classes, indexed by patient_id."""
        return pd.Series(np.array(self.classes)[self.codes], self.index, name="class")


def class_outcome(y: "pd.Series[Any]") -> ClassOutcome:
    """Return the checked classes in ``y``, patients in ascending order of id.

    Parameters
    ----------
    y : Series indexed by patient_id
        Text, whole numbers or booleans, one kind for all.

    Raises
    ------
    IdTypeError, DuplicateIdError
        When a patient id is not text or occurs twice.
    TableError
        When a class is missing, or is of another kind.
    DegenerateSplitError
        When there are fewer than two classes.
    """
    column = class_column(y)
    values = column.to_list()
    classes = sorted(set(values))
    if len(classes) < 2:
        msg = (
            f"A classifier needs two classes or more, and all {len(values)} patients are "
            f"{classes}. Give more patients, or other folds."
        )
        raise DegenerateSplitError(msg)
    place = {name: code for code, name in enumerate(classes)}
    # Numbers in ascending order of the classes: the second of two is the positive one.
    codes = np.array([place[value] for value in values], np.int64)
    return ClassOutcome(tuple(column.index), codes, tuple(classes))


def class_column(y: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the class of each patient in ascending order of id, of one kind for all.

    Raises
    ------
    IdTypeError, DuplicateIdError, TableError
        As :func:`class_outcome` does.
    """
    column = patient_table(y.rename("class").to_frame())["class"].sort_index()
    missing = column.index[column.isna()]
    if len(missing):
        msg = (
            f"{len(missing)} of {len(column)} patients have no class (first: "
            f"{first_few(missing)}). Leave them out of y."
        )
        raise TableError(msg)
    values = column.to_list()
    words = placeholders_among(values)
    nothing = column.index[[isinstance(value, str) and value in words for value in values]]
    if len(nothing):
        msg = (
            f"{len(nothing)} of {len(column)} patients have a class that says there is none "
            f"({first_few(sorted(words))}; first: {first_few(nothing)}). Leave them out of y, or "
            "give the class another name."
        )
        raise TableError(msg)
    kinds = sorted({type(value).__name__ for value in values})
    # The type itself: for Python True is 1, and would be the same class as 1.
    if len(kinds) > 1 or not all(isinstance(value, str | int | bool) for value in values):
        msg = (
            f"Classes must all be text, whole numbers or booleans, and are {', '.join(kinds)} "
            f"(first: {first_few(values)}). Convert them, for example with y.astype(str), or "
            "y.astype(float) where they are numbers to be predicted."
        )
        raise TableError(msg)
    return column
