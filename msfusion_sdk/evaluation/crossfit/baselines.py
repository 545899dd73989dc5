"""What a fused model has to be compared with, fitted in the same folds as the model itself.

* ``rna alone``: the same estimator with one table, on the patients who have it.
* ``without rna``: the same estimator with all other tables; what is lost is what the table
  contributes.
* ``rna permuted``: the rows of one table dealt out anew among those who have it, within
  training and within test patients.  It should fall to the level of ``without rna``.
* ``patches by mean``: a table of bags as the plain mean of each patient's patches: what a model
  that learns attention has to beat.
* ``late average``: the models of single tables, averaged with equal weights over the tables
  a patient has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from msfusion_sdk.bags.tables import holds_bags, mean_table
from msfusion_sdk.evaluation.crossfit.inputs import Tables, with_values
from msfusion_sdk.evaluation.folds.folds import Fold

__all__ = ["LATE_AVERAGE", "Baseline", "FixedTables", "make_baselines", "narrowed"]

LATE_AVERAGE = "late average"
MEAN_ADAPTER = "slide"
"""The adapter of slide vectors: those of a plain mean are vectors like any other."""


@dataclass(frozen=True)
class FixedTables:
    """The same tables in every fold."""

    tables: Tables

    def __call__(self, fold: Fold, number: int) -> Tables:
        """Return the tables."""
        return self.tables


@dataclass(frozen=True)
class PermutedTables:
    """All tables, the rows of one dealt out anew on each side of a fold."""

    tables: Tables
    name: str
    seed: tuple[int, int]

    def __call__(self, fold: Fold, number: int) -> Tables:
        """Return the tables of this fold."""
        generator = np.random.default_rng([*self.seed, number])
        table = self.tables[self.name]
        order = np.arange(len(table))
        have = table.index.isin(with_values(table))
        # Within each side: a row that crosses over would show test patients in training.
        for side in (fold.train_ids, fold.test_ids):
            rows = np.flatnonzero(have & table.index.isin(side))
            # Only among those who have the table, so that who lacks it stays as it is.
            order[rows] = generator.permutation(rows)
        return {**self.tables, self.name: table.iloc[order].set_axis(table.index)}


@dataclass(frozen=True)
class Baseline:
    """One comparison: its name, and the tables it uses in a fold."""

    name: str
    tables: Callable[[Fold, int], Tables]
    alone: str | None = None
    """The table, when it is the only one."""
    dropped: str | None = None
    """The table whose contribution this shows, when it is the only one left out."""
    adapters: Mapping[str, str] = field(default_factory=dict)
    """Registered names for tables that this reads otherwise than the model does."""


def make_baselines(
    tables: Tables, random_state: int, *, takes_adapters: bool = False
) -> list[Baseline]:
    """Return the baselines of ``tables``; of two, one alone is the other one's absence.

    Parameters
    ----------
    random_state : int
        Of permutations.
    takes_adapters : bool
        Whether the adapter of a table can be given to the model.
    """
    several = len(tables) > 1
    # Of two tables, one alone is the model without the other: fitted once, read twice.
    dropped = {next(n for n in tables if n != name): name for name in tables if len(tables) == 2}
    # By place in the sorted names, so that the order of the tables does not decide.
    place = {name: number for number, name in enumerate(sorted(tables))}
    alone = [
        Baseline(f"{name} alone", FixedTables({name: table}), alone=name, dropped=dropped.get(name))
        for name, table in tables.items()
        if several
    ]
    without = [
        Baseline(
            f"without {name}",
            FixedTables({other: table for other, table in tables.items() if other != name}),
            dropped=name,
        )
        for name in tables
        if len(tables) > 2
    ]
    permuted = [
        Baseline(f"{name} permuted", PermutedTables(tables, name, (random_state, place[name])))
        for name in tables
    ]
    pooled = [
        Baseline(
            f"{name} by mean",
            FixedTables({**tables, name: mean_table(table)}),
            adapters={name: MEAN_ADAPTER},
        )
        for name, table in tables.items()
        if takes_adapters and holds_bags(table)
    ]
    return [*alone, *without, *pooled, *permuted]


def narrowed(model: Any, tables: Tables, instead: Mapping[str, str] | None = None) -> Any:
    """Return ``model`` with ``adapters`` for these tables only; others would be refused.

    Parameters
    ----------
    instead : mapping of table name to registered name, optional
        Adapters that take the place of the model's.
    """
    adapters = model.get_params(deep=False).get("adapters") or {}
    if not adapters and not instead:
        return model
    kept = {name: adapter for name, adapter in adapters.items() if name in tables}
    return clone(model).set_params(adapters={**kept, **(instead or {})})
