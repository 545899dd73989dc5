"""What the adapters of numeric tables share: checked numbers, standardising, components.

Arrays are float64 ``(patient, column)`` with NaN where a cell is empty.  Every ``learn_``
function sees training patients only; its ``apply_`` twin learns nothing.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.components import principal_axes
from msfusion_sdk.errors import MissingModalityError, NonFiniteError, TableError

__all__ = [
    "Components",
    "Missing",
    "Standard",
    "apply_standard",
    "learn_components",
    "learn_standard",
    "numbers",
    "require_no_gaps",
    "require_somebody",
    "varies",
]

Missing = Literal["error", "median"]


class Standard(NamedTuple):
    """Shift and scale of the columns that are kept, each of shape (kept,)."""

    kept: NDArray[np.intp]
    """Places of the columns."""
    median: Floats
    """Fills empty cells."""
    mean: Floats
    scale: Floats
    """Standard deviation with divisor n, after filling."""


class Components(NamedTuple):
    """Principal components of standardised columns."""

    loadings: Floats
    """Shape (component, column); rows of length 1, the largest entry of each positive."""
    deviation: Floats
    """Standard deviation of each component's scores in training, divisor n - 1, decreasing."""


def numbers(table: pd.DataFrame, what: str) -> Floats:
    """Return the cells of ``table`` as numbers, NaN where a cell is empty.

    Raises
    ------
    TableError
        When a column is not numeric.
    NonFiniteError
        When a cell is infinite.
    """
    # By kind first: looking at 5,000 columns one by one takes longer than standardising them.
    numeric = {kind for kind in table.dtypes.unique() if pd.api.types.is_numeric_dtype(kind)}
    others = table.columns[~table.dtypes.isin(list(numeric))]
    wrong = [name for name in others if not _holds_numbers(table[name])]
    if wrong:
        first = ", ".join(f"{name!r}{_no_number(table[name])}" for name in wrong[:3])
        msg = (
            f"{len(wrong)} of {table.shape[1]} columns of {what} are not numeric (first: {first}). "
            "Drop them, or give text and categories to the adapter 'clinical'."
        )
        raise TableError(msg)
    values = table.to_numpy(np.float64, na_value=np.nan)
    infinite = np.isinf(values)
    if infinite.any():
        raise NonFiniteError(_where(infinite, table, f"{what} holds infinity"))
    return values


def require_no_gaps(values: Floats, table: pd.DataFrame, what: str) -> None:
    """Raise where a present patient has an empty cell.

    Raises
    ------
    NonFiniteError
        Naming the column, the number of cells and the first patients.
    """
    gaps = np.isnan(values) & ~np.isnan(values).all(axis=1, keepdims=True)
    if gaps.any():
        msg = _where(gaps, table, f"{what} has empty cells")
        msg += " Fill them, or let the adapter do it in each fold: missing='median'."
        raise NonFiniteError(msg)


def require_somebody(values: Floats, what: str) -> None:
    """Raise when there is no patient to learn from.

    Raises
    ------
    MissingModalityError
        When no row is left.
    """
    if not len(values):
        msg = f"No training patient has a value in {what}. Leave that table out of this fit."
        raise MissingModalityError(msg)


def varies(values: Floats) -> NDArray[np.bool_]:
    """Tell which columns hold two values that differ by more than rounding; shape (column,)."""
    filled = ~np.isnan(values)
    low = np.where(filled, values, np.inf).min(axis=0)
    high = np.where(filled, values, -np.inf).max(axis=0)
    with np.errstate(invalid="ignore"):  # inf - inf, in a column without any value
        return np.asarray(high - low > 1e-10 * np.maximum(abs(low), abs(high)))


def learn_standard(values: Floats, kept: NDArray[np.intp]) -> Standard:
    """Return what brings the columns ``kept`` to mean 0 and standard deviation 1."""
    chosen = values[:, kept]
    gaps = np.isnan(chosen).any(axis=0)
    median = np.zeros(len(kept))
    # Without gaps numpy sorts all columns at once; a column that varies holds a value.
    median[~gaps] = np.median(chosen[:, ~gaps], axis=0)
    median[gaps] = np.nanmedian(chosen[:, gaps], axis=0)
    filled = np.where(np.isnan(chosen), median, chosen)
    return Standard(kept, median, filled.mean(axis=0), filled.std(axis=0))


def apply_standard(values: Floats, standard: Standard) -> Floats:
    """Return the kept columns, filled with the training median and standardised."""
    chosen = values[:, standard.kept]
    filled = np.where(np.isnan(chosen), standard.median, chosen)
    return np.asarray((filled - standard.mean) / standard.scale)


def learn_components(values: Floats, count: int) -> Components:
    """Return the first principal components of centred columns, at most the rank of ``values``."""
    patients = len(values)
    found = principal_axes(values, most=min(count, patients - 1))
    loadings = found.axes.T
    largest = np.abs(loadings).argmax(axis=1)
    # The sign of an eigenvector is arbitrary, and differs between libraries.
    signs = np.sign(loadings[np.arange(len(loadings)), largest])
    return Components(loadings * signs[:, None], found.spread / np.sqrt(max(patients - 1, 1)))


def _holds_numbers(column: pd.Series) -> bool:
    # A gap turns whole columns of True and False into objects.
    return column.dtype == object and all(
        isinstance(cell, bool | int | float | np.number) for cell in column.dropna()
    )


def _no_number(column: pd.Series) -> str:
    """Return the first cell that is text, or the first one, with its patient."""
    cells = column.astype(object).dropna()
    text = cells[[isinstance(cell, str) for cell in cells]]
    found = text if len(text) else cells
    return f" ({found.index[0]}: {found.iloc[0]!r})" if len(found) else ""


def _where(wrong: NDArray[np.bool_], table: pd.DataFrame, problem: str) -> str:
    column = int(wrong.any(axis=0).argmax())
    rows = np.flatnonzero(wrong[:, column])
    first = ", ".join(str(table.index[row]) for row in rows[:3])
    return (
        f"{problem} in {int(wrong.any(axis=0).sum())} of {table.shape[1]} columns: "
        f"{table.columns[column]!r} for {len(rows)} of {len(table)} patients (first: {first})."
    )
