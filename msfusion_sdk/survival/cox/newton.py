"""The penalised Cox likelihood, its derivatives and its minimum.

Source: Therneau & Grambsch, Modeling Survival Data (2000), chapter 3, for the derivatives;
at each step (see :mod:`~msfusion_sdk.survival.cox.risk_sets`) the gradient is the event's own
features minus their mean over the risk set, the Hessian their covariance.
"""

from typing import NamedTuple

import numpy as np

from msfusion_sdk import newton
from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.cox.risk_sets import RiskSets, Ties, risk_sets

__all__ = ["CoxProblem", "CoxSolution", "cox_problem", "cumulative_hazard", "laplace", "minimise"]

_CLOSE = 1e-6  # change of any log-hazard; a Newton step squares it, so the next would be 1e-12
_ROUNDING = 1e-12
_UNDERFLOW = 1e-290  # risk sets below belong to a step that went far too far


class CoxProblem(NamedTuple):
    """What stays the same while the coefficients move; rows from the latest time on."""

    components: Floats
    """Shape (patient, component)."""
    weights: Floats
    """Shape (patient,), above 0, sum 1."""
    step_weights: Floats
    """Shape (step,): mean weight of the events that share a time."""
    total_weight: float
    """By which the weights were divided."""
    sets: RiskSets


class CoxSolution(NamedTuple):
    """Where the objective is smallest."""

    point: Floats
    """Shape (component,)."""
    log_likelihood: float
    """Partial, without the penalty, in the weights that were given."""
    n_iter: int


class _State(NamedTuple):
    objective: float
    log_likelihood: float  # in weights that sum to 1
    hazards: Floats  # (patient,): weight times hazard, up to a common factor
    sums: Floats  # (step,): hazards summed over the risk set


def cox_problem(
    components: Floats,
    time: Floats,
    event: Bools,
    weights: Floats,
    ties: Ties,
    entry: Floats | None = None,
) -> CoxProblem:
    """Return the sorted problem; weights above 0, at least one event."""
    sets = risk_sets(time, event, ties, entry)
    total = float(weights.sum())
    share = weights[sets.order] / total
    # Efron's method gives tied events one weight, the mean of theirs.
    mean = np.add.reduceat(share[sets.events], sets.first_step) / np.bincount(sets.group)
    return CoxProblem(components[sets.order], share, mean[sets.group], total, sets)


def minimise(problem: CoxProblem, penalty: float, start: Floats) -> CoxSolution:
    """Return the minimum of ``-log likelihood + penalty / 2 · ‖point‖²``, weights summing to 1.

    Raises
    ------
    DegenerateSplitError
        When Newton's steps do not settle: without enough penalty a coefficient can grow for
        ever, because a feature puts all events in order.
    """
    found = newton.minimise(
        lambda point: _state(problem, penalty, point),
        lambda point, state: _derivatives(problem, penalty, point, state),
        start,
        size=lambda move: float(np.abs(problem.components @ move).max(initial=0)),
        close=_CLOSE,
        rounding=_ROUNDING,
    )
    if not found.settled:
        raise DegenerateSplitError(_unsettled(penalty, found.steps, found.point))
    log_likelihood = _in_given_weights(problem, found.state.log_likelihood)
    return CoxSolution(found.point, log_likelihood, found.steps)


def laplace(problem: CoxProblem, penalty: float, point: Floats) -> tuple[float, Floats]:
    """Return the log marginal likelihood, and the variance of each coefficient.

    By Laplace's approximation at the minimum ``point``, in weights that sum to the number of
    patients, so that ``penalty`` times that number is the precision of the prior; up to a number
    that depends on no prior.
    """
    patients = len(problem.weights)
    state = _state(problem, penalty, point)
    _, hessian = _derivatives(problem, penalty, point, state)
    hessian *= patients
    value = -patients * state.objective - float(np.linalg.slogdet(hessian)[1]) / 2
    return value, np.asarray(np.linalg.inv(hessian).diagonal(), np.float64)


def cumulative_hazard(problem: CoxProblem, point: Floats) -> tuple[Floats, Floats]:
    """Return the times of events, ascending, and the baseline hazard up to and including each.

    The baseline is that of a patient whose components are all 0.

    Notes
    -----
    Source: Breslow, JRSS B 34 (1972) 216-217.
    """
    sets = problem.sets
    hazards = problem.weights * np.exp(problem.components @ point)
    at_risk = sets.at_risk(hazards)
    died = np.add.reduceat(problem.weights[sets.events], sets.first_step)
    return sets.times[::-1], (died / at_risk)[::-1].cumsum()


def _state(problem: CoxProblem, penalty: float, point: Floats) -> _State:
    log_hazard = problem.components @ point
    # A common factor leaves the likelihood unchanged and keeps exp() finite.
    top = log_hazard.max()
    hazards = problem.weights * np.exp(log_hazard - top)
    sums = problem.sets.sums(hazards)
    if sums.min() < _UNDERFLOW:
        # An infinite objective makes Newton halve the step.
        return _State(np.inf, -np.inf, hazards, sums)
    events = problem.sets.events
    spread = problem.step_weights @ (np.log(sums) + top)
    log_likelihood = float(problem.weights[events] @ log_hazard[events] - spread)
    objective = penalty / 2 * float(point @ point) - log_likelihood
    return _State(objective, log_likelihood, hazards, sums)


def _derivatives(
    problem: CoxProblem, penalty: float, point: Floats, state: _State
) -> tuple[Floats, Floats]:
    sets, table = problem.sets, problem.components
    expected = state.hazards * sets.spread(problem.step_weights / state.sums)
    observed = np.zeros(len(expected))
    observed[sets.events] = problem.weights[sets.events]
    gradient = table.T @ (expected - observed) + penalty * point
    means = sets.sums(state.hazards[:, None] * table) / state.sums[:, None]
    # A matrix times its own transpose costs half of any other product.
    rows = np.sqrt(expected)[:, None] * table
    means *= np.sqrt(problem.step_weights)[:, None]
    hessian = rows.T @ rows - means.T @ means
    hessian[np.diag_indices(len(point))] += penalty
    return gradient, hessian


def _in_given_weights(problem: CoxProblem, log_likelihood: float) -> float:
    # Weights stand inside the logarithm of each risk set too.
    total = problem.total_weight
    return total * (log_likelihood - float(np.log(total) * problem.step_weights.sum()))


def _unsettled(penalty: float, steps: int, point: Floats) -> str:
    largest = float(np.abs(point).max(initial=0))
    return (
        f"The Cox model with penalty {penalty:g} did not settle in {steps} steps (largest "
        f"coefficient: {largest:.3g}). Usually some feature puts all events in order, or the "
        "columns differ in scale by orders of magnitude: standardise them and raise the penalty."
    )
