"""What is predicted, a row per patient, sorted by id so that the order of input decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.outcomes.survival import survival_outcome
from msfusion_sdk.tables.frames import ID_COLUMN, patient_table

__all__ = ["ClassLabels", "Outcome", "SurvivalTimes", "read_outcome"]


@dataclass(frozen=True, eq=False)
class SurvivalTimes:
    """Checked times and events; patients ascend by id."""

    patient_ids: tuple[str, ...]
    time: Floats
    """Shape (patient,): to the event or the end of follow-up, at least 0."""
    event: Bools
    """Shape (patient,): True where the event was seen."""

    @property
    def strata(self) -> NDArray[np.int64]:
        """1 where the event was seen, else 0: what folds and resamples keep the share of."""
        return self.event.astype(np.int64)

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """How messages call the strata."""
        return ("no event", "event")

    def rows(self, patient_ids: Sequence[str]) -> Rows:
        """Return the places of some patients."""
        return _places(self.patient_ids, patient_ids)

    def labels(self, rows: Rows) -> pd.DataFrame:
        """Return the outcome of some rows as an estimator's ``fit`` takes it."""
        columns = {"time": self.time[rows], "event": self.event[rows]}
        return pd.DataFrame(columns, _index(self.patient_ids, rows))


@dataclass(frozen=True, eq=False)
class ClassLabels:
    """One class per patient; patients ascend by id."""

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
        """How messages call the strata."""
        return tuple(f"class {name!r}" for name in self.classes)

    def rows(self, patient_ids: Sequence[str]) -> Rows:
        """Return the places of some patients."""
        return _places(self.patient_ids, patient_ids)

    def labels(self, rows: Rows) -> "pd.Series[Any]":
        """Return the outcome of some rows as an estimator's ``fit`` takes it."""
        values = np.array(self.classes)[self.codes[rows]]
        return pd.Series(values, _index(self.patient_ids, rows), name="class")


Outcome = SurvivalTimes | ClassLabels


def read_outcome(y: object) -> Outcome:
    """Return ``y`` checked, with its patients in ascending order of id.

    Parameters
    ----------
    y : DataFrame or Series, indexed by patient_id
        A DataFrame with ``time`` and ``event`` for survival, a Series of classes otherwise.

    Raises
    ------
    IdTypeError
        When ``y`` has no patient ids: an array, say.
    DuplicateIdError
        When a patient occurs twice.
    TableError
        When a class is missing, or there are fewer than two.
    SurvivalLabelError, DegenerateSplitError
        As :func:`~msfusion_sdk.outcomes.survival.survival_outcome` does.
    """
    if isinstance(y, pd.DataFrame):
        labels = survival_outcome(y.sort_index())
        if labels.patient_ids is not None:
            return SurvivalTimes(labels.patient_ids, labels.time, labels.event)
    if not isinstance(y, pd.Series):
        msg = (
            f"y is {type(y).__name__}, and folds need patient ids. Give a DataFrame with 'time' "
            "and 'event', or a Series of classes, indexed by patient_id."
        )
        raise IdTypeError(msg)
    return _read_classes(patient_table(y.to_frame("class")).sort_index()["class"])


def _read_classes(labels: "pd.Series[Any]") -> ClassLabels:
    missing = labels.index[labels.isna()]
    if len(missing):
        msg = (
            f"{len(missing)} of {len(labels)} patients have no class (first: "
            f"{', '.join(missing[:3])}). Leave them out of y."
        )
        raise TableError(msg)
    classes, codes = np.unique(labels.to_numpy(), return_inverse=True)
    if len(classes) < 2:
        msg = f"Classification needs two classes, and y holds {classes.tolist()}."
        raise TableError(msg)
    return ClassLabels(tuple(labels.index), codes.astype(np.int64), tuple(classes.tolist()))


def _places(patient_ids: tuple[str, ...], wanted: Sequence[str]) -> Rows:
    place = {patient: row for row, patient in enumerate(patient_ids)}
    return np.array([place[patient] for patient in wanted], np.intp)


def _index(patient_ids: Sequence[str], rows: Rows) -> "pd.Index[str]":
    index: pd.Index[str] = pd.Index([patient_ids[row] for row in rows], name=ID_COLUMN)
    return index
