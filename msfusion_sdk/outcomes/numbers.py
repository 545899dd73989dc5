"""Numbers of patients, checked: a continuous biomarker, say."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.errors import DegenerateSplitError, NonFiniteError, TableError
from msfusion_sdk.outcomes.outcome import Kind, Outcome, taken
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.frames import patient_table

__all__ = ["NumberOutcome", "number_outcome"]


@dataclass(frozen=True, eq=False)
class NumberOutcome(Outcome):
    """One number per patient."""

    kind: ClassVar[Kind] = "number"
    holds: ClassVar[str] = "numbers"
    counted: ClassVar[str] = "patients"

    patient_ids: tuple[str, ...]
    values: Floats
    """Shape (patient,)."""

    @property
    def strata(self) -> NDArray[np.int64]:
        """0 for everybody: of numbers no share has to be kept."""
        return np.zeros(len(self.values), np.int64)

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """How messages call the only stratum."""
        return ("a number",)

    @property
    def needed(self) -> tuple[int, ...]:
        """Everybody."""
        return (0,)

    def take(self, rows: Rows | Bools) -> Self:
        """Return the numbers of these patients."""
        return type(self)(taken(self.patient_ids, rows), self.values[rows])

    def labels(self) -> "pd.Series[float]":
        """Return a Series of numbers, indexed by patient_id."""
        return pd.Series(self.values, self.index, name="number")


def number_outcome(y: "pd.Series[Any]") -> NumberOutcome:
    """Return the checked numbers in ``y``, patients in ascending order of id.

    Parameters
    ----------
    y : Series of numbers, indexed by patient_id

    Raises
    ------
    IdTypeError, DuplicateIdError
        When a patient id is not text or occurs twice.
    TableError
        When a cell is empty or no number.
    NonFiniteError
        When a number is infinite, or all are too small or too large to be squared.
    DegenerateSplitError
        When all numbers are the same, or there is one patient.
    """
    column = patient_table(y.rename("number").to_frame())["number"].sort_index()
    # To pandas booleans are numeric; here they are two classes.
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        msg = (
            f"A number was expected of each patient, and y holds {first_few(column.to_list())}. "
            "Convert it, for example with y.astype(float)."
        )
        raise TableError(msg)
    values = column.to_numpy(np.float64, na_value=np.nan)
    missing = column.index[np.isnan(values)]
    if len(missing):
        msg = (
            f"{len(missing)} of {len(column)} patients have no number (first: "
            f"{first_few(missing)}). Leave them out of y: y.dropna()."
        )
        raise TableError(msg)
    infinite = column.index[np.isinf(values)]
    if len(infinite):
        msg = (
            f"{len(infinite)} of {len(column)} patients have an infinite number (first: "
            f"{first_few(infinite)}). Correct them, or leave them out of y."
        )
        raise NonFiniteError(msg)
    if len(np.unique(values)) < 2:
        msg = (
            f"All {len(values)} patients have the same number ({first_few(values[:1].tolist())}): "
            "nothing can be learned or judged. Give more patients."
        )
        raise DegenerateSplitError(msg)
    # To a computer the square of 1e-200 is 0, and that of 1e200 infinite.
    with np.errstate(over="ignore", under="ignore"):
        spread = values.std()
    if not 0 < spread < np.inf:
        what = f"numbers such as {first_few(values.tolist())} are too small or too large to be"
        msg = f"The {what} squared. Give them in another unit."
        raise NonFiniteError(msg)
    return NumberOutcome(tuple(column.index), values)
