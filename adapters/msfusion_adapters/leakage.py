"""Columns that are the outcome under another name, found by what they hold.

A column that equals the event, or alone puts the times in order, was most likely known only
afterwards; one that counts the rows of a table that was sorted by the outcome tells it too.
Only training patients are looked at, and nothing is dropped: that is for people to decide.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.metrics.concordance import concordance_index
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["find_leaks", "warn_of_leaks"]

FEWEST = 20
"""Patients, below which one column may order all by chance."""
FEWEST_OF_EACH = 5
"""Patients with the event (or of a class) and without, below which a column may be like it by
chance."""
TOO_WELL = 0.95
"""Concordance above which a column alone is no predictor any more; so are the shares of patients
with and without the event for whom a flag is right, and the correlation with a number squared."""
DECIDED = 0.6
"""Share of pairs of patients whose values differ, below which ties are not left out: among the few
patients in whom a silent gene is heard, any order comes about by chance."""
ROW_ORDER = 0.7
"""Concordance from which on a column that counts rows tells more than chance would."""
WORTH_A_LOOK = 0.7
"""Correlation with the times below which no column can order them."""
MOST_PATIENTS = 2000


def warn_of_leaks(
    values: Floats,
    names: Sequence[str],
    patient_ids: Sequence[str],
    y: "pd.DataFrame | pd.Series | None",
    what: str,
    gaps: Bools | None = None,
) -> None:
    """Warn of the columns that tell the outcome, with the figure of each.

    Parameters
    ----------
    values : shape (patient, column)
        Without gaps.
    y : DataFrame or Series indexed by patient_id, optional
        ``time`` and ``event``, classes or numbers.
    what : str
        What the table is called in the message.
    gaps : shape (patient, column), optional
        Where a value was filled in; the others may tell the outcome all the same.

    Warns
    -----
    TableWarning
    """
    if y is None:
        return
    # Tables may hold patients without an outcome, of whom nothing can be said.
    having = np.isin(np.asarray(patient_ids, object), np.asarray(y.index, object))
    known = [patient for patient, has in zip(patient_ids, having, strict=True) if has]
    if len(known) < FEWEST:
        return
    leaks = find_leaks(values[having], y.loc[known])
    if gaps is not None:
        leaks = _beside_gaps(values[having], gaps[having], y.loc[known]) | leaks
    if leaks:
        shown = ", ".join(f"{names[place]!r} {why}" for place, why in sorted(leaks.items()))
        warnings.warn(
            f"Columns of {what} tell the outcome: {shown}. Were they known when follow-up began? "
            "Leave them out if not.",
            TableWarning,
            stacklevel=4,
        )


def find_leaks(values: Floats, y: "pd.DataFrame | pd.Series") -> dict[int, str]:
    """Return the places of the columns that tell the outcome, and how they do.

    Parameters
    ----------
    values : shape (patient, column)
    y : of the same patients, in their order
        Floating-point numbers are numbers, all else of a Series is classes.
    """
    step = -(-len(values) // MOST_PATIENTS)  # every so many patients are enough to see it
    values, y = np.asarray(values[::step], np.float64), y.iloc[::step]
    counts = _counts_rows(values)
    if isinstance(y, pd.DataFrame):
        time, event = y["time"].to_numpy(np.float64), y["event"].to_numpy(np.bool_)
        found = _telling(values, counts, event, "the event") | _nearly_telling(values, event)
        if event.sum() < FEWEST_OF_EACH:
            return found
        for place in np.flatnonzero(_may_order(values, time, event) | counts):
            order = _concordance(values[:, place], time, event)
            if order > TOO_WELL:
                found.setdefault(int(place), f"alone orders the times (C {order:.2f})")
            elif order > ROW_ORDER and counts[place]:
                text = f"counts the rows of a table sorted by time (C {order:.2f})"
                found.setdefault(int(place), text)
        return found
    if pd.api.types.is_float_dtype(y):
        return _following(values, y.to_numpy(np.float64, na_value=np.nan))
    found = {}
    for name in pd.unique(y):
        told = _telling(values, counts, y.to_numpy() == name, f"class {name!r}")
        for row, why in told.items():
            found.setdefault(row, why)
    return found


def _beside_gaps(values: Floats, gaps: Bools, y: "pd.DataFrame | pd.Series") -> dict[int, str]:
    """Return the columns that tell the outcome of the patients for whom they were filled in."""
    found = {}
    for place in np.flatnonzero(gaps.any(axis=0)).tolist():
        filled = ~gaps[:, place]
        if filled.sum() >= FEWEST:
            leaks = find_leaks(values[filled][:, [place]], y.loc[filled])
            if leaks:
                found[place] = f"{leaks[0]} where it is not empty"
    return found


def _nearly_telling(values: Floats, event: Bools) -> dict[int, str]:
    """Return the flags that are the event but for a few patients: of another day, or lost."""
    if min(event.sum(), (~event).sum()) < FEWEST_OF_EACH:
        return {}
    low, high = values.min(axis=0), values.max(axis=0)
    is_high = values == high
    is_flag = (is_high | (values == low)).all(axis=0) & (low < high)
    right = np.stack([is_high[event].mean(axis=0), 1 - is_high[~event].mean(axis=0)])
    found = {}
    # A flag that says the opposite tells it just as well.
    for shares in (right, 1 - right):
        worse = shares.min(axis=0)
        for place in np.flatnonzero(is_flag & (worse > TOO_WELL) & (worse < 1)).tolist():
            n = round(float(shares[:, place] @ [event.sum(), (~event).sum()]))
            found[place] = f"equals the event for {n} of {len(event)} patients"
    return found


def _following(values: Floats, numbers: Floats) -> dict[int, str]:
    """Return the columns that are the numbers themselves, counted in another way perhaps."""
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = (values - values.mean(axis=0)) / values.std(axis=0)
        found = columns.T @ (numbers - numbers.mean()) / numbers.std() / len(numbers)
    places = np.flatnonzero(found**2 > TOO_WELL).tolist()
    return {place: f"follows the number (r {found[place]:.2f})" for place in places}


def _telling(values: Floats, counts: Bools, truth: Bools, what: str) -> dict[int, str]:
    """Return the columns that are true and false themselves, or rows sorted by it."""
    if min(truth.sum(), (~truth).sum()) < FEWEST_OF_EACH:
        return {}
    true, false = values[truth], values[~truth]
    equal = (np.ptp(true, axis=0) == 0) & (np.ptp(false, axis=0) == 0) & (true[0] != false[0])
    found = {int(place): f"equals {what}" for place in np.flatnonzero(equal)}
    for place in np.flatnonzero(counts & ~equal):
        area = _area(values[:, place], truth)
        if area > TOO_WELL:
            text = f"counts the rows of a table sorted by {what} (AUROC {area:.2f})"
            found[int(place)] = text
    return found


def _may_order(values: Floats, time: Floats, event: Bools) -> Bools:
    """Return the columns that go with the times closely enough to be looked at."""
    if event.sum() >= FEWEST:
        values, time = values[event], time[event]
    ranks = np.argsort(np.argsort(time, kind="stable"), kind="stable").astype(np.float64)
    # Rank correlation alone would take a sort of every column: three scales of the times do.
    scales = np.stack([time, np.log1p(np.maximum(time, 0)), ranks])
    centred = scales - scales.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    spread = values.std(axis=0) * np.sqrt(len(values))
    products = centred @ values
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.abs(products / length / spread).max(axis=0)
    return np.asarray(found > WORTH_A_LOOK)


def _counts_rows(values: Floats) -> Bools:
    """Return the columns whose values all differ, by whole steps with few left out."""
    ordered = np.sort(values, axis=0)
    steps = np.diff(ordered, axis=0)
    step = steps.min(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = steps / step
        is_even = (np.abs(whole - np.round(whole)) < 1e-6 * len(values)).all(axis=0)
        is_dense = (ordered[-1] - ordered[0]) / step < 2.5 * len(values)
    return np.asarray((step > 0) & is_even & is_dense)


def _concordance(column: Floats, time: Floats, event: Bools) -> float:
    """Return the concordance among patients whose values differ, in the better direction."""
    try:
        c_index = concordance_index(time=time, event=event, risk=column)
        if len(np.unique(column)) < len(column):
            # With ties broken as the times have it, and the other way round: years of last contact
            # are equal for many.
            ranks = [np.argsort(np.lexsort((order, column))) for order in (-time, time)]
            best, worst = (concordance_index(time=time, event=event, risk=r) for r in ranks)
            decided = worst + 1 - best
            if decided >= DECIDED:
                c_index = worst / decided
    except DegenerateSplitError:
        return 0.5
    # A column that orders the times backwards tells them just as well.
    return max(c_index, 1 - c_index)


def _area(column: Floats, truth: Bools) -> float:
    """Return the area under the ROC curve, in whichever direction it is larger."""
    ranks = pd.Series(column).rank().to_numpy()
    n_true, n_false = int(truth.sum()), int((~truth).sum())
    area = (ranks[truth].sum() - n_true * (n_true + 1) / 2) / (n_true * n_false)
    return float(max(area, 1 - area))
