"""Train one fusion network on all training patients at once, and stop it in time."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.networks.layers import FusionNetwork

__all__ = ["Batch", "drop_modalities", "train"]

EPOCHS = 150
PATIENCE = 15
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 0.1
MODALITY_DROPOUT = 0.2


class Batch(NamedTuple):
    """Patients as a network sees them."""

    values: list[Tensor]
    """Length modality, each float32 (patient, column)."""
    present: Tensor
    """Bool, shape (patient, modality)."""

    def rows(self, rows: Tensor) -> "Batch":
        """Return these patients."""
        return Batch([table[rows] for table in self.values], self.present[rows])


def train(
    network: FusionNetwork,
    learn: Batch,
    learn_target: Target,
    stop: Batch,
    stop_target: Target,
) -> None:
    """Train ``network`` in place, and leave it as it was when the loss on ``stop`` was lowest.

    The batch is all patients of ``learn``, so that the risk sets of a Cox loss are whole.  In
    each epoch every patient loses each modality by chance (never the last one), which teaches the
    network to do without.  Random numbers come from torch's global generator.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, best_loss, waited = copy.deepcopy(network.state_dict()), float("inf"), 0
    for _ in range(EPOCHS):
        network.train()
        optimiser.zero_grad()
        scores = network(learn.values, drop_modalities(learn.present))
        loss = learn_target.total_loss(scores) / learn_target.outcome.scarcest
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        # Without dropping modalities: prediction drops none either.
        stop_loss = _loss(network, stop, stop_target)
        waited += 1
        # NaN is never lower, so weights that diverged are never the best.
        if stop_loss < best_loss:
            best, best_loss, waited = copy.deepcopy(network.state_dict()), stop_loss, 0
        if waited == PATIENCE:
            break
    network.load_state_dict(best)
    network.eval()


def drop_modalities(present: Tensor, share: float = MODALITY_DROPOUT) -> Tensor:
    """Return ``present`` with each entry taken away by chance, some always left in every row."""
    kept = present & (torch.rand(present.shape) >= share)
    return torch.where(kept.any(1, keepdim=True), kept, present)


@torch.no_grad()
def _loss(network: FusionNetwork, stop: Batch, target: Target) -> float:
    network.eval()
    return float(target.total_loss(network(stop.values, stop.present)))
