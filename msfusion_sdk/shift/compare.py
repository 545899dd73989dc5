"""New tables beside those of training: missing, out of range, unseen, moved.

A difference is named when it is both large and more than chance explains, so that neither a huge
cohort nor a small one is full of alarms.  The share of a population outside the range of *n*
training values has the distribution Beta(2, n - 1) (order statistics), so the number of new values
outside is beta-binomial.
"""

from collections.abc import Mapping
from functools import cache
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import betabinom

from msfusion_sdk.phrases import first_few

__all__ = ["Shift", "ShiftKind", "find_shifts"]

ShiftKind = Literal["no_patient", "missing", "out_of_range", "unseen", "moved", "missing_column"]

LARGE_MOVE = 0.5
"""Standard deviations of training: a medium effect (Cohen 1988)."""
LARGE_MISSING = 0.2
ALARMS = 0.01
"""False alarms that all columns of a table together may give, by chance (Bonferroni)."""
NAMED = 5


class Shift(NamedTuple):
    """One way in which a new table differs from that of training."""

    table: str
    kind: ShiftKind
    columns: tuple[str, ...]
    """The most affected first; empty when the whole table is meant."""
    text: str
    """What was found, for people."""


def find_shifts(profile: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[Shift]:
    """Return how ``tables`` differ from those that a model learned from.

    Parameters
    ----------
    profile : DataFrame
        From :func:`~msfusion_sdk.shift.profile.profile_tables`.
    tables : mapping of name to DataFrame indexed by patient_id
        Of the new patients.  A table of training that is not here is one that nobody has.

    Returns
    -------
    list of Shift
        By table, as in training.
    """
    found = []
    for name, columns in profile.groupby("table", sort=False):
        table = tables.get(str(name))
        if table is None or not table.notna().to_numpy().any():
            text = f"no patient has {name}, which the model learned from"
            found.append(Shift(str(name), "no_patient", (), text))
        else:
            found += _of_table(str(name), columns, table)
    return found


def _of_table(name: str, columns: pd.DataFrame, table: pd.DataFrame) -> list[Shift]:
    values = {str(column): table[column] for column in table.columns}
    known = [row for row in columns.to_dict("records") if row["column"] in values]
    lacking = [row["column"] for row in columns.to_dict("records") if row["column"] not in values]
    # Two-sided, and shared out among the columns of the table.
    limit = NormalDist().inv_cdf(1 - ALARMS / (2 * max(1, len(known))))
    kinds: dict[ShiftKind, dict[str, tuple[float, str]]] = {
        "missing": {},
        "out_of_range": {},
        "unseen": {},
        "moved": {},
    }
    for row in known:
        for kind, size, text in _of_column(
            {str(key): cell for key, cell in row.items()}, values[row["column"]], limit
        ):
            kinds[kind][row["column"]] = (size, text)
    shifts = [_shift(name, kind, found, len(known)) for kind, found in kinds.items() if found]
    if lacking:
        text = f"{len(lacking)} columns of training are not there: {first_few(lacking)}"
        shifts.insert(0, Shift(name, "missing_column", tuple(lacking), text))
    return shifts


def _shift(table: str, kind: ShiftKind, found: dict[str, tuple[float, str]], columns: int) -> Shift:
    ordered = sorted(found, key=lambda column: -found[column][0])
    listed = "; ".join(f"{column}: {found[column][1]}" for column in ordered[:NAMED])
    more = f"; and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    of = f"{len(ordered)} of {columns} columns: " if columns > NAMED else ""
    return Shift(table, kind, tuple(ordered), f"{of}{listed}{more}")


def _of_column(
    row: Mapping[str, Any], values: "pd.Series[Any]", limit: float
) -> list[tuple[ShiftKind, float, str]]:
    """Return (kind, size, text) of each difference of one column."""
    known = values.dropna()
    found: list[tuple[ShiftKind, float, str]] = []
    missing = 1 - len(known) / max(1, len(values))
    if (
        missing - row["missing"] >= LARGE_MISSING
        and _z_of_shares(missing, len(values), row["missing"], row["patients"]) > limit
    ):
        text = f"{missing:.0%} missing, {row['missing']:.0%} in training"
        found.append(("missing", missing - row["missing"], text))
    if not len(known):
        return found
    if row["kind"] == "number" and pd.api.types.is_numeric_dtype(known):
        return found + _of_numbers(row, known.to_numpy(np.float64), limit)
    if row["kind"] == "category":
        levels = known.astype(str)
        unseen = levels[~levels.isin(list(row["levels"]))]
        if len(unseen):
            text = f"{len(unseen)} patients have {first_few(sorted(set(unseen)))}, never seen"
            found.append(("unseen", len(unseen) / len(known), text))
    return found


def _of_numbers(
    row: Mapping[str, Any], values: "np.ndarray[Any, Any]", limit: float
) -> list[tuple[ShiftKind, float, str]]:
    # Values behind the range, which a column with gaps has fewer of.
    n = round(row["patients"] * (1 - row["missing"]))
    if not n:
        return []
    found: list[tuple[ShiftKind, float, str]] = []
    outside = int(((values < row["low"]) | (values > row["high"])).sum())
    if outside and _chance_of(outside, len(values), n) < 1 - NormalDist().cdf(limit):
        text = (
            f"{outside} of {len(values)} outside {row['low']:.4g} to {row['high']:.4g} "
            f"({values.min():.4g} to {values.max():.4g})"
        )
        found.append(("out_of_range", outside / len(values), text))
    scale = row["sd"]
    move = (values.mean() - row["mean"]) / scale if scale else 0.0
    # The standard error of the difference of two means, in deviations of training.
    error = np.sqrt(1 / n + values.var() / (scale**2 * len(values))) if scale else 1.0
    if abs(move) >= LARGE_MOVE and abs(move) > limit * error:
        text = f"mean {values.mean():.4g}, {row['mean']:.4g} in training ({move:+.1f} SD)"
        found.append(("moved", abs(float(move)), text))
    return found


@cache
def _chance_of(outside: int, new: int, n: int) -> float:
    """Return how likely so many or more of ``new`` values lie outside the range of ``n``."""
    return float(betabinom.sf(outside - 1, new, 2, max(1, n - 1)))


def _z_of_shares(new: float, n_new: int, old: float, n_old: int) -> float:
    """Return the z statistic of two shares, pooled."""
    if not (n_new and n_old):
        return 0.0
    pooled = (new * n_new + old * n_old) / (n_new + n_old)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n_new + 1 / n_old))
    return float((new - old) / spread) if spread else 0.0
