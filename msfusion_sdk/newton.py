"""The minimum of a convex function by Newton steps, each halved until it helps."""

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from msfusion_sdk.arrays import Floats

__all__ = ["Minimum", "minimise"]

_MAX_STEPS = 100
_MAX_HALVINGS = 40


class Valued(Protocol):
    """Whatever is known at a point, the value among it."""

    @property
    def objective(self) -> float:
        """The value; infinite where the function cannot be computed."""


State = TypeVar("State", bound=Valued)


class Minimum(NamedTuple, Generic[State]):
    """Where the search ended."""

    point: Floats
    state: State
    steps: int
    settled: bool
    """False when the steps did not become small: the point is no minimum."""


def minimise(
    state_of: Callable[[Floats], State],
    derivatives: Callable[[Floats, State], tuple[Floats, Floats]],
    start: Floats,
    *,
    size: Callable[[Floats], float],
    close: float,
    rounding: float = 0.0,
    floor: float | None = None,
) -> Minimum[State]:
    """Return the minimum of a function of a point.

    Parameters
    ----------
    state_of : function of a point
        Gives the value and what the derivatives need beside it.
    derivatives : function of a point and its state
        Gives gradient (component,) and Hessian (component, component).
    start : shape (component,)
    size : function of a step
        How much the step changes what matters; below ``close`` the search ends.
    rounding : float
        By which share of itself the value may rise.
    floor : float, optional
        No component goes below it; one that wants to is exactly there.  A component without
        curvature keeps its value.

    Notes
    -----
    Source: with a floor, the projected steps of Bertsekas, SIAM J. Control Optim. 20 (1982)
    221-246.
    """
    point, state = start, state_of(start)
    for step in range(1, _MAX_STEPS + 1):
        gradient, hessian = derivatives(point, state)
        try:
            move = _move(point, gradient, hessian, floor)
        except np.linalg.LinAlgError:
            return Minimum(point, state, step, settled=False)
        allowed = state.objective + rounding * max(1.0, abs(state.objective))
        reached = _advanced(state_of, point, move, allowed, floor)
        if reached is None:
            return Minimum(point, state, _MAX_HALVINGS, settled=False)
        # A step that a floor cuts off is as small as what is left of it.
        moved = move if floor is None else reached[0] - point
        point, state = reached
        if size(moved) < close:
            return Minimum(point, state, step, settled=True)
    return Minimum(point, state, _MAX_STEPS, settled=False)


def _move(point: Floats, gradient: Floats, hessian: Floats, floor: float | None) -> Floats:
    if floor is None:
        return np.asarray(-np.linalg.solve(hessian, gradient), np.float64)
    free = ((point > floor) | (gradient < 0)) & (hessian.diagonal() > 0)
    move = np.zeros_like(point)
    move[free] = np.linalg.solve(hessian[np.ix_(free, free)], -gradient[free])
    return move


def _advanced(
    state_of: Callable[[Floats], State],
    point: Floats,
    move: Floats,
    allowed: float,
    floor: float | None,
) -> tuple[Floats, State] | None:
    for halving in range(_MAX_HALVINGS):
        reached = point + move / 2**halving
        if floor is not None:
            reached = np.maximum(reached, floor)
        found = state_of(reached)
        if found.objective <= allowed:
            return reached, found
    return None
