"""Train one fusion network on the training patients, and stop it in time."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.networks.layers import FusionNetwork

__all__ = ["Batch", "drop_modalities", "train"]

STEPS = 150
PATIENCE = 15
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 0.1
MODALITY_DROPOUT = 0.2
BATCH = 1024
"""Patients of a step: risk sets of so many tell what those of all do, in a tenth of the time."""


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

    The batch of a step is all patients of ``learn``, so that the risk sets of a Cox loss are
    whole, or 1,024 of them where they are more.  In each step every patient loses each modality by
    chance (never the last one), which teaches the network to do without.  Random numbers come from
    torch's global generator.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, best_loss, waited = copy.deepcopy(network.state_dict()), float("inf"), 0
    for _ in range(STEPS):
        network.train()
        optimiser.zero_grad()
        batch, target = _drawn(learn, learn_target)
        scores = network(batch.values, drop_modalities(batch.present))
        loss = target.total_loss(scores) / target.outcome.scarcest
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


def _drawn(batch: Batch, target: Target) -> tuple[Batch, Target]:
    """Return everybody, or of many patients some, the same share of each stratum."""
    patients = len(batch.present)
    if patients <= BATCH:
        return batch, target
    strata = torch.as_tensor(target.outcome.strata)
    order = torch.randperm(patients)
    by_stratum = order[strata[order].argsort(stable=True)]
    first = torch.randint(patients, ()) / patients
    places = ((torch.arange(BATCH) + first) * (patients / BATCH)).long()
    rows = by_stratum[places]
    drawn = target.rows(rows.numpy())
    return (batch.rows(rows), drawn) if drawn.outcome.scarcest else (batch, target)


@torch.no_grad()
def _loss(network: FusionNetwork, stop: Batch, target: Target) -> float:
    network.eval()
    return float(target.total_loss(network(stop.values, stop.present)))
