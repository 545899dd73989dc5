"""Times to an event or to the end of follow-up, checked."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.errors import IdMismatchError, MsfusionWarning, SurvivalLabelError
from msfusion_sdk.outcomes.outcome import Kind, Outcome, taken
from msfusion_sdk.outcomes.units import MAX_YEARS, UNITS, too_long
from msfusion_sdk.phrases import first_few
from msfusion_sdk.survival.checks import require_entry, require_events, require_labels
from msfusion_sdk.tables.frames import patient_table

__all__ = ["LongTimeWarning", "SurvivalOutcome", "ZeroTimeWarning", "survival_outcome"]


class ZeroTimeWarning(MsfusionWarning, UserWarning):
    """Patients whose follow-up is zero: they are kept, and say next to nothing."""


class LongTimeWarning(MsfusionWarning, UserWarning):
    """Patients who would be followed longer than people live: the unit may be another one."""


@dataclass(frozen=True, eq=False)
class SurvivalOutcome(Outcome):
    """Times and events of patients."""

    kind: ClassVar[Kind] = "survival"
    holds: ClassVar[str] = "times and events"
    counted: ClassVar[str] = "events"

    patient_ids: tuple[str, ...]
    time: Floats
    """Shape (patient,): to the event or to the end of follow-up, at least 0."""
    event: Bools
    """Shape (patient,): True where the event was seen, False where right-censored."""
    unit: str | None = None
    """In which ``time`` is counted; None when it is not declared."""
    entry: Floats | None = None
    """Shape (patient,): when each came under observation (left truncation), below ``time``; None
    when all were observed from time 0."""

    @property
    def strata(self) -> NDArray[np.int64]:
        """1 where the event was seen, else 0."""
        return self.event.astype(np.int64)

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """How messages call the strata."""
        return ("no event", "event")

    @property
    def needed(self) -> tuple[int, ...]:
        """Events: without a censored patient everything can be learned."""
        return (1,)

    @property
    def arrays(self) -> dict[str, Any]:
        """``time``, ``event`` and perhaps ``entry``, as functions of survival take them."""
        late = {} if self.entry is None else {"entry": self.entry}
        return {"time": self.time, "event": self.event, **late}

    def take(self, rows: Rows | Bools) -> Self:
        """Return the outcomes of these patients."""
        ids = taken(self.patient_ids, rows)
        late = None if self.entry is None else self.entry[rows]
        return type(self)(ids, self.time[rows], self.event[rows], self.unit, late)

    def labels(self) -> pd.DataFrame:
        """Return ``time``, ``event`` and perhaps ``entry``, the unit in ``attrs``."""
        table = pd.DataFrame(self.arrays, self.index)
        if self.unit is not None:
            table.attrs["unit"] = self.unit
        return table


def survival_outcome(
    y: pd.DataFrame | NDArray[np.void], patient_ids: Sequence[str] | None = None
) -> SurvivalOutcome:
    """Return the checked times and events in ``y``, patients in ascending order of id.

    Parameters
    ----------
    y : DataFrame indexed by patient_id, or structured array
        With ``time`` (at least 0) and ``event`` (True or 1 where the event was seen, False or
        0 where the patient is censored), and perhaps ``entry``, the time at which the patient
        came under observation; the unit of time in ``y.attrs["unit"]``, if known.
    patient_ids : sequence of str, optional
        Whose rows those of a structured array are.

    Raises
    ------
    SurvivalLabelError
        When ``time`` or ``event`` is missing or holds what cannot be true, when there are other
        columns, or the unit is unknown.
    IdTypeError, DuplicateIdError
        When a patient id is not text or occurs twice.
    IdMismatchError
        When an array has not as many rows as there are ``patient_ids``.
    DegenerateSplitError
        When no patient has an event, or there are no patients.

    Warns
    -----
    ZeroTimeWarning
        When a time is 0.
    LongTimeWarning
        When a time is longer than 100 years.
    """
    table = y if isinstance(y, pd.DataFrame) else _table_of(y, patient_ids or ())
    _require_columns([str(name) for name in table.columns])
    table = patient_table(table).sort_index()
    ids = tuple(table.index)
    # Columns that allow a missing value become objects, and the missing one is refused.
    time, event = require_labels(_numbers(table["time"]), table["event"].to_numpy(), ids)
    entry = None
    if "entry" in table.columns:
        entry = require_entry(_numbers(table["entry"]), time, ids)
    require_events(event, "A survival outcome")
    unit = _require_unit(table.attrs.get("unit"))
    _warn_of_zero_times(time, ids)
    _warn_of_long_times(time, ids, unit)
    return SurvivalOutcome(ids, time, event, unit, entry)


def _table_of(y: NDArray[np.void], patient_ids: Sequence[str]) -> pd.DataFrame:
    array = np.asarray(y)
    table = pd.DataFrame({name: array[name] for name in array.dtype.names or ()})
    if len(table.columns) and len(table) != len(patient_ids):
        msg = (
            f"An array of {len(table)} outcomes needs as many patient ids, and got "
            f"{len(patient_ids)}. Give y as a DataFrame indexed by patient_id."
        )
        raise IdMismatchError(msg)
    # An array that is not structured has no columns: the next check refuses it.
    return table.set_axis(list(patient_ids)) if len(table.columns) else table


def _require_columns(found: list[str]) -> None:
    missing = {"time", "event"}.difference(found)
    if missing:
        other = f"; for classes or numbers, give one column: y[{found[0]!r}]" if found[:1] else ""
        msg = (
            f"A survival outcome needs 'time' and 'event', and lacks {sorted(missing)} (found: "
            f"{', '.join(found[:10]) or 'nothing'}). Rename the columns; where 1 means censored, "
            f"give event = censored == 0{other if len(missing) == 2 else ''}."
        )
        raise SurvivalLabelError(msg)
    unknown = [name for name in found if name not in ("time", "event", "entry")]
    if unknown:
        msg = (
            f"A survival outcome has the columns 'time', 'event' and perhaps 'entry' (when a "
            f"patient came under observation), and y also holds {first_few(unknown)}. Leave them "
            "out; what is known about patients belongs into a table, and an event of another kind "
            "counts as censored."
        )
        raise SurvivalLabelError(msg)


def _require_unit(unit: object) -> str | None:
    if unit is None or unit in UNITS:
        return unit
    msg = f"The unit of time must be one of {', '.join(UNITS)}, and y.attrs['unit'] is {unit!r}."
    raise SurvivalLabelError(msg)


def _numbers(column: "pd.Series[Any]") -> NDArray[Any]:
    if pd.api.types.is_numeric_dtype(column):
        # Nullable integers have no NaN of their own.
        return column.to_numpy(np.float64, na_value=np.nan)
    # Databases give exact numbers, as objects.
    if pd.api.types.infer_dtype(column) in ("decimal", "mixed-integer-float"):
        return column.to_numpy(np.float64)
    return column.to_numpy()


def _warn_of_zero_times(time: Floats, patient_ids: tuple[str, ...]) -> None:
    rows = np.flatnonzero(time == 0)
    if len(rows):
        msg = (
            f"{len(rows)} of {len(time)} patients have a follow-up of 0 (first: "
            f"{first_few(patient_ids[row] for row in rows)}). They are kept; check that time zero "
            "is what you mean."
        )
        warnings.warn(msg, ZeroTimeWarning, stacklevel=4)


def _warn_of_long_times(time: Floats, patient_ids: tuple[str, ...], unit: str | None) -> None:
    rows = np.flatnonzero(too_long(time, unit)) if unit else np.zeros(0, np.intp)
    if len(rows):
        msg = (
            f"{len(rows)} of {len(time)} patients are followed for more than {MAX_YEARS} years "
            f"(first: {first_few(patient_ids[row] for row in rows)}; longest: {time.max():g} "
            f"{unit}). Check that all times are counted in {unit}."
        )
        warnings.warn(msg, LongTimeWarning, stacklevel=4)
