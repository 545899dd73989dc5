"""Columns for networks: standardised, and where there are many, a few principal components."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.components import principal_axes

__all__ = ["Reduction"]

COMPONENTS = 50


@dataclass(frozen=True, eq=False)
class Reduction:
    """A linear map learned from the training patients who have a modality.

    Parameters
    ----------
    centre : float64, shape (feature,)
    matrix : float64, shape (feature, column)
        Its columns give numbers of mean 0 and standard deviation 1 in training.
    """

    centre: Floats
    matrix: Floats

    @classmethod
    def learn(cls, values: NDArray[np.float32]) -> Self:
        """Return the map of ``values`` (patient, feature): at most 50 columns."""
        table = values.astype(np.float64)
        centre, deviation = table.mean(axis=0), table.std(axis=0)
        # A column that is constant up to rounding says nothing, and dividing would blow it up.
        varies = deviation > 1e-7
        scale = np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0)
        if table.shape[1] <= COMPONENTS:
            return cls(centre, np.diag(scale))
        standard = (table - centre) * scale
        found = principal_axes(standard, most=COMPONENTS)
        # Singular values to standard deviations of the components.
        deviation = found.spread / np.sqrt(len(standard))
        return cls(centre, scale[:, None] * found.axes / deviation)

    def apply(self, values: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the columns, float32, 0 in the rows of absent patients."""
        columns = (values - self.centre) @ self.matrix
        columns[~present] = 0
        return np.asarray(columns, np.float32)
