"""What about a survival outcome is possible, but more often a mistake."""

import numpy as np
import pandas as pd

from msfusion_sdk.outcomes.declaration import SurvivalDeclaration
from msfusion_sdk.outcomes.units import MAX_YEARS, too_long
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.issues import Issue, note

__all__ = ["remarks_on"]

MANY_EVENTS, FEW_PATIENTS = 0.9, 20
"""Share of events above which the column may hold something else, unless patients are few."""
LATER_EVENTS, ENOUGH_OF_EACH = 1.5, 10
"""Median time of events over that of the censored above which they may be exchanged: an event
ends a follow-up early."""
MIXED_UNITS = 30.0
"""Longest time over the median above which days and months may be mixed: of exponential times of
10,000 patients the longest is 13 times the median."""


def remarks_on(labels: pd.DataFrame, declared: SurvivalDeclaration) -> list[Issue]:
    """Return remarks on times and events.

    Parameters
    ----------
    labels : DataFrame indexed by patient_id
        ``time`` and ``event`` in the unit of ``declared``.
    """
    if not len(labels):
        return []
    time, event = labels["time"].to_numpy(np.float64), labels["event"].to_numpy(np.bool_)
    share, n_zero = float(event.mean()), int((time == 0).sum())
    seen, censored = time[event], time[~event]
    enough = min(len(seen), len(censored)) >= ENOUGH_OF_EACH
    ratio = float(np.median(seen) / max(np.median(censored), 1e-9)) if enough else 0.0
    return [
        *note(
            "SurvivalLabel",
            n_zero,
            f"{n_zero} of {len(time)} patients have a {declared.time} of 0. They are kept; check "
            "that time zero is what you mean.",
        ),
        *note(
            "SurvivalLabel",
            int(event.sum()) if share > MANY_EVENTS and len(time) >= FEW_PATIENTS else 0,
            f"{share:.0%} of {len(time)} patients have an event by {declared.flag}, which is "
            "unusual. Check that it is true where the event was seen, not where it was censored.",
        ),
        *note(
            "SurvivalLabel",
            len(seen) if ratio > LATER_EVENTS else 0,
            f"The median {declared.time} of patients with an event is {ratio:.1f} times that of "
            f"censored patients, as if {declared.flag} meant the opposite. Check it; the other "
            "meaning is declared with censored= instead of event=.",
        ),
        *_long_times(labels, declared),
    ]


def _long_times(labels: pd.DataFrame, declared: SurvivalDeclaration) -> list[Issue]:
    """Return a remark on times that no person lives, or else on a few that tower over the rest."""
    time = labels["time"].to_numpy(np.float64)
    impossible = labels.index[too_long(time, declared.unit)]
    middle, longest = float(np.median(time)), float(time.max())
    apart = labels.index[time > MIXED_UNITS * max(middle, 1e-9)]
    if len(impossible):
        return note(
            "SurvivalLabel",
            len(impossible),
            f"{len(impossible)} of {len(time)} patients have a {declared.time} of more than "
            f"{MAX_YEARS} years (first: {first_few(impossible)}; longest: {longest:g}). Check that "
            f"all are counted in {declared.unit}.",
        )
    return note(
        "SurvivalLabel",
        len(apart) if middle > 0 else 0,
        f"{len(apart)} of {len(time)} values of {declared.time} are more than {MIXED_UNITS:g} "
        f"times the median of {middle:g} (first patients: {first_few(apart)}; longest: "
        f"{longest:g}). Check that all are counted in {declared.unit}.",
    )
