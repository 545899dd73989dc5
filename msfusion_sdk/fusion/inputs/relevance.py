"""Prior variances by the data: which columns, and which tables, a ridge model should listen to.

The priors of :mod:`~msfusion_sdk.fusion.inputs.design` know how many columns a table has, and not
whether they say anything.  Here factors of those variances are chosen that make the outcomes of
the training patients likeliest (see :mod:`~msfusion_sdk.fusion.inputs.marginal`):

* one for each column of kinds with few columns: noise columns fade, and the others need not share
  their prior with them;
* one for each wide table that only some patients have; it begins at the square of the share who
  have it, since few patients cannot tell thousands of columns apart;
* one for each column that tells who has a table; it begins at a tenth.

A wide table that everybody has keeps its variance: where its own was learned, nested validation on
the TCGA cohorts lost up to 0.008.

Source: MacKay, Neural Computation 4 (1992) 415-447; Tipping, Journal of Machine Learning Research
1 (2001) 211-244, for a variance per column.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from msfusion_sdk.arrays import Floats
from msfusion_sdk.components import principal_axes
from msfusion_sdk.fusion.inputs.design import SCORES
from msfusion_sdk.fusion.inputs.marginal import Marginal
from msfusion_sdk.fusion.inputs.modalities import Modalities

__all__ = ["MarginalOf", "Group", "learn_factors", "prior_groups"]

FEW = 200
"""Columns of a kind up to which each has a variance of its own."""
COLUMN_SPREAD = 10.0
"""Standard deviation of the logarithm of a column's factor before any outcome is seen."""
TABLE_SPREAD = 2.0
ABSENCE = 0.1
COMPONENTS = 100
FARTHEST = 9.0
STEPS = 15

MarginalOf = Callable[[Floats, Floats], Marginal]
"""Of the columns (patient, column), and a start of shape (column,)."""


class Group(NamedTuple):
    """Columns that share one factor."""

    columns: slice
    centre: float
    """Of the factor, before any outcome is seen."""
    spread: float
    """Of its logarithm; 0 where the factor is 1 whatever the data say."""


def prior_groups(modalities: Modalities, kinds: Sequence[str]) -> list[Group]:
    """Return the groups of the columns of a design, in their order.

    Parameters
    ----------
    kinds : length modality
        As in :func:`~msfusion_sdk.fusion.inputs.design.prior_variances`.
    """
    shares = modalities.present.mean(axis=0)
    of_kind: Counter[str] = Counter()
    for kind, width in zip(kinds, modalities.widths, strict=True):
        of_kind[kind] += width
    groups, start = [], 0
    for kind, width, share in zip(kinds, modalities.widths, shares, strict=True):
        if kind != SCORES and of_kind[kind] <= FEW:
            places = range(start, start + width)
            groups += [Group(slice(p, p + 1), share**2, COLUMN_SPREAD) for p in places]
        else:
            spread = TABLE_SPREAD if share < 1 else 0.0
            groups.append(Group(slice(start, start + width), share**2, spread))
        start += width
    places = range(start, start + len(shares))
    return groups + [Group(slice(p, p + 1), ABSENCE, TABLE_SPREAD) for p in places]


def learn_factors(matrix: Floats, groups: Sequence[Group], marginal_of: MarginalOf) -> Floats:
    """Return the factor of the prior variance of each column, shape (column,).

    Parameters
    ----------
    matrix : shape (patient, column)
        Of a design: prior variance 1.
    groups : sequence of Group
        That cover the columns.
    marginal_of : function
        Of the outcomes.
    """
    # Of columns that are all 0 every factor is equally likely.
    free = [group for group in groups if group.spread and matrix[:, group.columns].any()]
    factors = np.ones(matrix.shape[1])
    if not free:
        return factors
    parts, owners = _compact(matrix, groups, free)
    logs = _likeliest(parts, owners, free, marginal_of)
    for group, log in zip(free, logs, strict=True):
        factors[group.columns] = np.exp(log)
    return factors


def _compact(
    matrix: Floats, groups: Sequence[Group], free: Sequence[Group]
) -> tuple[Floats, Floats]:
    """Return fewer columns that say the same, and which of them belong to each free group."""
    number = {group.columns.start: place for place, group in enumerate(free)}
    fixed = [g for g in groups if g.columns.start not in number]
    blocks = [(place, matrix[:, group.columns]) for place, group in enumerate(free)]
    if fixed:
        blocks.append((-1, np.hstack([matrix[:, group.columns] for group in fixed])))
    shown = [
        # Of a table only the products between patients count, and its principal axes have the same.
        (place, block if block.shape[1] <= COMPONENTS else _components(block))
        for place, block in blocks
    ]
    owners = np.concatenate([np.full(block.shape[1], place) for place, block in shown])
    belongs = np.arange(len(free))[:, None] == owners
    return np.hstack([block for _, block in shown]), belongs.astype(np.float64)


def _components(block: Floats) -> Floats:
    return principal_axes(block - block.mean(axis=0), most=COMPONENTS).scores


def _likeliest(
    parts: Floats, belongs: Floats, free: Sequence[Group], marginal_of: MarginalOf
) -> Floats:
    """Return the logarithms of the factors that are likeliest, each for a group."""
    centre = np.log([group.centre for group in free])
    spread = np.array([group.spread for group in free])
    effects = np.zeros(parts.shape[1])

    def objective(logs: Floats) -> tuple[float, Floats]:
        # Half: a column is multiplied by the root of the factor of its variance.
        scale = np.exp(logs @ belongs / 2)
        # Kept for columns without factors: with other factors the mode is near the same effects.
        found = marginal_of(parts * scale, effects / scale)
        effects[:] = found.point * scale
        away = (logs - centre) / spread
        return -(found.value - away @ away / 2), -(belongs @ found.slopes - away / spread)

    bounds = [(middle - FARTHEST, middle + FARTHEST) for middle in centre]
    options = {"maxiter": STEPS, "ftol": 1e-5}
    found = minimize(objective, centre, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x, np.float64)
