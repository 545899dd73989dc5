"""Prior variances by the data: which columns, and which tables, a ridge model should listen to.

The priors of :mod:`~msfusion_sdk.fusion.inputs.design` know how many columns a table has, and not
whether they say anything.  Here factors of those variances are chosen that make the outcomes of
the training patients likeliest (see :mod:`~msfusion_sdk.fusion.inputs.marginal`):

* one for each column of kinds with few columns: noise columns fade, though not for nothing (twenty
  beside five took concordance from 0.695 to 0.685), and the others need not share their prior;
* one for each table of up to 200 columns.  With a variance for each of its columns the few that fit
  the training patients best won: 200 genes that say nothing took the concordance of 150 patients'
  clinical columns from 0.73 to 0.61, and with one variance to 0.72;
* one for each wider table that only some patients have; it begins at the square of the share who
  have it, since few patients cannot tell thousands of columns apart;
* one for each column that tells who has a table; it begins at a tenth.

A wider table that everybody has keeps its variance: where it was learned, the published folds of
TCGA-BRCA lost 0.009, and no cohort gained more than 0.003.

Source: MacKay, Neural Computation 4 (1992) 415-447; Tipping, Journal of Machine Learning Research
1 (2001) 211-244, for a variance per column.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import eigsh

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.components import principal_axes
from msfusion_sdk.fusion.inputs.design import SCORES
from msfusion_sdk.fusion.inputs.marginal import Marginal
from msfusion_sdk.fusion.inputs.modalities import Modalities

__all__ = ["Group", "MarginalOf", "Relevance", "prior_groups"]

FEW = 30
"""Columns of a kind up to which each has a variance of its own."""
MANY = 200
"""Columns of a kind up to which the one of a table that everybody has is learned."""
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
            is_learned = share < 1 or (kind != SCORES and of_kind[kind] <= MANY)
            spread = TABLE_SPREAD if is_learned else 0.0
            groups.append(Group(slice(start, start + width), share**2, spread))
        start += width
    places = range(start, start + len(shares))
    return groups + [Group(slice(p, p + 1), ABSENCE, TABLE_SPREAD) for p in places]


class Relevance(NamedTuple):
    """Few columns that say what a design's do, and which of them each factor is for."""

    columns: Floats
    """Shape (patient, part)."""
    belongs: Floats
    """Shape (group, part): 1 where a part belongs to a group."""
    groups: list[Group]
    """Those whose factor is to be learned."""
    width: int
    """Number of columns of the design."""

    @classmethod
    def of(cls, matrix: Floats, groups: Sequence[Group]) -> Self:
        """Return what the columns of a design, which ``groups`` cover, say.

        Parameters
        ----------
        matrix : shape (patient, column)
            Of a design: prior variance 1.
        groups : sequence of Group
        """
        # Of columns that are all 0 every factor is equally likely.
        free = [group for group in groups if group.spread and matrix[:, group.columns].any()]
        blocks = [(place, matrix[:, group.columns]) for place, group in enumerate(free)]
        fixed = [matrix[:, group.columns] for group in groups if group not in free]
        if fixed and free:
            blocks.append((-1, np.hstack(fixed)))
        shown = [(place, _components(block)) for place, block in blocks]
        owners = [np.full(block.shape[1], place) for place, block in shown]
        belongs = np.arange(len(free))[:, None] == np.concatenate([np.zeros(0), *owners])
        columns = np.hstack([np.zeros((len(matrix), 0)), *(block for _, block in shown)])
        return cls(columns, belongs.astype(np.float64), free, matrix.shape[1])

    def rows(self, rows: Rows | Bools) -> Self:
        """Return the same for some of the patients."""
        return self._replace(columns=self.columns[rows])

    def factors(self, marginal_of: MarginalOf) -> Floats:
        """Return the factor of the prior variance of each column, shape (column,).

        Parameters
        ----------
        marginal_of : function
            Of the outcomes of the same patients.
        """
        factors = np.ones(self.width)
        logs = _likeliest(self.columns, self.belongs, self.groups, marginal_of)
        for group, log in zip(self.groups, logs, strict=True):
            factors[group.columns] = np.exp(log)
        return factors


def _components(block: Floats) -> Floats:
    """Return a block, or where it is wide the components that spread most, shape (patient, part).

    Lanczos steps find a hundred of a thousand in a fifth of the time of all.
    """
    if block.shape[1] <= COMPONENTS:
        return block
    centred = block - block.mean(axis=0)
    if len(block) <= 3 * COMPONENTS:
        return principal_axes(centred, most=COMPONENTS).scores
    squares, vectors = eigsh(centred @ centred.T, COMPONENTS, v0=np.linspace(1, 2, len(block)))
    return np.asarray(vectors * np.sqrt(np.maximum(squares, 0)))


def _likeliest(
    parts: Floats, belongs: Floats, free: Sequence[Group], marginal_of: MarginalOf
) -> Floats:
    """Return the logarithms of the factors that are likeliest, each for a group."""
    if not free:
        return np.zeros(0)
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
