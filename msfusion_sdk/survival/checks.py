"""What every function of this package asks of its arrays, checked in one place.

``time`` is finite and not negative; ``event`` is True where the event was seen; ``risk`` is
higher where the event is expected earlier.  One row per patient, always by keyword.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import (
    DegenerateSplitError,
    NonFiniteError,
    ShapeError,
    SurvivalLabelError,
)
from msfusion_sdk.phrases import first_few

__all__ = [
    "require_entry",
    "require_horizons",
    "require_labels",
    "require_numbers",
    "require_probabilities",
    "require_table",
    "require_weights",
    "require_events",
]


def require_labels(
    time: ArrayLike, event: ArrayLike, patient_ids: Sequence[str] | None = None
) -> tuple[Floats, Bools]:
    """Return ``time`` as float64 and ``event`` as bool, both of shape (patient,).

    Parameters
    ----------
    time : shape (patient,)
        To the event, or to the end of follow-up.
    event : shape (patient,)
        Booleans, or the numbers 0 and 1.
    patient_ids : length patient, optional
        Name the offenders in messages; their row numbers by default.

    Raises
    ------
    SurvivalLabelError
        When a time is negative, NaN or infinite, or an event is anything else than True,
        False, 1 or 0.
    ShapeError
        When the two differ in length, or are not one-dimensional.
    """
    times = _require_times(np.asarray(time), patient_ids)
    events = _require_events(np.asarray(event), patient_ids)
    if times.shape != events.shape:
        msg = (
            f"time has {len(times)} rows and event {len(events)}. Give one row per patient to each."
        )
        raise ShapeError(msg)
    return times, events


def require_entry(
    entry: ArrayLike, time: Floats, patient_ids: Sequence[str] | None = None
) -> Floats:
    """Return ``entry`` as float64, shape (patient,): at least 0 and below ``time``.

    Raises
    ------
    SurvivalLabelError
        When a patient would leave before coming under observation, or at the same time.
    ShapeError, NonFiniteError
        As :func:`require_numbers` does.
    """
    entries = require_numbers("entry", entry, time.shape)
    wrong = (entries < 0) | (entries >= time)
    if wrong.any():
        msg = (
            "entry must be at least 0 and below time, and is not for "
            f"{_offenders(entries, wrong, patient_ids)}. Who leaves before being observed tells "
            "nothing: correct these times or leave the patients out."
        )
        raise SurvivalLabelError(msg)
    return entries


def require_numbers(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return ``values`` as float64 of exactly ``shape``.

    Raises
    ------
    ShapeError
        When the shape is another one; (patient, 1) is not (patient,).
    NonFiniteError
        When a value is NaN or infinite.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.shape != shape:
        msg = f"{name} must have shape {shape}, one row per patient, and has {numbers.shape}."
        raise ShapeError(msg)
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        first = tuple(int(i) for i in wrong[0])
        msg = (
            f"{name} holds NaN or infinity in {len(wrong)} of {numbers.size} places (first: "
            f"{numbers[first]} at {first}). Find out where it comes from; nothing is dropped here."
        )
        raise NonFiniteError(msg)
    return numbers


def require_table(values: ArrayLike, patients: int) -> Floats:
    """Return ``values`` as float64, shape (patient, feature).

    Raises
    ------
    ShapeError, NonFiniteError
        As :func:`require_numbers` does; a single feature is a column, not a row of numbers.
    """
    # Any number of columns is right; of an array with another number of axes none is.
    table = np.asarray(values, np.float64)
    return require_numbers("values", table, (patients, table.shape[1] if table.ndim == 2 else 1))


def require_probabilities(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return ``values`` as float64 of ``shape``, all of them in [0, 1].

    Raises
    ------
    ShapeError, NonFiniteError
        As :func:`require_numbers` does.
    SurvivalLabelError
        When a value lies outside [0, 1].
    """
    numbers = require_numbers(name, values, shape)
    if ((numbers < 0) | (numbers > 1)).any():
        msg = (
            f"{name} must be probabilities in [0, 1], and runs from {numbers.min():g} to "
            f"{numbers.max():g}. Pass survival, not risk."
        )
        raise SurvivalLabelError(msg)
    return numbers


