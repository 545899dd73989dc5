"""Survival outcomes as people keep them, checked and turned into arrays."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import SurvivalLabelError
from msfusion_sdk.survival.checks import require_events, require_labels
from msfusion_sdk.tables.frames import patient_table

__all__ = ["SurvivalLabels", "ZeroTimeWarning", "survival_outcome"]


class ZeroTimeWarning(UserWarning):
    """Patients whose follow-up is zero: they are kept, and say next to nothing."""


@dataclass(frozen=True, eq=False)
class SurvivalLabels:
    """Checked outcomes, a row per patient.

    Parameters
    ----------
    patient_ids : tuple of str, or None
        None when they came in a structured array, whose rows the caller has to match.
    time : float64, shape (patient,)
        To the event or to the end of follow-up; at least 0, in the unit that was given.
    event : bool, shape (patient,)
        True where the event was seen, False where the patient is right-censored.
    """

    patient_ids: tuple[str, ...] | None
    time: Floats
    event: Bools


def survival_outcome(y: pd.DataFrame | NDArray[np.void]) -> SurvivalLabels:
    """Return the checked times and events in ``y``.

    Parameters
    ----------
    y : DataFrame or structured array
        With ``time`` (at least 0) and ``event`` (True or 1 where the event was seen, False or
        0 where the patient is censored).  A DataFrame has the patient ids as index, text and
        unique.

    Raises
    ------
    SurvivalLabelError
        When ``time`` or ``event`` is missing or holds what cannot be true.
    IdTypeError, DuplicateIdError
        When a patient id is not text or occurs twice.
    DegenerateSplitError
        When no patient has an event, or there are no patients.

    Warns
    -----
    ZeroTimeWarning
        When a time is 0.
    """
    if isinstance(y, pd.DataFrame):
        table = patient_table(y)
        _require_columns([str(name) for name in table.columns])
        ids = tuple(table.index)
        # Columns that allow a missing value become objects, and the missing one is refused.
        time, event = require_labels(_numbers(table["time"]), table["event"].to_numpy(), ids)
    else:
        _require_columns(list(np.asarray(y).dtype.names or ()))
        ids = None
        time, event = require_labels(y["time"], y["event"])
    require_events(event, "A survival outcome")
    _warn_of_zero_times(time, ids)
    return SurvivalLabels(ids, time, event)


def _require_columns(found: list[str]) -> None:
    missing = {"time", "event"}.difference(found)
    if missing:
        msg = (
            f"A survival outcome needs 'time' and 'event', and lacks {sorted(missing)} (found: "
            f"{', '.join(found[:10]) or 'nothing'}). Rename the columns; where 1 means censored, "
            "give event = censored == 0."
        )
        raise SurvivalLabelError(msg)


def _numbers(column: "pd.Series[Any]") -> NDArray[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    return column.to_numpy()


def _warn_of_zero_times(time: Floats, patient_ids: tuple[str, ...] | None) -> None:
    rows = np.flatnonzero(time == 0)
    if len(rows):
        first = [str(row) if patient_ids is None else patient_ids[row] for row in rows[:3]]
        msg = (
            f"{len(rows)} of {len(time)} patients have a follow-up of 0 (first: "
            f"{', '.join(first)}). They are kept; check that time zero is what you mean."
        )
        warnings.warn(msg, ZeroTimeWarning, stacklevel=3)
