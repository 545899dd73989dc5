"""Survival of groups as observed: Kaplan-Meier curves and the log-rank test, by lifelines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError, ShapeError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.survival.checks import require_entry, require_events, require_labels

__all__ = ["KaplanMeier", "LogRank", "kaplan_meier", "kaplan_meier_by_group", "log_rank"]


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """A Kaplan-Meier curve as plain arrays, each of shape (step,), time 0 first."""

    times: Floats
    """Ascending and unique: 0, and every time at which a patient came later or left."""
    survival: Floats
    """Chance of having no event up to and including each time."""
    lower: Floats
    """Lower 95 % limit of ``survival`` (log-log transform)."""
    upper: Floats
    """Upper 95 % limit."""
    at_risk: NDArray[np.int64]
    """Patients still followed just before each time."""

    def at(self, times: Floats) -> Floats:
        """Return the survival at ``times``; after the last step it stays as it is."""
        return self.survival[np.searchsorted(self.times, times, side="right") - 1]

    def at_risk_at(self, times: Floats) -> NDArray[np.int64]:
        """Return how many patients are followed up to each of ``times`` or longer."""
        # Counts at a step are of those who are there just before it, so the next step counts.
        steps = np.searchsorted(self.times, times, side="left")
        return np.concatenate([self.at_risk, [0]])[steps]


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of equal survival in all groups."""

    statistic: float
    """Chi-square, at least 0."""
    p_value: float
    degrees_of_freedom: int


def kaplan_meier(
    *, time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None
) -> KaplanMeier:
    """Return the Kaplan-Meier curve of the patients.

    Parameters
    ----------
    time : shape (patient,)
        To the event or to the end of follow-up, at least 0, in any one unit.
    event : shape (patient,)
        True where the event was seen.
    entry : shape (patient,), optional
        When each came under observation, below ``time``.

    Raises
    ------
    DegenerateSplitError
        When there are no patients.

    Notes
    -----
    Source: Kaplan & Meier, JASA 53 (1958) 457-481; limits by Greenwood's formula.
    """
    times, events = require_labels(time, event)
    if not len(times):
        msg = "A Kaplan-Meier curve needs patients, and there are none. Leave the group out."
        raise DegenerateSplitError(msg)
    entries = None if entry is None else require_entry(entry, times)
    fitter = KaplanMeierFitter().fit(times, events, entry=entries)
    limits = fitter.confidence_interval_.to_numpy(np.float64)
    steps = fitter.event_table.index.to_numpy(np.float64)
    came = fitter.event_table["entrance"].to_numpy(np.int64)
    # lifelines counts who comes at a time, who is not there before it; at 0 nothing is before.
    at_risk = fitter.event_table["at_risk"].to_numpy(np.int64) - np.where(steps > 0, came, 0)
    # lifelines begins at the first entry, and adds time 0 only where all are there from then on.
    late = steps[0] > 0
    return KaplanMeier(
        times=_begun(steps, 0, late=late),
        survival=_begun(fitter.survival_function_.iloc[:, 0].to_numpy(np.float64), 1, late=late),
        lower=_begun(limits[:, 0], 1, late=late),
        upper=_begun(limits[:, 1], 1, late=late),
        at_risk=_begun(at_risk, 0, late=late),
    )


def _begun(column: NDArray[Any], first: int, *, late: bool) -> NDArray[Any]:
    """Return a column of the curve with what holds at time 0, where it lacks that."""
    return np.insert(column, 0, first) if late else column


def kaplan_meier_by_group(
    *,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    groups: tuple[str, ...],
    entry: ArrayLike | None = None,
) -> dict[str, KaplanMeier]:
    """Return a Kaplan-Meier curve per group, in the order of ``groups``.

    Parameters
    ----------
    time, event : shape (patient,)
    group : str, shape (patient,)
        The group of each patient; derive it from a cut-off of the training patients.
    groups : tuple of str
        All groups that are meant to be there.
    entry : shape (patient,), optional
        As in :func:`kaplan_meier`.

    Raises
    ------
    DegenerateSplitError
        When one of ``groups`` holds no patient.
    ShapeError
        When ``group`` has another length, or a patient's group is not among ``groups``.
    """
    times, events = require_labels(time, event)
    labels = _require_groups(group, groups, len(times))
    entries = None if entry is None else require_entry(entry, times)
    return {
        name: kaplan_meier(
            time=times[labels == name],
            event=events[labels == name],
            entry=None if entries is None else entries[labels == name],
        )
        for name in groups
    }


def log_rank(
    *, time: ArrayLike, event: ArrayLike, group: ArrayLike, groups: tuple[str, ...]
) -> LogRank:
    """Return the log-rank test of equal survival in ``groups``.

    On risk groups of pooled folds it is optimistic: the folds share training patients.

    Parameters
    ----------
    time, event, group, groups
        As in :func:`kaplan_meier_by_group`; at least two groups.

    Raises
    ------
    DegenerateSplitError
        When one of ``groups`` holds no patient, there is one group only, or no event.

    Notes
    -----
    Source: Mantel, Cancer Chemotherapy Reports 50 (1966) 163-170.
    """
    times, events = require_labels(time, event)
    labels = _require_groups(group, groups, len(times))
    require_events(events, "A log-rank test")
    if len(groups) < 2:
        msg = f"A log-rank test needs two groups or more, and got {groups}."
        raise DegenerateSplitError(msg)
    result = multivariate_logrank_test(times, labels, events)
    return LogRank(float(result.test_statistic), float(result.p_value), len(groups) - 1)


def _require_groups(group: ArrayLike, groups: tuple[str, ...], patients: int) -> NDArray[np.str_]:
    labels = np.asarray(group).astype(np.str_)
    if labels.shape != (patients,):
        msg = f"group must have shape ({patients},), one per patient, and has {labels.shape}."
        raise ShapeError(msg)
    unknown = sorted(set(labels.tolist()) - set(groups))
    if unknown:
        msg = (
            f"group holds {first_few(unknown)}, which are not among groups={groups}. Name every "
            "group."
        )
        raise ShapeError(msg)
    counts = {name: int((labels == name).sum()) for name in groups}
    empty = [name for name, count in counts.items() if not count]
    if empty:
        msg = (
            f"No patient is in group {', '.join(map(repr, empty))} (patients per group: {counts}). "
            "Move the cut-off, or compare fewer groups."
        )
        raise DegenerateSplitError(msg)
    return labels
