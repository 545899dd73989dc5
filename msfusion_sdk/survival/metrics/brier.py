"""Brier score of predicted survival curves: squared error against who is still event-free.

Lower is better; predicting 0.5 for everybody gives 0.25 when nobody is censored.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats
from msfusion_sdk.survival.checks import require_horizons, require_labels, require_probabilities
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["BrierScore", "brier_score"]


@dataclass(frozen=True, eq=False)
class BrierScore:
    """The Brier score at each time, and integrated over time."""

    times: Floats
    """Shape (time,), ascending."""
    score: Floats
    """Shape (time,), at least 0; lower is better."""
    integrated: float
    """Mean over time by the trapezoidal rule; the score itself when there is one time."""


def brier_score(
    *,
    time: ArrayLike,
    event: ArrayLike,
    survival: ArrayLike,
    train_time: ArrayLike,
    train_event: ArrayLike,
    times: ArrayLike,
) -> BrierScore:
    """Return the Brier score of ``survival`` at ``times``, weighted for censoring.

    With ``G`` the censoring survival of the training patients, a patient

    * with an event at or before ``t`` adds ``S(t)**2 / G(own time)``,
    * followed longer than ``t`` adds ``(1 - S(t))**2 / G(t)``,
    * censored at or before ``t`` adds nothing,

    and the sum is divided by the number of patients.

    Parameters
    ----------
    time, event : shape (patient,)
        Of the patients to judge.
    survival : shape (patient, time), in [0, 1]
        Predicted chance of having no event up to each of ``times``.
    train_time, train_event : shape (training patient,)
        From which ``G`` is estimated; for ties see
        :mod:`~msfusion_sdk.survival.metrics.product_limit`.
    times : shape (time,)
        Ascending, inside the follow-up of the training patients.

    Raises
    ------
    SurvivalLabelError
        When a prediction lies outside [0, 1].
    DegenerateSplitError
        When ``G`` is unknown or 0 where it is needed.

    Notes
    -----
    Source: Graf et al., Statistics in Medicine 18 (1999) 2529-2545.
    """
    durations, events = require_labels(time, event)
    horizons = require_horizons(times)
    curves = require_probabilities("survival", survival, (len(durations), len(horizons)))
    censoring = censoring_survival(time=train_time, event=train_event)
    had = events[:, None] & (durations[:, None] <= horizons)
    event_free = durations[:, None] > horizons
    own = np.ones(len(durations))
    needed = had.any(axis=1)
    own[needed] = censoring.at(durations[needed])
    # Nobody has to be event-free at a time for the others to be scored there.
    needed = event_free.any(axis=0)
    then = np.ones(len(horizons))
    then[needed] = censoring.at(horizons[needed])
    error = had * curves**2 / own[:, None] + event_free * (1 - curves) ** 2 / then
    score = error.mean(axis=0)
    return BrierScore(horizons, score, _mean_over_time(horizons, score))


def _mean_over_time(times: Floats, score: Floats) -> float:
    if len(times) == 1:
        return float(score[0])
    return float(np.trapezoid(score, times) / (times[-1] - times[0]))
