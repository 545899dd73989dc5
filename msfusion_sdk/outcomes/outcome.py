"""What is known about patients, whatever kind it is: the interface of all outcomes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Rows
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["Kind", "Outcome"]

Kind = Literal["survival", "class", "number"]


class Outcome(ABC):
    """Checked outcomes, a row per patient; the same object from declaration to report."""

    kind: ClassVar[Kind]
    holds: ClassVar[str]
    """What it holds, in words."""
    counted: ClassVar[str]
    """What the needed strata are counts of, in words."""

    patient_ids: tuple[str, ...]
    """Whose outcomes they are, each once."""
    unit: str | None = None
    """In which time is counted; None when it is not declared, or there is no time."""

    @property
    @abstractmethod
    def strata(self) -> NDArray[np.int64]:
        """What folds and resamples keep the share of, shape (patient,), from 0."""

    @property
    @abstractmethod
    def stratum_names(self) -> tuple[str, ...]:
        """How messages call the strata."""

    @property
    @abstractmethod
    def needed(self) -> tuple[int, ...]:
        """The strata without which nothing can be learned."""

    @abstractmethod
    def take(self, rows: Rows | Bools) -> Self:
        """Return the outcomes of these patients."""

    @abstractmethod
    def labels(self) -> "pd.DataFrame | pd.Series[Any]":
        """Return them as an estimator's ``fit`` takes them, indexed by patient_id."""

    @property
    def scarcest(self) -> int:
        """How many patients the smallest of the needed strata has."""
        # ``minlength``: a stratum without patients must count 0 and not be missing.
        counts = np.bincount(self.strata, minlength=len(self.stratum_names))
        return int(counts[list(self.needed)].min())

    def rows(self, patient_ids: Sequence[str]) -> Rows:
        """Return the places of some patients."""
        place = {patient: row for row, patient in enumerate(self.patient_ids)}
        return np.array([place[patient] for patient in patient_ids], np.intp)

    def of(self, patient_ids: Sequence[str]) -> Self:
        """Return the outcomes of some patients, in their order."""
        return self.take(self.rows(patient_ids))

    def require(self, what: str, least: int) -> None:
        """Refuse outcomes with fewer than ``least`` patients in a needed stratum.

        Parameters
        ----------
        what : str
            What needs them, for the message.
        least : int
            How many of each it needs.

        Raises
        ------
        DegenerateSplitError
            Saying how many there are.
        """
        if self.scarcest < least:
            msg = (
                f"{what} needs at least {least} {self.counted} and has {self.scarcest} among "
                f"{len(self.patient_ids)} patients. Use more patients, or a strategy with fewer "
                "parts."
            )
            raise DegenerateSplitError(msg)

    @property
    def index(self) -> "pd.Index[str]":
        """The patient ids as the index of a table."""
        return pd.Index(list(self.patient_ids), name=ID_COLUMN, dtype=object)


def taken(patient_ids: tuple[str, ...], rows: Rows | Bools) -> tuple[str, ...]:
    """Return the ids at these places."""
    return tuple(np.array(patient_ids, np.object_)[rows].tolist())
