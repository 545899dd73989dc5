"""Where attention begins, by several columns, and by all that can be read there.

A finding such as a tumour lies along no single column, and two classes of it differ in many.  So
the way to look is found column by column: the first is the one where a ridge regression of what is
read goes best with the outcome, then each one that makes it better is added.  How good it is says
the error with each patient left out, which a ridge regression has in closed form (Allen,
Technometrics 16 (1974) 125-127).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from msfusion_adapters.patches.screening import Response, look_of
from msfusion_sdk.arrays import Floats, Singles
from msfusion_sdk.bags.heads import Start

__all__ = ["begin_by_ridge", "fit_left_out", "weighed_means"]

ADDED = 3
"""Columns looked at beside the first."""
SMALLER = 0.75
"""Of the sharpness of the first."""
CANDIDATES = 48
PENALTIES = np.logspace(-3, 2, 11)
LEAST = 1e-5
"""Of a deviation between bags, where patches have 1."""


class _Ridge(NamedTuple):
    error: float
    """Sum of squares, each patient left out."""
    coef: Floats
    """Shape (column, output)."""


def begin_by_ridge(
    seen: Singles, patches: Sequence[Singles], principal: Floats, response: Response
) -> Start | None:
    """Return a way to look by up to four columns, and what a ridge regression reads there.

    None when all bags are alike.

    Parameters
    ----------
    seen : shape (bag, way, column)
        What ``look_all_ways`` gives of the bags to learn from.
    patches : sequence of float32, shape (patch, column)
        Of the same bags, or a sample of them.
    principal : shape (column, component)
        The axes that the penalty is along.
    """
    ways, columns = seen.shape[1:]
    wanted = np.asarray(response.residuals, np.float64)

    def fitted(means: Singles) -> _Ridge:
        return fit_left_out(np.asarray(means @ principal, np.float64), wanted)

    first = [fitted(seen[:, way]) for way in range(ways)]
    order = np.argsort([one.error for one in first], kind="stable")[:CANDIDATES]
    best, look = first[order[0]], look_of(int(order[0]), columns)
    means = seen[:, order[0]]
    more = SMALLER * np.stack([look_of(int(way), columns) for way in order])
    for _ in range(ADDED):
        tried = weighed_means(patches, (look + more).T)
        found = [fitted(tried[:, place]) for place in range(len(more))]
        place = int(np.argmin([one.error for one in found]))
        if found[place].error >= best.error:
            break
        best, look, means = found[place], look + more[place], tried[:, place]
    if not best.coef.any():
        return None
    read = (principal @ best.coef / response.information).astype(np.float32)
    return Start(look.astype(np.float32), read, means.mean(0) @ read)


def weighed_means(patches: Sequence[Singles], looks: Singles) -> Singles:
    """Return the weighed mean of each bag's patches by each look.

    Parameters
    ----------
    patches : sequence of float32, shape (patch, column)
    looks : shape (column, look)
        What each column adds to the logarithm of a patch's weight.

    Returns
    -------
    float32, shape (bag, look, column)
    """
    rows = []
    for own in patches:
        logits = own @ looks
        weights = np.exp(logits - logits.max(0))
        rows.append((weights / weights.sum(0)).T @ own)
    return np.stack(rows)


def fit_left_out(values: Floats, wanted: Floats) -> _Ridge:
    """Return the ridge regression whose penalty has the least error, each patient left out.

    Values count in their deviations.  Coefficients are 0 where nothing varies.

    Parameters
    ----------
    values : shape (patient, column)
    wanted : shape (patient, output)
    """
    centred, deviation = values - values.mean(0), values.std(0)
    varies = deviation > LEAST
    scale = np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0)
    answers = wanted - wanted.mean(0)
    squares, axes = np.linalg.eigh((centred * scale).T @ (centred * scale))
    kept = squares > 1e-6 * max(squares[-1], 1e-30)
    squares, axes = squares[kept], axes[:, kept]
    along = (centred * scale) @ axes / np.sqrt(squares)
    explained = along.T @ answers
    nothing = float(((answers / (1 - 1 / len(values))) ** 2).sum())
    best = _Ridge(nothing, np.zeros((values.shape[1], wanted.shape[1])))
    for penalty in PENALTIES * squares.sum() / len(values):
        shrunk = squares / (squares + penalty)
        lever = along**2 @ shrunk + 1 / len(values)
        left = (answers - along @ (shrunk[:, None] * explained)) / (1 - lever)[:, None]
        error = float((left**2).sum())
        if error < best.error:
            coef = axes @ ((shrunk / np.sqrt(squares))[:, None] * explained)
            best = _Ridge(error, scale[:, None] * coef)
    return best
