"""Calibration at a horizon: whether as many patients have the event as was predicted.

Two views, both of the patients to judge.  In bins of equal size: the mean prediction beside
the Kaplan-Meier estimate.  As a curve: a Cox model with the complementary log-log of the
prediction as its only feature, which gives slope, intercept and the integrated calibration
index (ICI).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.checks import (
    require_entry,
    require_events,
    require_labels,
    require_probabilities,
)
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.metrics.product_limit import event_free_at

__all__ = ["Calibration", "calibration_at"]

_SURE = 1e-9  # closer to 0 or 1 the complementary log-log would run away


@dataclass(frozen=True, eq=False)
class Calibration:
    """Predicted beside observed chances of an event by ``horizon``."""

    horizon: float
    """Unit of ``time``."""
    predicted: Floats
    """Shape (bin,): mean predicted chance of an event, ascending."""
    observed: Floats
    """Shape (bin,): one minus the Kaplan-Meier estimate."""
    patients: NDArray[np.int64]
    """Shape (bin,)."""
    slope: float
    """1 when predictions spread as they should; below 1 they are too extreme."""
    intercept: float
    """0 when right; above 0 too few events were predicted for a patient of average risk."""
    ici: float
    """Mean distance between prediction and curve, a probability; 0 is best."""


def calibration_at(
    horizon: float,
    *,
    time: ArrayLike,
    event: ArrayLike,
    survival: ArrayLike,
    entry: ArrayLike | None = None,
    bins: int = 5,
) -> Calibration:
    """Return how predicted survival up to ``horizon`` compares with what was observed.

    Parameters
    ----------
    horizon : float, unit of ``time``
        Later follow-up is not looked at.
    time, event : shape (patient,)
        Of the patients to judge.
    survival : shape (patient,), in [0, 1]
        Predicted chance of having no event up to ``horizon``.
    entry : shape (patient,), optional
        When each came under observation; who came after ``horizon`` is left out.
    bins : int, at least 1
        Groups of equal size by prediction; fewer where predictions are tied.

    Raises
    ------
    DegenerateSplitError
        When no event came before ``horizon``, the predictions are all the same, or a bin has
        nobody followed up to ``horizon``.

    Notes
    -----
    With ``x = log(-log S(horizon))`` and the Cox model ``h0(t) exp(slope · x)``, the curve is
    ``log(-log S) = intercept + slope · x`` at the horizon.  Source: Austin, Harrell & van
    Klaveren, Statistics in Medicine 39 (2020) 2714-2742, with a straight line where they use
    splines; slope as in Crowson et al., Statistical Methods in Medical Research 25 (2016)
    1692-1706.
    """
    times, events = require_labels(time, event)
    chances = require_probabilities("survival", survival, times.shape)
    entries = np.zeros(len(times)) if entry is None else require_entry(entry, times)
    # At 0 come those who were observed from the start, whatever the horizon.
    seen = (entries < horizon) | (entries == 0)
    times, events, chances, entries = (each[seen] for each in (times, events, chances, entries))
    late = entries if entry is not None else None
    # Follow-up ends at the horizon: an event behind it is a censoring at it.
    events = events & (times <= horizon)
    times = np.minimum(times, horizon)
    require_events(events, f"Calibration at {horizon:g}")
    slope, intercept, curve = _curve(times, events, chances, late)
    parts = _bins(chances, bins)
    return Calibration(
        horizon=float(horizon),
        predicted=np.array([1 - chances[part].mean() for part in parts]),
        observed=np.array(
            [
                _observed(horizon, times[part], events[part], None if late is None else late[part])
                for part in parts
            ]
        ),
        patients=np.array([part.sum() for part in parts], np.int64),
        slope=slope,
        intercept=intercept,
        ici=float(np.abs(curve - chances).mean()),
    )


def _curve(
    time: Floats, event: Bools, survival: Floats, entry: Floats | None
) -> tuple[float, float, Floats]:
    inside = np.clip(survival, _SURE, 1 - _SURE)
    x = np.log(-np.log(inside))
    if np.ptp(x) == 0:
        msg = (
            f"All {len(x)} predictions are the same ({survival[0]:g}), so no calibration slope "
            "exists. Compare that number with the Kaplan-Meier estimate instead."
        )
        raise DegenerateSplitError(msg)
    # Without a penalty, which would pull the slope towards 0.
    fit = fit_cox(x[:, None], time=time, event=event, entry=entry, penalty=0)
    slope = float(fit.coef[0])
    # The model is centred; the line goes through x = 0.
    intercept = float(np.log(fit.cumulative_hazard[-1]) - slope * fit.mean[0])
    return slope, intercept, np.exp(-np.exp(intercept + slope * x))


def _bins(survival: Floats, bins: int) -> list[Bools]:
    """Return masks of patients, highest survival first; tied predictions stay together."""
    # Quantiles coincide where predictions are tied: the bin between them would be empty.
    edges = np.unique(np.quantile(survival, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, survival, side="left")
    return [place == bin_ for bin_ in np.unique(place)[::-1]]


def _observed(horizon: float, time: Floats, event: Bools, entry: Floats | None) -> float:
    survival = float(event_free_at(np.array([horizon]), time=time, event=event, entry=entry)[0])
    if survival > 0 and time.max() < horizon:
        msg = (
            f"Nobody among the {len(time)} patients of a bin is followed up to {horizon:g} "
            f"(latest: {time.max():g}). Choose an earlier horizon or fewer bins."
        )
        raise DegenerateSplitError(msg)
    return 1 - survival
