"""Time-dependent AUC: how well the risk separates those with an event by ``t`` from the rest.

Cumulative cases, dynamic controls: at time ``t`` the cases are the patients with an event at
or before ``t``, the controls those still followed after ``t``.  Patients censored by then are
neither; the cases are weighted up for them by ``1 / G`` at their own event time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.checks import require_horizons, require_labels, require_numbers
from msfusion_sdk.survival.metrics.product_limit import censoring_survival, event_free_at

__all__ = ["TimeDependentAuc", "time_dependent_auc"]


@dataclass(frozen=True, eq=False)
class TimeDependentAuc:
    """The area under the ROC curve at each time, and its mean."""

    times: Floats
    """Shape (time,), ascending."""
    auc: Floats
    """Shape (time,), between 0 and 1; 0.5 is chance, higher is better."""
    mean: float
    """Over ``times``, each weighted by the share of events since the time before it."""


def time_dependent_auc(
    *,
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    train_time: ArrayLike,
    train_event: ArrayLike,
    times: ArrayLike,
    tied_tol: float = 1e-8,
) -> TimeDependentAuc:
    """Return the cumulative/dynamic AUC at ``times``.

    Parameters
    ----------
    time, event, risk : shape (patient,)
        Of the patients to judge; higher risk means an earlier event.
    train_time, train_event : shape (training patient,)
        From which the censoring survival ``G`` is estimated.
    times : shape (time,)
        Ascending.  Each needs cases and controls among the patients to judge.
    tied_tol : float
        A case and a control whose risks are at most this far apart count one half.

    Raises
    ------
    DegenerateSplitError
        When a time has no case or no control, or ``G`` is unknown or 0 at a case.

    Notes
    -----
    Sources: Uno et al., JASA 102 (2007) 527-537; Hung & Chiang, Canadian Journal of
    Statistics 38 (2010) 8-26.  The mean is that of Lambert & Chevret, Statistical Methods in
    Medical Research 25 (2016) 2088-2102, with the Kaplan-Meier estimate of the patients to
    judge.
    """
    durations, events = require_labels(time, event)
    risks = require_numbers("risk", risk, durations.shape)
    horizons = require_horizons(times)
    censoring = censoring_survival(time=train_time, event=train_event)
    weights = np.zeros(len(durations))
    counted = events & (durations <= horizons[-1])
    # Of cases up to the last time only: behind it ``G`` may be 0 or unknown.
    weights[counted] = 1 / censoring.at(durations[counted])
    area = np.array(
        [_auc(t, durations, risks, weights, tied_tol) for t in horizons.tolist()], np.float64
    )
    survival = event_free_at(horizons, time=durations, event=events)
    # The drop of the curve from one time to the next, from 1 at the start.
    share = -np.diff(survival, prepend=1.0)
    return TimeDependentAuc(horizons, area, float(area @ share / share.sum()))


def _auc(t: float, time: Floats, risk: Floats, weights: Floats, tied_tol: float) -> float:
    case = (weights > 0) & (time <= t)
    controls = np.sort(risk[time > t])
    if not case.any() or not len(controls):
        msg = (
            f"The AUC at time {t:g} needs cases and controls, and has {int(case.sum())} events by "
            f"then and {len(controls)} patients followed longer. Choose times inside the "
            "follow-up of every fold."
        )
        raise DegenerateSplitError(msg)
    below = np.searchsorted(controls, risk[case] - tied_tol, side="left")
    not_above = np.searchsorted(controls, risk[case] + tied_tol, side="right")
    won = (below + not_above) / (2 * len(controls))
    return float(weights[case] @ won / weights[case].sum())
