"""Weights of experts: at least 0, and those under which their scores are likeliest."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from msfusion_sdk.arrays import Floats

__all__ = ["fit_weights"]

_MAX_STEPS = 100
_MAX_HALVINGS = 40
_CLOSE = 1e-9


def fit_weights(scores: Floats, total_loss: Callable[[Tensor], Tensor]) -> Floats:
    """Return the weights w, shape (expert,), that minimise the loss of the weighted sum.

    Minimised is ``total_loss(Σ w·score) + ½ Σ (w·spread)²`` over w >= 0, with the spread the
    standard deviation of an expert's scores: a weak prior that decides only where experts say
    the same.  A weight that would be negative is exactly 0.

    Parameters
    ----------
    scores : shape (expert, patient, output)
        Of patients from whom the experts did not learn; 0 where an expert is absent.
    total_loss : function of scores of shape (patient, output)
        Convex, such as ``Target.total_loss``.

    Notes
    -----
    Source: projected Newton steps, Bertsekas, SIAM J. Control Optim. 20 (1982) 221-246.
    """
    experts = torch.from_numpy(scores)
    spread = torch.from_numpy(scores.std(axis=(1, 2)))

    def objective(weights: Tensor) -> Tensor:
        mixed = torch.tensordot(weights, experts, dims=1)
        return total_loss(mixed) + ((weights * spread) ** 2).sum() / 2

    weights = torch.full((len(scores),), 1 / len(scores), dtype=torch.float64)
    for _ in range(_MAX_STEPS):
        moved = _step(objective, weights)
        change = float((moved - weights).abs().max())
        weights = moved
        if change < _CLOSE:
            break
    return np.asarray(weights.numpy())


def _step(objective: Callable[[Tensor], Tensor], weights: Tensor) -> Tensor:
    """Return the weights after one Newton step in the free ones, halved until it helps."""
    gradient, hessian = _derivatives(objective, weights)
    # An expert whose scores are all 0 has no curvature, and keeps its weight.
    free = ((weights > 0) | (gradient < 0)) & (hessian.diagonal() > 0)
    move = torch.zeros_like(weights)
    move[free] = torch.linalg.solve(hessian[free][:, free], -gradient[free])
    before = objective(weights)
    for halving in range(_MAX_HALVINGS):
        moved: Tensor = (weights + move / 2**halving).clamp(min=0)
        if objective(moved) <= before:
            return moved
    return weights


def _derivatives(objective: Callable[[Tensor], Tensor], weights: Tensor) -> tuple[Tensor, Tensor]:
    point = weights.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(point), point, create_graph=True)
    rows = [torch.autograd.grad(part, point, retain_graph=True)[0] for part in gradient]
    return gradient.detach(), torch.stack(rows)
