"""Units that must stay whole, laid into folds as evenly as possible."""

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats

__all__ = ["stratified_group_folds"]

_ROUNDS = 50  # of improvement; each ends when nothing helps, after 3 to 6 as a rule


def stratified_group_folds(
    units: NDArray[np.int64], strata: NDArray[np.int64], folds: int, random_state: int
) -> NDArray[np.int64]:
    """Return the fold of each patient, from 0, with every unit in one fold.

    Each fold should hold the same share of each stratum.  Large units are placed first, each
    where it disturbs least; then units move or change places as long as that helps.

    Parameters
    ----------
    units, strata : int, shape (patient,)
        Numbered from 0.
    random_state : int
        Breaks ties between units of one size.
    """
    counts = np.zeros((units.max() + 1, strata.max() + 1))
    np.add.at(counts, (units, strata), 1)
    # A stratum may be empty: nobody is censored, say.
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    shuffled = np.random.default_rng(random_state).permutation(len(counts))
    # Shuffled before the stable sort, so that chance decides among units of one size only.
    order = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    place = np.full(len(counts), -1)
    held = np.zeros((folds, shares.shape[1]))
    for unit in order:
        place[unit] = np.argmin(_added(held, shares[unit]))
        held[place[unit]] += shares[unit]
    for _ in range(_ROUNDS):
        if not (_move_units(order, shares, place, held) or _swap_units(order, shares, place, held)):
            break
    return place[units].astype(np.int64)


def _added(held: Floats, share: Floats) -> Floats:
    """Return by how much the squared unevenness grows with ``share`` in each fold."""
    growth: Floats = (2 * held * share + share**2).sum(axis=1)
    return growth


def _move_units(
    order: NDArray[np.int64], shares: Floats, place: NDArray[np.int64], held: Floats
) -> bool:
    has_moved = False
    for unit in order:
        held[place[unit]] -= shares[unit]
        growth = _added(held, shares[unit])
        best = int(np.argmin(growth))
        # A gain within rounding would let units move to and fro for ever.
        if growth[best] < growth[place[unit]] - 1e-12:
            place[unit], has_moved = best, True
        held[place[unit]] += shares[unit]
    return has_moved


def _swap_units(
    order: NDArray[np.int64], shares: Floats, place: NDArray[np.int64], held: Floats
) -> bool:
    has_swapped = False
    for unit in order:
        step = shares - shares[unit]  # what the fold of ``unit`` would gain from each other one
        here, there = held[place[unit]], held[place]
        change = (2 * step * (here - there) + 2 * step**2).sum(axis=1)
        change[place == place[unit]] = 0
        other = int(np.argmin(change))
        if change[other] < -1e-12:
            held[place[unit]] += step[other]
            held[place[other]] -= step[other]
            place[unit], place[other] = place[other], place[unit]
            has_swapped = True
    return has_swapped
