"""Metrics of a thousand resamples at once: each patient counts as often as it was drawn.

With ``W`` of shape (draw, patient) a metric over pairs is one matrix product, and so is a
mean over patients; the tests compare each with the plain function on repeated rows.
"""

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.evaluation.metrics.metric import Statistic

__all__ = [
    "average_precision_statistic",
    "mean_of_statistics",
    "mean_statistic",
    "pair_statistic",
    "recall_statistic",
]

_BLOCK_PAIRS = 1 << 22  # 32 MiB of float64 per block of cases


def pair_statistic(
    risk: Floats, *, cases: Rows, weight: Floats, comparable: Bools, tied_tol: float
) -> Statistic:
    """Return the weighted share of pairs whose case has the higher risk; ties count one half.

    Parameters
    ----------
    risk : shape (patient,)
    cases : shape (case,)
        Rows of the patients that come first in a pair.
    weight : shape (case,)
        Of every pair of a case, times the draws of both its patients.
    comparable : bool, shape (case, patient)
        Which patients can be second.
    """

    def statistic(draws: Floats) -> Floats:
        won, all_pairs = np.zeros(len(draws)), np.zeros(len(draws))
        block = max(1, _BLOCK_PAIRS // max(1, len(risk)))
        for low in range(0, len(cases), block):
            part = slice(low, low + block)
            first = draws[:, cases[part]] * weight[part]
            lead = risk[cases[part], None] - risk
            # 1 where the case has the higher risk, 0 where the lower, one half where tied.
            order = 0.5 + 0.5 * ((lead > tied_tol) * 1.0 - (lead < -tied_tol))
            # As floats, because only these are multiplied by BLAS.
            can = comparable[part].astype(np.float64)
            won += (first * (draws @ (order * can).T)).sum(axis=1)
            all_pairs += (first * (draws @ can.T)).sum(axis=1)
        return _divided(won, all_pairs)

    return statistic


def mean_statistic(values: Floats) -> Statistic:
    """Return the mean of ``values``, shape (patient,), over the drawn patients."""
    return lambda draws: _divided(draws @ values, draws.sum(axis=1))


def recall_statistic(is_right: Bools, codes: NDArray[np.int64], classes: int) -> Statistic:
    """Return the mean over classes of the share of patients that were put in their class."""

    def statistic(draws: Floats) -> Floats:
        recalls = [
            _divided(draws @ (is_right & (codes == code)), draws @ (codes == code))
            for code in range(classes)
        ]
        mean: Floats = np.mean(recalls, axis=0)
        return mean

    return statistic


def average_precision_statistic(score: Floats, is_positive: Bools) -> Statistic:
    """Return the precision at each recall step, weighted by the step (scikit-learn's)."""
    order = np.argsort(-score, kind="stable")
    # Patients of one score enter together.
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)

    def statistic(draws: Floats) -> Floats:
        drawn = draws[:, order]
        named = drawn.cumsum(axis=1)[:, ends]
        found = (drawn * is_positive[order]).cumsum(axis=1)[:, ends]
        # Nobody drawn so far: no recall is gained either, and the step weighs nothing.
        precision = np.divide(found, named, out=np.zeros_like(found), where=named > 0)
        steps = np.diff(found, axis=1, prepend=0.0)
        return _divided((steps * precision).sum(axis=1), found[:, -1])

    return statistic


def mean_of_statistics(statistics: list[Statistic]) -> Statistic:
    """Return their plain mean: a macro average over classes."""

    def statistic(draws: Floats) -> Floats:
        mean: Floats = np.mean([one(draws) for one in statistics], axis=0)
        return mean

    return statistic


def _divided(above: Floats, below: Floats) -> Floats:
    undecided = np.full(len(above), np.nan)
    quotient: Floats = np.divide(above, below, out=undecided, where=below > 0)
    return quotient
