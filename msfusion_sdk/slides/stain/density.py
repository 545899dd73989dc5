"""Optical density, and how much of each of two stains it takes to make it.

Light that passes through stain falls off exponentially (Beer and Lambert), so densities of
stains add up where colours do not.  White is 255 on every scanner: glass that is a little
darker counts as a little stain, and stays so.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels

__all__ = [
    "Basis",
    "Density",
    "concentrations",
    "optical_density",
    "projections",
]

Density = NDArray[np.float32]
Basis = NDArray[np.float32]

# Black counts as 1, so that every density is finite: at most 5.54.
TABLE = -np.log(np.maximum(np.arange(256), 1) / 255).astype(np.float32)


def optical_density(pixels: Pixels) -> Density:
    """Return ``-ln(value / 255)`` of every channel; more is darker.

    Parameters
    ----------
    pixels : shape (height, width, 3) or (pixel, 3), RGB
    """
    found = cv2.LUT(np.atleast_3d(pixels.reshape(-1, 1, 3)), TABLE)
    return np.asarray(found, np.float32).reshape(pixels.shape)


def concentrations(density: Density, basis: Basis) -> Density:
    """Return the non-negative amounts of two stains that come nearest to each density.

    Parameters
    ----------
    density : shape (pixel, 3)
    basis : shape (2, 3)
        Unit vectors whose directions are not the same.

    Returns
    -------
    array, shape (pixel, 2)
        Optical density of each stain along its own vector.

    Notes
    -----
    Exact non-negative least squares.  With two stains there are four cases (both, one, the
    other, none), and the smaller of the amount beside the other stain and the amount alone,
    cut at zero, is right in each of them as long as the vectors are less than 90° apart.
    """
    beside, alone = projections(basis)
    amounts = np.minimum(density @ beside.T, density @ alone.T)
    return np.asarray(np.maximum(amounts, 0), np.float32)


def projections(basis: Basis) -> tuple[Basis, Basis]:
    """Return the matrices, shape (2, 3), that give each stain beside the other and alone."""
    gram = basis @ basis.T
    return np.linalg.solve(gram, basis).astype(np.float32), basis
