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
from msfusion_sdk.fusion.inputs.marginal import Marginal

__all__ = ["fit_ridge", "ridge_marginal"]

LEAST, MOST = 1e-6, 10.0
"""Variance of noise, as a share of the variance of the numbers."""


def fit_ridge(values: Floats, numbers: Floats) -> tuple[Floats, float]:
    """Return coefficients, shape (feature,), and intercept.

    Parameters
    ----------
    values : shape (patient, feature)
    numbers : shape (patient,)
    """
    level = float(numbers.mean())
    coef = _fit(values, numbers)[0]
    return coef, float(level - values.mean(axis=0) @ coef)


def ridge_marginal(values: Floats, numbers: Floats) -> Marginal:
    """Return the marginal likelihood under the likeliest noise.

    Its slopes are those at that noise: where it is likeliest, a small change of it changes
    nothing.

    Parameters
    ----------
    values : shape (patient, column)
    numbers : shape (patient,)
    """
    coef, variances, value = _fit(values, numbers)
    return Marginal(value, (coef**2 + variances - 1) / 2, coef)


def _fit(values: Floats, numbers: Floats) -> tuple[Floats, Floats, float]:
    """Return coefficients, their posterior variances, and the logarithm of the likelihood."""
    left, singular, right = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    # Centred rows sum to 0: with fewer patients than columns one direction is rounding alone.
    there = singular > 1e-10 * singular[0]
    left, singular, right = left[:, there], singular[there], right[there]
    centred = numbers - numbers.mean()
    along, spread = left.T @ centred, float(numbers.var())
    if not spread:
        return np.zeros(values.shape[1]), np.ones(values.shape[1]), 0.0
    rest = max(0.0, float((centred**2).sum() - (along**2).sum()))
    share, value = _likeliest(singular**2 / spread, along**2 / spread, rest / spread, len(values))
    total = singular**2 + spread * share
    known = (singular**2 / total) @ right**2
    return right.T @ (singular / total * along), 1 - known, value


def _likeliest(signal: Floats, squares: Floats, rest: float, patients: int) -> tuple[float, float]:
    """Return the likeliest noise and how likely; all counted in variances of the numbers."""
    free = patients - 1 - len(signal)

    def surprise(log_noise: float) -> float:
        noise = np.exp(log_noise)
        total = signal + noise
        return float(
            np.log(total).sum() + (squares / total).sum() + free * log_noise + rest / noise
        )

    # The likelihood may have several peaks: the search is bounded to the highest of a grid.
    grid = np.linspace(np.log(LEAST), np.log(MOST), 33)
    best = int(np.argmin([surprise(one) for one in grid]))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    found = minimize_scalar(surprise, bounds=(low, high), method="bounded")
    return float(np.exp(found.x)), -float(found.fun) / 2
