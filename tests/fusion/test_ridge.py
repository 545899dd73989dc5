"""Ridge regression against scikit-learn, and its noise against the likelihood written out."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.linear_model import Ridge

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.ridge import fit_ridge


def made(patients: int, features: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(features)
    values = rng.normal(2.0, 1.0, (patients, features))
    return values, values @ rng.normal(size=features) + rng.normal(0, 1.5, patients) + 4


def likeliest_noise(values: Floats, numbers: Floats) -> float:
    """Return the noise of the highest restricted likelihood: all contrasts of two patients."""
    contrasts = np.eye(len(numbers))[1:] - np.eye(len(numbers))[:-1]
    signal = contrasts @ values @ values.T @ contrasts.T
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 600))
    likelihood = [
        multivariate_normal(cov=signal + noise * contrasts @ contrasts.T).logpdf(
            contrasts @ numbers
        )
        for noise in grid
    ]
    return float(grid[np.argmax(likelihood)])


@pytest.mark.parametrize("features", [3, 60])
def test_the_penalty_is_the_likeliest_noise(features: int) -> None:
    values, numbers = made(40, features)
    coef, offset = fit_ridge(values, numbers)
    expected = Ridge(likeliest_noise(values, numbers)).fit(values, numbers)
    assert coef == pytest.approx(expected.coef_, abs=0.02)
    assert values @ coef + offset == pytest.approx(expected.predict(values), abs=0.1)


def test_numbers_that_do_not_vary_give_their_level() -> None:
    coef, offset = fit_ridge(np.arange(6.0).reshape(3, 2), np.full(3, 7.0))
    assert coef.tolist() == [0, 0]
    assert offset == 7
