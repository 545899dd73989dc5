"""Train one head on bags, and stop it by the loss of patients it does not learn from."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msfusion_adapters.patches.columns import ReducedBags
from msfusion_adapters.patches.objective import Objective, codes_of
from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.bags.heads import BagHead
from msfusion_sdk.fusion.inputs.targets import Target

__all__ = ["Side", "scores_of", "train_head"]

EPOCHS, PATIENCE = 150, 15
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-2
KEPT_PATCHES = 0.5
"""Of those drawn for an epoch, the rest dropped: so no head leans on a few patches of a bag."""
EXTRA_WEIGHT = 0.3
PATCHES_PER_STEP = 200_000
"""Bounds the memory of a step, whatever the number of bags."""


class Side(NamedTuple):
    """Some bags and their outcomes."""

    bags: Rows
    """Their places."""
    target: Target


def train_head(
    head: BagHead,
    objective: Objective,
    bags: ReducedBags,
    learn: Side,
    stop: Side,
    *,
    most: int,
    rng: np.random.Generator,
) -> float:
    """Train ``head`` in place, leave it as it was when ``stop`` had the lowest loss.

    A step looks at all bags of ``learn``, so that the risk sets of a Cox likelihood are whole.
    Patches are drawn anew in every step, at most ``most`` of a bag.

    Returns
    -------
    float
        That loss, per patient.
    """
    most = max(1, min(most, PATCHES_PER_STEP // len(learn.bags)))
    parameters = [*head.parameters(), *objective.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    # Drawn once: otherwise the loss would also change by which patches are looked at.
    judged = bags.drawn(stop.bags, most, rng)
    best, best_step = copy.deepcopy(head.state_dict()), 0
    best_loss = _loss(head, objective, *judged, stop.target)
    for step in range(1, EPOCHS + 1):
        patches, there = bags.drawn(learn.bags, most, rng)
        _step(head, objective, optimiser, patches, _dropped(there), learn.target)
        loss = _loss(head, objective, *judged, stop.target)
        if loss < best_loss:
            best, best_loss, best_step = copy.deepcopy(head.state_dict()), loss, step
        if step - best_step == PATIENCE:
            break
    head.load_state_dict(best)
    head.eval()
    return best_loss


@torch.no_grad()
def scores_of(head: BagHead, bags: ReducedBags, places: Rows) -> Floats:
    """Return the scores of some bags from all their patches, shape (bag, output)."""
    every, rng = int(bags.sizes.max()), np.random.default_rng(0)
    # Bag by bag: padding all to the largest would take its memory for each.
    rows = [head(*bags.drawn(np.array([place]), every, rng)).scores for place in places]
    return np.asarray(torch.cat(rows).double().numpy())


def _step(
    head: BagHead,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    patches: Tensor,
    there: Tensor,
    target: Target,
) -> None:
    head.train()
    optimiser.zero_grad()
    loss = objective(head(patches, there).scores, target)
    codes = codes_of(target)
    if codes is not None:
        loss = loss + EXTRA_WEIGHT * head.extra_loss(patches, there, codes)
    loss.backward()
    optimiser.step()


@torch.no_grad()
def _loss(
    head: BagHead, objective: Objective, patches: Tensor, there: Tensor, target: Target
) -> float:
    head.eval()
    return float(objective(head(patches, there).scores, target))


def _dropped(there: Tensor) -> Tensor:
    """Return ``there`` with patches taken away by chance, some always left in every bag."""
    kept = there & (torch.rand(there.shape) < KEPT_PATCHES)
    return torch.where(kept.any(1, keepdim=True), kept, there)
