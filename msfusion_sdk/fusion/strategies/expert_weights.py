"""Weights of experts: at least 0, and those under which their scores are likeliest."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msfusion_sdk.arrays import Floats
from msfusion_sdk.newton import minimise

__all__ = ["fit_weights"]

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
    """
    experts = torch.from_numpy(scores)
    spread = torch.from_numpy(scores.std(axis=(1, 2)))

    def objective(weights: Tensor) -> Tensor:
        mixed = torch.tensordot(weights, experts, dims=1)
        return total_loss(mixed) + ((weights * spread) ** 2).sum() / 2

    return minimise(
        lambda weights: _Loss(float(objective(torch.from_numpy(weights)))),
        lambda weights, _: _derivatives(objective, torch.from_numpy(weights)),
        # The problem is convex: the start decides how long it takes, not where it ends.
        np.full(len(scores), 1 / len(scores)),
        size=lambda move: float(np.abs(move).max()),
        close=_CLOSE,
        floor=0.0,
    ).point


class _Loss(NamedTuple):
    objective: float


def _derivatives(objective: Callable[[Tensor], Tensor], weights: Tensor) -> tuple[Floats, Floats]:
    point = weights.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(point), point, create_graph=True)
    # The Hessian row by row: it has as many rows as there are experts, a handful.
    rows = [torch.autograd.grad(part, point, retain_graph=True)[0] for part in gradient]
    return gradient.detach().numpy(), torch.stack(rows).numpy()
