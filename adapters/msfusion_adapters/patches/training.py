"""Train heads on bags, and stop each by the loss of patients that the others do not learn from."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msfusion_adapters.patches.columns import ReducedBags
from msfusion_adapters.patches.objective import Objective, codes_of
from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.bags.heads import BagHead
from msfusion_sdk.fusion.inputs.targets import Target

__all__ = ["EPOCHS", "Side", "Together", "Training", "scores_of"]

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
    """A head in training, and how well it does on patients that it does not learn from.

    A step looks at all bags of ``learn``, so that the risk sets of a Cox likelihood are whole.
    Patches are drawn anew in every step, at most ``most`` of a bag, and some of them dropped.

    Parameters
    ----------
    head : BagHead
        Trained in place.
    held : Side
        The patients it is judged by.
    """

    def __init__(
        self,
        head: BagHead,
        objective: Objective,
        bags: ReducedBags,
        learn: Side,
        held: Side,
        *,
        most: int,
        rng: np.random.Generator,
    ) -> None:
        self.head, self._objective, self._rng = head, objective, rng
        self._bags, self._learn, self._held = bags, learn, held
        self._most = max(1, min(most, PATCHES_PER_STEP // len(learn.bags)))
        parameters = [*head.parameters(), *objective.parameters()]
        self._optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        # Drawn once: otherwise the loss would also change by which patches are looked at.
        self._judged = bags.drawn(held.bags, self._most, rng)

    def step(self) -> None:
        """Learn from all bags once."""
        patches = self._bags.drawn(self._learn.bags, self._most, self._rng, KEPT_PATCHES)
        _step(self.head, self._objective, self._optimiser, *patches, self._learn.target)

    @torch.no_grad()
    def loss(self) -> float:
        """Return the loss of the patients held out, per patient."""
        self.head.eval()
        scores = self.head(*self._judged).scores
        return float(self._objective(scores, self._held.target))


class Together:
    """Heads of one kind, in training step by step, each stopped by the patients of the others.

    Were a head stopped by the patients whose scores it gives, those would be too good: more so the
    fewer they are.

    Parameters
    ----------
    trainings : sequence of Training
        One per part of the patients, which it holds out.
    """

    def __init__(self, trainings: Sequence[Training]) -> None:
        self._trainings = trainings
        self.losses = np.full(len(trainings), np.inf)
        """The lowest so far of the others' patients, of each head."""
        self._best: list[dict[str, Tensor]] = [{} for _ in trainings]
        self._step, self._gained, self._gained_at = 0, np.inf, 0
        self._judge()

    def go_on(self, until: int) -> None:
        """Train up to this step, or until nothing was gained for ``PATIENCE`` steps."""
        while self._step < until and self._step - self._gained_at < PATIENCE:
            self._step += 1
            for training in self._trainings:
                training.step()
            self._judge()

    def head(self, member: int) -> BagHead:
        """Return a head as it was when the loss of the others was lowest."""
        head = self._trainings[member].head
        head.load_state_dict(self._best[member])
        return head.eval()

    def _judge(self) -> None:
        own = np.array([training.loss() for training in self._trainings])
        # A head alone has nobody else to be judged by.
        others = (own.sum() - own) / (len(own) - 1) if len(own) > 1 else own
        for member in map(int, np.flatnonzero(others < self.losses)):
            state = self._trainings[member].head.state_dict()
            self.losses[member], self._best[member] = others[member], copy.deepcopy(state)
        if own.mean() < self._gained - LEAST_GAIN:
            self._gained, self._gained_at = own.mean(), self._step


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