def require_weights(weights: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return patient weights as float64, shape (patient,), none below 0.

    Raises
    ------
    ShapeError, NonFiniteError
        As :func:`require_numbers` does.
    SurvivalLabelError
        When a weight is negative.
    """
    numbers = require_numbers("weights", weights, shape)
    if (numbers < 0).any():
        msg = f"weights must be at least 0, and the smallest is {numbers.min():g}."
        raise SurvivalLabelError(msg)
    return numbers


def require_horizons(times: ArrayLike) -> Floats:
    """Return ``times`` as float64, shape (time,): at least one, finite, ascending, unique.

    Raises
    ------
    ShapeError
        When there is none, or they do not ascend.
    """
    # One time may be given as a plain number.
    horizons = np.atleast_1d(np.asarray(times, np.float64))
    is_usable = horizons.ndim == 1 and len(horizons) > 0 and bool(np.isfinite(horizons).all())
    if not is_usable or (np.diff(horizons) <= 0).any():
        msg = f"times must be finite and ascend, each once, and are {horizons.tolist()}."
        raise ShapeError(msg)
    return horizons


def require_events(event: Bools, what: str) -> None:
    """Refuse labels without an event; ``what`` says whose they are and what they are for.

    Raises
    ------
    DegenerateSplitError
        When no event was seen, or there are no patients.
    """
    if not event.any():
        msg = (
            f"{what} needs at least one event and has none among {len(event)} patients. "
            "Check which value of event means that it was seen; of folds, make fewer or stratify "
            "them by event."
        )
        raise DegenerateSplitError(msg)


def _require_times(values: NDArray[np.generic], patient_ids: Sequence[str] | None) -> Floats:
    if values.ndim != 1:
        raise ShapeError(_one_dimensional("time", values))
    # ``astype`` would turn dates, booleans and text into numbers without a word.
    if values.dtype.kind not in "iuf":
        number = (int, float, np.number)
        wrong = np.array([not isinstance(v, number) or isinstance(v, bool) for v in values])
        # One odd cell makes a column of objects, and it is that one which is to be named.
        found = (
            f"{values.dtype} (first: {first_few(values[:4])})"
            if wrong.all()
            else f"something else for {_offenders(values, wrong, patient_ids)}"
        )
        msg = (
            f"time must be numbers, and is {found}. Convert it: pd.to_numeric(y['time']) for text, "
            "y['time'].dt.days for durations."
        )
        raise SurvivalLabelError(msg)
    times = values.astype(np.float64)
    wrong = ~(np.isfinite(times) & (times >= 0))
    if wrong.any():
        msg = (
            f"time is negative, NaN or infinite for {_offenders(values, wrong, patient_ids)}. "
            "Correct these times or leave the patients out."
        )
        raise SurvivalLabelError(msg)
    return times


def _require_events(values: NDArray[np.generic], patient_ids: Sequence[str] | None) -> Bools:
    if values.ndim != 1:
        raise ShapeError(_one_dimensional("event", values))
    if values.dtype == np.bool_:
        return values.astype(np.bool_)
    flag = (bool, int, float, np.bool_, np.number)
    # As Python objects: in a column of mixed kinds each cell has a type of its own.
    is_event = [isinstance(value, flag) and value in (0, 1) for value in values.tolist()]
    wrong = ~np.array(is_event, np.bool_)
    if wrong.any():
        msg = (
            "event must be True where the event was seen and False where the patient is censored "
            f"(or 1 and 0), and is something else for {_offenders(values, wrong, patient_ids)}. "
            "Convert it, for example with event == 'dead'; an event of another kind counts as "
            "censored."
        )
        raise SurvivalLabelError(msg)
    return values.astype(np.bool_)


def _one_dimensional(name: str, values: NDArray[np.generic]) -> str:
    return f"{name} must have shape (patient,), and has {values.shape}."


def _offenders(values: NDArray[np.generic], wrong: Bools, patient_ids: Sequence[str] | None) -> str:
    rows = np.flatnonzero(wrong)
    named = [
        f"{row if patient_ids is None else patient_ids[row]}: {values[row : row + 1].tolist()[0]!r}"
        for row in rows[:3].tolist()
    ]
    what = "rows" if patient_ids is None else "patients"
    return f"{len(rows)} of {len(values)} {what} (first: {', '.join(named)})"
