"""Concordance: how often the patient with the higher risk has the event first.

Two patients can be compared when the one who leaves first has the event, and the other is under
observation then.  At equal times:

* an event and a censoring are comparable, and the event counts as the earlier one;
* two events are not comparable, nor are two censorings.

Risks that differ by at most ``tied_tol`` count one half.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.checks import (
    require_entry,
    require_labels,
    require_numbers,
    require_weights,
)
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["UnoConcordance", "concordance_index", "concordance_uno"]

_BLOCK_PAIRS = 1 << 17  # a block of pairs stays in the processor's cache


@dataclass(frozen=True)
class UnoConcordance:
    """Uno's concordance and the time up to which it looked."""

    c_index: float
    """Between 0 and 1; 0.5 is chance, higher is better."""
    tau: float
    """Only events before this time were counted; unit of ``time``."""


def concordance_index(
    *,
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    tied_tol: float = 1e-8,
) -> float:
    """Return the share of comparable pairs that ``risk`` puts in the right order.

    Parameters
    ----------
    time : shape (patient,)
        To the event, or to the end of follow-up where ``event`` is False.
    event : shape (patient,)
        True where the event was seen, False where the patient is right-censored.
    risk : shape (patient,), no unit
        Higher means the event is expected sooner.  A survival probability or a survival time
        has the opposite direction; pass its negative.
    weights : shape (patient,), optional
        At least 0; a patient of weight 2 counts as two patients.
    entry : shape (patient,), optional
        When each came under observation, below ``time``: who enters at the time of an event or
        later cannot be compared with it.
    tied_tol : float
        Risks at most this far apart are tied.

    Raises
    ------
    DegenerateSplitError
        When no pair is comparable.  There is no value then, neither 0 nor 0.5.

    Notes
    -----
    Source: Harrell, Lee & Mark, Statistics in Medicine 15 (1996) 361-387.
    """
    times, events = require_labels(time, event)
    risks = require_numbers("risk", risk, times.shape)
    patient = np.ones(len(times)) if weights is None else require_weights(weights, times.shape)
    entries = None if entry is None else require_entry(entry, times)
    return _concordance(times, events, risks, patient, patient, tied_tol, entries)


def concordance_uno(
    *,
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    train_time: ArrayLike,
    train_event: ArrayLike,
    tau: float,
    tied_tol: float = 1e-8,
) -> UnoConcordance:
    """Return the concordance up to ``tau`` that does not depend on how patients are censored.

    Each comparable pair weighs ``1 / G(t)**2``, with ``t`` the time of its event and ``G`` the
    censoring survival of the training patients (see
    :mod:`~msfusion_sdk.survival.metrics.product_limit`).

    Parameters
    ----------
    time, event, risk : shape (patient,)
        Of the patients to judge; as in :func:`concordance_index`.
    train_time, train_event : shape (training patient,)
        From which censoring is estimated.
    tau : float, unit of ``time``
        Events at ``tau`` or later are not counted.  Take it well inside the follow-up of
        training and test patients: where ``G`` is near 0 a few patients decide everything.
    tied_tol : float
        Risks at most this far apart are tied.

    Raises
    ------
    DegenerateSplitError
        When no pair is comparable before ``tau``, or ``G`` is unknown or 0 at an event.

    Notes
    -----
    Source: Uno et al., Statistics in Medicine 30 (2011) 1105-1117.
    """
    times, events = require_labels(time, event)
    risks = require_numbers("risk", risk, times.shape)
    counted = events & (times < tau)
    weights = np.zeros(len(times))
    censoring = censoring_survival(time=train_time, event=train_event)
    # Squared, because both patients of a pair have to be uncensored up to that time.
    weights[counted] = censoring.at(times[counted]) ** -2
    c_index = _concordance(times, events, risks, weights, np.ones(len(times)), tied_tol)
    return UnoConcordance(c_index, float(tau))


def _concordance(
    time: Floats,
    event: Bools,
    risk: Floats,
    first_weight: Floats,
    second_weight: Floats,
    tied_tol: float,
    entry: Floats | None = None,
) -> float:
    """Return won plus half the tied over all comparable pairs.

    A pair weighs ``first_weight`` of the patient with the event times ``second_weight`` of
    the other.
    """
    # Events before censorings at equal times: whom an event can be compared with are then
    # exactly the patients after the last event of its time.
    order = np.lexsort((~event, time))
    time, event, risk = time[order], event[order], risk[order]
    second = second_weight[order]
    deaths = np.flatnonzero(event)
    # Events without weight decide nothing and are no rows; they still count as partners.
    rows = deaths[first_weight[order][deaths] > 0]
    starts = deaths[np.searchsorted(time[deaths], time[rows], side="right") - 1] + 1
    firsts = first_weight[order][rows]
    pairs = _Pairs(rows, starts, time, None if entry is None else entry[order])
    score, partners = _ordered_pairs(risk, pairs, second, tied_tol)
    comparable = firsts @ partners
    if not comparable > 0:
        msg = (
            f"No pair of the {len(time)} patients is comparable: {len(rows)} usable events, and "
            "nobody is followed longer than one of them. Use folds stratified by event, or "
            "fewer of them."
        )
        raise DegenerateSplitError(msg)
    return float(firsts @ score / comparable)


class _Pairs(NamedTuple):
    """Events and whom each can be compared with; rows ascend by time."""

    rows: Rows
    """Shape (event,)."""
    starts: Rows
    """Shape (event,): the first row that is followed longer than each event."""
    time: Floats
    entry: Floats | None

    def are_partners(self, part: slice, begin: int) -> Bools:
        """Return whether each row from ``begin`` on can be compared with each event of a part."""
        rows = np.arange(begin, len(self.time))
        later: Bools = rows >= self.starts[part, None]
        if self.entry is None:
            return later
        return later & (self.entry[begin:] < self.time[self.rows[part], None])


def _ordered_pairs(
    risk: Floats, pairs: _Pairs, weight: Floats, tied_tol: float
) -> tuple[Floats, Floats]:
    """Return for each event the weight of the partners it beats, plus half of those it ties.

    And the weight of all its partners.
    """
    rows, starts = pairs.rows, pairs.starts
    score, partners = np.zeros(len(rows)), np.zeros(len(rows))
    # Pairs are looked at in blocks: all at once are 800 MB for 10,000 patients.
    block = max(1, _BLOCK_PAIRS // max(1, len(risk)))
    for low in range(0, len(rows), block):
        part = slice(low, low + block)
        begin = int(starts[part].min())
        lead = risk[rows[part], None] - risk[begin:]
        can = pairs.are_partners(part, begin)
        won, lost = lead > tied_tol, lead < -tied_tol
        score[part] = ((1.0 + won - lost) * can) @ weight[begin:] / 2
        partners[part] = can @ weight[begin:]
    return score, partners
