"""Marginal likelihoods against integrals over a grid, and its slopes against small steps."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.fusion.inputs.marginal import class_marginal, cox_marginal


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
