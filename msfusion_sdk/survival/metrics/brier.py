"""Brier score of predicted survival curves: squared error against who is still event-free.

Lower is better; predicting 0.5 for everybody gives 0.25 when nobody is censored.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats
from msfusion_sdk.survival.checks import require_horizons, require_labels, require_probabilities
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["BrierScore", "brier_errors", "brier_score", "mean_over_time"]


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

    * with an event at or before ``t`` adds ``S(t)**2 / G(own time -)``, with ``G`` just before
      the own time, since the patient was not censored until then,
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
    Source: Graf et al., Statistics in Medicine 18 (1999) 2529-2545, with the weights of Gerds &
    Schumacher, Biometrical Journal 48 (2006) 1029-1040, which riskRegression in R uses.
    """
    error = brier_errors(
        time=time,
        event=event,
        survival=survival,
        train_time=train_time,
        train_event=train_event,
        times=times,
    )
    horizons, score = require_horizons(times), error.mean(axis=0)
    return BrierScore(horizons, score, float(mean_over_time(horizons, score[None])[0]))


def brier_errors(
    *,
    time: ArrayLike,
    event: ArrayLike,
    survival: ArrayLike,
    train_time: ArrayLike,
    train_event: ArrayLike,
    times: ArrayLike,
) -> Floats:
    """Return what each patient adds to the Brier score at each time, shape (patient, time).

    Their mean over patients is the score.

    Parameters
    ----------
    time, event, survival, train_time, train_event, times
        As in :func:`brier_score`, which also says what is raised.
    """
    durations, events = require_labels(time, event)
    horizons = require_horizons(times)
    curves = require_probabilities("survival", survival, (len(durations), len(horizons)))
    censoring = censoring_survival(time=train_time, event=train_event)
    had = events[:, None] & (durations[:, None] <= horizons)
    event_free = durations[:, None] > horizons
    # 1 where nothing is divided: ``G`` may be unknown or 0 there.
    own = np.ones(len(durations))
    needed = had.any(axis=1)
    own[needed] = censoring.before(durations[needed])
    # Nobody has to be event-free at a time for the others to be scored there.
    needed = event_free.any(axis=0)
    then = np.ones(len(horizons))
    then[needed] = censoring.at(horizons[needed])
    errors: Floats = had * curves**2 / own[:, None] + event_free * (1 - curves) ** 2 / then
    return errors


def mean_over_time(times: Floats, values: Floats) -> Floats:
    """Return the mean of each row over time by the trapezoidal rule.

    Parameters
    ----------
    times : shape (time,), ascending
    values : shape (row, time)
    """
    if len(times) == 1:
        return values[:, 0]
    mean: Floats = np.trapezoid(values, times, axis=1) / (times[-1] - times[0])
    return mean
