"""Who is at risk at every event, arranged so that sums over risk sets are running sums.

Patients are sorted from the latest time to the earliest: the risk set of an event is then
every row up to the last one of its time.  Patients who leave at the time of an event are at
risk of it, censored ones too.

With delayed entry a patient is at risk only after the own entry: of an event at ``t`` when
``entry < t``.  Whoever has not entered by then is taken out of the running sum again.

Every event is one *step*.  With ``d`` events at one time, Efron's method takes a share
``k / d`` (k = 0 … d - 1) of the tied patients out of the risk set of the k-th; Breslow's
takes nothing out.  Source: Efron, JASA 72 (1977) 557-565; Breslow, Biometrics 30
(1974) 89-99.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from msfusion_sdk.arrays import Bools, Floats, Rows

__all__ = ["RiskSets", "Ties", "risk_sets"]

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Sorted patients, and for every event which rows its risk set ends at.

    ``order`` sorts patients latest first; everything else counts rows in that order.
    """

    order: Rows
    """Shape (patient,)."""
    events: Rows
    """Shape (step,): rows with an event, tied ones side by side."""
    times: Floats
    """Shape (group,): the times of events, unique, latest first."""
    first_step: Rows
    """Shape (group,): the first step of each time."""
    group: Rows
    """Shape (step,): which of ``times`` each step belongs to."""
    last: Rows
    """Shape (group,): the last row that is at risk at each time."""
    fraction: Floats
    """Shape (step,): share of the tied patients that left before this step."""
    passed: Rows
    """Shape (patient,): the latest of ``times`` that each row lived to see, or their number."""
    entered: "Entered | None"
    """None when everybody is at risk from time 0."""

    def at_risk(self, values: Floats) -> Floats:
        """Return per time the sum of ``values`` over everybody at risk, nobody taken out."""
        total = values.cumsum(axis=0)[self.last]
        return total if self.entered is None else total - self.entered.not_yet(values)

    def sums(self, values: Floats) -> Floats:
        """Return per step the sum of ``values`` over its risk set.

        Parameters
        ----------
        values : shape (patient,) or (patient, feature), rows sorted by ``order``
        """
        total = self.at_risk(values)[self.group]
        if not self.fraction.any():
            return total
        tied = np.add.reduceat(values[self.events], self.first_step, axis=0)[self.group]
        # Axes of features are added behind the axis of steps.
        share = self.fraction.reshape(-1, *[1] * (values.ndim - 1))
        return total - share * tied

    def spread(self, steps: Floats) -> Floats:
        """Return per patient the sum of ``steps`` over the steps it was at risk of.

        At its own time a tied patient counts only with the share that is still at risk.
        """
        per_time = np.add.reduceat(steps, self.first_step)
        so_far = np.concatenate([per_time[::-1].cumsum()[::-1], [0.0]])
        total = so_far[self.passed]
        if self.entered is not None:
            total = total - so_far[self.entered.passed]
        left = np.add.reduceat(self.fraction * steps, self.first_step)
        total[self.events] -= left[self.group]
        return total


class Entered(NamedTuple):
    """Who enters late; rows count in the order of the risk sets."""

    order: Rows
    """Shape (patient,): the latest entry first."""
    waiting: Rows
    """Shape (group,): how many have not entered by each time."""
    passed: Rows
    """Shape (patient,): the latest of the times up to which each row had not entered."""

    def not_yet(self, values: Floats) -> Floats:
        """Return per time the sum of ``values`` over those who have not entered."""
        running = values[self.order].cumsum(axis=0)
        return np.concatenate([np.zeros_like(values[:1], np.float64), running])[self.waiting]


def risk_sets(time: Floats, event: Bools, ties: Ties, entry: Floats | None = None) -> RiskSets:
    """Return the risk sets of checked labels with at least one event."""
    order = np.argsort(-time, kind="stable")
    latest_first = -time[order]  # ascending, as np.unique and np.searchsorted want it
    events = np.flatnonzero(event[order])
    groups, first_step, group, deaths = np.unique(
        latest_first[events], return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.arange(len(events)) - first_step[group]
    fraction = rank / deaths[group] if ties == "efron" else np.zeros(len(events))
    return RiskSets(
        order=order,
        events=events,
        times=-groups,
        first_step=first_step,
        group=group,
        last=np.searchsorted(latest_first, groups, side="right") - 1,
        fraction=fraction,
        passed=np.searchsorted(groups, latest_first, side="left"),
        entered=None if entry is None else _entered(-entry[order], groups),
    )


def _entered(latest_entry: Floats, groups: Floats) -> Entered:
    """Return who enters when; both with their signs turned, so that later is smaller."""
    order = np.argsort(latest_entry, kind="stable")
    waiting = np.searchsorted(latest_entry[order], groups, side="right")
    return Entered(order, waiting, np.searchsorted(groups, latest_entry, side="left"))
