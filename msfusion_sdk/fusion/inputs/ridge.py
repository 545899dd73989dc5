"""Ridge regression whose penalty is the noise that makes the numbers likeliest.

Coefficients have a normal prior of mean 0 and variance 1, and the numbers normal noise of a
variance that is not known.  With the singular values s of the centred matrix and u the centred
numbers along the left singular vectors, the numbers have variance ``s² + noise`` there and
``noise`` elsewhere, so that the likelihood of a noise takes one pass over s.

Source: MacKay, Neural Computation 4 (1992) 415-447 (the evidence); Robinson, Statistical Science 6
(1991) 15-51 (the same as restricted likelihood, one degree of freedom going to the mean).
"""

import numpy as np
from scipy.optimize import minimize_scalar

from msfusion_sdk.arrays import Floats

__all__ = ["fit_ridge"]

LEAST, MOST = 1e-6, 10.0
"""Variance of noise, as a share of the variance of the numbers."""


def fit_ridge(values: Floats, numbers: Floats) -> tuple[Floats, float]:
    """Return coefficients, shape (feature,), and intercept.

    Parameters
    ----------
    values : shape (patient, feature)
    numbers : shape (patient,)
    """
    centre, level = values.mean(axis=0), float(numbers.mean())
    left, singular, right = np.linalg.svd(values - centre, full_matrices=False)
    # Centred rows sum to 0: with fewer patients than columns one direction is rounding alone.
    there = singular > 1e-10 * singular[0]
    left, singular, right = left[:, there], singular[there], right[there]
    along, spread = left.T @ (numbers - level), float(numbers.var())
    if not spread:
        return np.zeros(values.shape[1]), level
    rest = max(0.0, float(((numbers - level) ** 2).sum() - (along**2).sum()))
    noise = spread * _likeliest(singular**2 / spread, along**2 / spread, rest / spread, len(values))
    coef = right.T @ (singular / (singular**2 + noise) * along)
    return coef, float(level - centre @ coef)


def _likeliest(signal: Floats, squares: Floats, rest: float, patients: int) -> float:
    """Return the likeliest noise, everything counted in variances of the numbers."""
    free = patients - 1 - len(signal)

    def surprise(log_noise: float) -> float:
        noise = np.exp(log_noise)
        total = signal + noise
        return float(
            np.log(total).sum() + (squares / total).sum() + free * log_noise + rest / noise
        )

    grid = np.linspace(np.log(LEAST), np.log(MOST), 33)
    best = int(np.argmin([surprise(one) for one in grid]))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    found = minimize_scalar(surprise, bounds=(low, high), method="bounded")
    return float(np.exp(found.x))
