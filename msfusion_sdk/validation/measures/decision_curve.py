"""Decision curves: whether acting on a prediction does more good than harm, at every threshold.

Net benefit is true positives less false positives weighed by the odds of the threshold, per
patient.  Sources: Vickers & Elkin, Medical Decision Making 26 (2006) 565-574; with censoring
Vickers et al., BMC Medical Informatics and Decision Making 8 (2008) 53.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.metrics.product_limit import event_free_at

__all__ = ["decision_curve_of_classes", "decision_curve_of_survival"]

THRESHOLDS = np.arange(1, 100) / 100

Share = Callable[[Bools], float]
"""From who is selected to the share of them that has the event."""


def decision_curve_of_classes(
    chance: Floats, is_case: Bools, *, thresholds: Floats = THRESHOLDS
) -> pd.DataFrame:
    """Return the net benefit of acting on ``chance``, of acting on everybody, and on nobody.

    Parameters
    ----------
    chance : shape (patient,), in [0, 1]
    is_case : shape (patient,)
    thresholds : ascending, above 0 and below 1

    Returns
    -------
    DataFrame
        ``threshold``, ``model``, ``all`` and ``none`` (0): true positives per patient.
    """
    return _curve(chance, thresholds, lambda chosen: float(is_case[chosen].mean()))


def decision_curve_of_survival(
    horizon: float,
    *,
    time: Floats,
    event: Bools,
    survival: Floats,
    thresholds: Floats = THRESHOLDS,
) -> pd.DataFrame:
    """Return the same for events by ``horizon``, censored patients counted by Kaplan-Meier.

    Parameters
    ----------
    horizon : float, unit of ``time``
    time, event : shape (patient,)
    survival : shape (patient,), in [0, 1]
        Predicted chance of no event up to ``horizon``.
    thresholds : ascending, above 0 and below 1
        Of the chance of an event.

    Returns
    -------
    DataFrame
        As :func:`decision_curve_of_classes`; without a value where the patients selected are not
        followed up to ``horizon``.
    """

    def share(chosen: Bools) -> float:
        times, events = time[chosen], event[chosen]
        if times.max() < horizon and not events[times == times.max()].all():
            return float("nan")
        return 1 - float(event_free_at(np.array([horizon]), time=times, event=events)[0])

    everybody = share(np.ones(len(time), np.bool_))
    if np.isnan(everybody):
        msg = f"Nobody is followed up to {horizon:g} (latest: {time.max():g}). Choose it earlier."
        raise DegenerateSplitError(msg)
    return _curve(1 - survival, thresholds, share)


def _curve(chance: Floats, thresholds: Floats, share: Share) -> pd.DataFrame:
    odds = thresholds / (1 - thresholds)
    everybody = share(np.ones(len(chance), np.bool_))
    model = np.zeros(len(thresholds))
    for place, threshold in enumerate(thresholds):
        chosen = chance >= threshold
        if chosen.any():
            found = share(chosen)
            model[place] = chosen.mean() * (found - (1 - found) * odds[place])
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "model": model,
            "all": everybody - (1 - everybody) * odds,
            "none": 0.0,
        }
    )
