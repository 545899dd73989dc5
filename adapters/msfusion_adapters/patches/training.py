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

__all__ = ["Side", "Training", "scores_of"]

EPOCHS, PATIENCE = 150, 15
LEAST_GAIN = 1e-3
"""Nats per patient; what gains less is not worth more steps."""
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-2
KEPT_PATCHES = 0.5
"""Of those drawn for an epoch, the rest dropped: so no head leans on a few patches of a bag."""
EXTRA_WEIGHT = 0.3
PATCHES_PER_STEP = 100_000
"""Bounds the time and memory of a step, whatever the number of bags."""


class Side(NamedTuple):
    """Some bags and their outcomes."""

    bags: Rows
    """Their places."""
    target: Target


class Training:
    """A head in training, which can be stopped after some steps and gone on with later.

    A step looks at all bags of ``learn``, so that the risk sets of a Cox likelihood are whole.
    Patches are drawn anew in every step, at most ``most`` of a bag, and some of them dropped.

    Parameters
    ----------
    head : BagHead
        Trained in place.
    stop : Side
        Their loss decides when to end, and which weights are kept.
    """

    def __init__(
        self,
        head: BagHead,
        objective: Objective,
        bags: ReducedBags,
        learn: Side,
        stop: Side,
        *,
        most: int,
        rng: np.random.Generator,
    ) -> None:
        self.head, self._objective, self._rng = head, objective, rng
        self._bags, self._learn, self._stop = bags, learn, stop
        self._most = max(1, min(most, PATCHES_PER_STEP // len(learn.bags)))
        parameters = [*head.parameters(), *objective.parameters()]
        self._optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        # Drawn once: otherwise the loss would also change by which patches are looked at.
        self._judged = bags.drawn(stop.bags, self._most, rng)
        self._best = copy.deepcopy(head.state_dict())
        self.loss = self._judged_loss()
        """The lowest so far of ``stop``, per patient."""
        self._step, self._gained, self._gained_at = 0, self.loss, 0

    def go_on(self, until: int) -> None:
        """Train up to this step, or until nothing was gained for ``PATIENCE`` steps."""
        while self._step < until and self._step - self._gained_at < PATIENCE:
            self._step += 1
            patches = self._bags.drawn(self._learn.bags, self._most, self._rng, KEPT_PATCHES)
            _step(self.head, self._objective, self._optimiser, *patches, self._learn.target)
            loss = self._judged_loss()
            if loss < self.loss:
                self._best, self.loss = copy.deepcopy(self.head.state_dict()), loss
            if loss < self._gained - LEAST_GAIN:
                self._gained, self._gained_at = loss, self._step

    def finished(self) -> BagHead:
        """Train to the end, and return the head as it was when the loss was lowest."""
        self.go_on(EPOCHS)
        self.head.load_state_dict(self._best)
        return self.head.eval()

    @torch.no_grad()
    def _judged_loss(self) -> float:
        self.head.eval()
        scores = self.head(*self._judged).scores
        return float(self._objective(scores, self._stop.target))


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
