"""Marginal likelihoods against integrals over a grid, and its slopes against small steps."""

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.special import expit
from scipy.stats import multivariate_normal, norm

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.fusion.inputs.marginal import class_marginal, cox_marginal
from msfusion_sdk.fusion.inputs.ridge import ridge_marginal

pytestmark = pytest.mark.slow


def breslow_likelihood(risk: Floats, time: Floats, event: Bools) -> float:
    """The logarithm of the partial likelihood, one event after the other; no ties."""
    at_risk = (time >= time[event][:, None]) * np.exp(risk)
    return float(risk[event].sum() - np.log(at_risk.sum(axis=1)).sum())


@pytest.fixture(name="made")
def _made() -> tuple[Floats, Floats, Bools]:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(150, 3)) * [1.0, 0.5, 0.2]
    death, last = rng.exponential(np.exp(-values[:, 0])), rng.exponential(2, 150)
    return values, np.minimum(death, last), death <= last


def test_the_marginal_likelihood_of_a_cox_model_is_the_likelihood_averaged_over_the_prior(
    made: tuple[Floats, Floats, Bools],
) -> None:
    values, time, event = made
    grid = np.linspace(-6, 6, 2001)

    def averaged(column: Floats) -> float:
        logs = np.array([breslow_likelihood(column * coef, time, event) for coef in grid])
        weights = norm.pdf(grid) * (grid[1] - grid[0])
        return float(np.log(weights @ np.exp(logs - logs.max())) + logs.max())

    one, other = values[:, 0], values[:, 1]
    start = np.zeros(1)
    found = [
        cox_marginal(each[:, None], time=time, event=event, start=start).value
        for each in (one, other)
    ]
    assert found[0] - found[1] == pytest.approx(averaged(one) - averaged(other), abs=0.02)


def test_the_marginal_likelihood_of_two_classes_is_the_likelihood_averaged_over_the_prior() -> None:
    rng = np.random.default_rng(1)
    column = rng.normal(size=200)
    codes = (rng.random(200) < expit(0.8 * column)).astype(np.intp)
    grid, levels = np.meshgrid(np.linspace(-4, 4, 321), np.linspace(-2, 2, 161))

    def averaged(values: Floats) -> float:
        chance = expit(values * grid[..., None] + levels[..., None])
        logs = np.log(np.where(codes == 1, chance, 1 - chance)).sum(axis=-1)
        return float(np.log((norm.pdf(grid) * np.exp(logs - logs.max())).sum()) + logs.max())

    wide, narrow = (class_marginal(column[:, None] * k, codes, 2).value for k in (1.0, 0.3))
    assert wide - narrow == pytest.approx(averaged(column) - averaged(column * 0.3), abs=0.02)


def test_slopes_are_what_small_steps_of_the_prior_change(
    made: tuple[Floats, Floats, Bools],
) -> None:
    values, time, event = made

    def value(logs: Floats) -> float:
        scaled = values * np.exp(logs / 2)
        return cox_marginal(scaled, time=time, event=event, start=np.zeros(3)).value

    slopes = cox_marginal(values, time=time, event=event, start=np.zeros(3)).slopes
    steps = [(value(0.01 * e) - value(-0.01 * e)) / 0.02 for e in np.eye(3)]
    # What the mode moves changes the curvature too, which slopes leave out.
    assert slopes == pytest.approx(np.array(steps), abs=0.05)


def dense_likelihood(values: Floats, numbers: Floats) -> float:
    """The largest density of the numbers' contrasts over a fine grid of noise."""
    contrasts = null_space(np.ones((1, len(numbers)))).T
    shared = contrasts @ values @ values.T @ contrasts.T
    found = [
        multivariate_normal.logpdf(contrasts @ numbers, cov=shared + noise * np.eye(len(shared)))
        for noise in np.exp(np.linspace(-2, 0.5, 251))
    ]
    return float(max(found))


@pytest.mark.parametrize("columns", [3, 60])
def test_the_marginal_likelihood_of_numbers_is_that_of_their_covariance(columns: int) -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(40, columns)) / np.sqrt(columns)
    numbers = values @ rng.normal(size=columns) + rng.normal(0, 0.7, 40)
    expected = dense_likelihood(values, numbers) - dense_likelihood(values * 0.3, numbers)
    found = ridge_marginal(values, numbers).value - ridge_marginal(values * 0.3, numbers).value
    assert found == pytest.approx(expected, abs=1e-3)


def test_slopes_of_numbers_are_what_small_steps_of_the_prior_change() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(50, 3))
    numbers = values @ np.array([1.0, 0.2, 0.0]) + rng.normal(size=50)

    def value(logs: Floats) -> float:
        return ridge_marginal(values * np.exp(logs / 2), numbers).value

    steps = [(value(0.01 * e) - value(-0.01 * e)) / 0.02 for e in np.eye(3)]
    assert ridge_marginal(values, numbers).slopes == pytest.approx(np.array(steps), abs=1e-3)
