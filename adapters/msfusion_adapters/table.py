"""Any numeric table: standardised in the fold, constant columns dropped, gaps as you say."""

from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from msfusion_adapters.leakage import warn_of_leaks
from msfusion_adapters.numeric import (
    Missing,
    Standard,
    apply_standard,
    learn_standard,
    numbers,
    require_no_gaps,
    require_somebody,
    varies,
)
from msfusion_sdk.adapter import Block, ModalityAdapter
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.frames import patient_table, select_columns

__all__ = ["TableAdapter"]


class TableAdapter(ModalityAdapter):
    """Numeric columns with mean 0 and standard deviation 1 over the training patients.

    Parameters
    ----------
    missing : {"error", "median"}
        What happens to an empty cell of a patient who has others: an error, or the median
        of the training patients, with a column ``<name>=missing`` (standardised 0 and 1)
        for each column that had gaps in training.

    Attributes
    ----------
    dropped_ : list of str
        Columns that were constant over the training patients.
    """

    modality: ClassVar[str] = "table"

    def __init__(self, *, missing: Missing = "error") -> None:
        self.missing = missing

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn mean, standard deviation and median of each column.

        Raises
        ------
        NonFiniteError
            When a cell is infinite, or empty and ``missing="error"``.
        TableError
            When a column is not numeric, or none varies.
        MissingModalityError
            When no patient has a value.

        Warns
        -----
        TableWarning
            Of columns that tell the outcome.
        """
        checked = patient_table(table)
        values = self._numbers(checked)
        present = ~np.isnan(values).all(axis=1)
        values = values[present]
        require_somebody(values, "the table")
        self.columns_ = list(checked.columns)
        self.with_gaps_ = np.flatnonzero(np.isnan(values).any(axis=0) & varies(values))
        widened = self._widen(values)
        varying = varies(widened)
        if not varying.any():
            msg = (
                f"None of the {len(self.columns_)} columns of the table varies over the "
                f"{len(values)} training patients. Leave the table out."
            )
            raise TableError(msg)
        self.dropped_ = [n for n, v in zip(self.columns_, varying, strict=False) if not v]
        standard = learn_standard(widened, np.flatnonzero(varying))
        self.kept_, self.median_, self.mean_, self.scale_ = standard
        patients = list(checked.index[np.flatnonzero(present)])
        standardised = apply_standard(widened, standard)
        warn_of_leaks(standardised, self._names(), patients, y, "the table")
        return self

    def transform(self, table: pd.DataFrame) -> Block:
        """Return the standardised columns; a row without any value is an absent patient.

        Raises
        ------
        TableError
            When the columns are not those of ``fit``.
        NonFiniteError
            When a cell is infinite, or empty and ``missing="error"``.
        """
        check_is_fitted(self)
        chosen = select_columns(table, self.columns_, "the table")
        values = self._numbers(chosen)
        standard = Standard(self.kept_, self.median_, self.mean_, self.scale_)
        return Block.of(
            chosen.index,
            apply_standard(self._widen(values), standard),
            self._names(),
            ~np.isnan(values).all(axis=1),
        )

    def _names(self) -> list[str]:
        names = [*self.columns_, *(f"{self.columns_[place]}=missing" for place in self.with_gaps_)]
        return [names[place] for place in self.kept_]

    def _numbers(self, table: pd.DataFrame) -> NDArray[np.float64]:
        values = numbers(table, "the table")
        if self.missing == "error":
            require_no_gaps(values, table, "the table")
        return values

    def _widen(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.hstack([values, np.isnan(values[:, self.with_gaps_])])
