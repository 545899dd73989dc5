"""Attention and classifier of one frozen network, trained by cross-entropy on cached maps.

Two classifiers see each image: that which is kept sees the vector of the network's readout, the
other the attended mean of the map, so that the attention learns also where the readout does not
use it.
"""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, log_loss
from torch import Tensor, nn

from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.frozen.config import FrozenTrainConfig
from msfusion_sdk.pretraining.frozen.maps import CachedMaps
from msfusion_sdk.pretraining.train_config import one_cycle

__all__ = ["frozen_probabilities", "train_frozen"]

MAX_GRADIENT = 5.0


def train_frozen(
    classifier: ImageClassifier,
    maps: CachedMaps,
    labels: NDArray[np.intp],
    train: NDArray[np.intp],
    validation: NDArray[np.intp],
    config: FrozenTrainConfig,
) -> TrainingState:
    """Train attention and head in place, and go back to the best epoch.

    Parameters
    ----------
    labels : shape (image,)
    train, validation : rows of the maps
    """
    torch.manual_seed(config.seed)
    network = classifier.features
    assert isinstance(network, AttendedNetwork)
    assert network.attention is not None
    classes = int(labels.max()) + 1
    # Thrown away at the end: it is there for the gradients that reach the attention.
    beside = nn.Linear(maps.maps.shape[1], classes)
    own = [*network.attention.parameters(), *classifier.head.parameters()]
    parameters = [*own, *beside.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=config.peak_rate, weight_decay=config.weight_decay)
    counts = np.bincount(labels[train], minlength=classes)
    weight = torch.tensor(len(train) / (classes * counts), dtype=torch.float32)
    loss_of = nn.CrossEntropyLoss(weight, label_smoothing=config.label_smoothing)
    state, best = TrainingState("frozen"), copy.deepcopy(_own_state(classifier))
    size = min(config.batch_size, len(train))
    steps = len(train) // size
    for epoch in range(config.epochs):
        order = np.random.default_rng([config.seed, epoch]).permutation(train)
        losses = []
        classifier.train()
        for step in range(steps):
            # Sorted: the maps lie on disk, and are read in their order.
            rows = np.sort(order[step * size : (step + 1) * size])
            rate = one_cycle(epoch * steps + step, config.epochs * steps, config.peak_rate)
            optimiser.param_groups[0]["lr"] = rate
            loss = _loss(classifier, beside, maps, rows, labels, loss_of)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT)
            optimiser.step()
            losses.append(loss.item())
        if _end_epoch(classifier, maps, labels, validation, state, epoch + 1, losses):
            best = copy.deepcopy(_own_state(classifier))
        # Not reached by the best epoch itself, whose patience begins anew.
        elif state.epoch - state.best_epoch >= config.patience:
            break
    classifier.load_state_dict(best, strict=False)
    classifier.eval()
    return state


def _loss(
    classifier: ImageClassifier,
    beside: nn.Linear,
    maps: CachedMaps,
    rows: NDArray[np.intp],
    labels: NDArray[np.intp],
    loss_of: nn.CrossEntropyLoss,
) -> Tensor:
    network = classifier.features
    assert isinstance(network, AttendedNetwork)
    assert network.attention is not None
    batch, target = maps.batch(rows), torch.from_numpy(labels[rows])
    assert batch.map is not None
    weights = network.attention(batch.map)
    attended = (batch.map * weights).sum((2, 3)) / weights.sum((2, 3))
    logits = classifier.head(network.attend(batch).vectors)
    loss: Tensor = loss_of(logits, target) + loss_of(beside(attended), target)
    return loss


def _end_epoch(
    classifier: ImageClassifier,
    maps: CachedMaps,
    labels: NDArray[np.intp],
    validation: NDArray[np.intp],
    state: TrainingState,
    epoch: int,
    losses: list[float],
) -> bool:
    chances = frozen_probabilities(classifier, maps, validation)
    loss = float(log_loss(labels[validation], chances, labels=range(chances.shape[1])))
    score = float(balanced_accuracy_score(labels[validation], chances.argmax(1)))
    state.epoch = epoch
    state.history.append(
        {
            "epoch": epoch,
            "rate": 0.0,
            "loss": float(np.mean(losses)),
            "validation_loss": loss,
            "validation": score,
        }
    )
    is_best = loss < state.best_loss
    if is_best:
        state.best_loss, state.best_score, state.best_epoch = loss, score, epoch
    return is_best


@torch.inference_mode()
def frozen_probabilities(
    classifier: ImageClassifier, maps: CachedMaps, rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return class probabilities of images whose maps are cached, shape (image, class)."""
    classifier.eval()
    network = classifier.features
    assert isinstance(network, AttendedNetwork)
    parts = [
        classifier.head(network.attend(maps.batch(part)).vectors).softmax(1)
        for part in np.array_split(rows, max(1, len(rows) // 64))
        if len(part)
    ]
    return torch.cat(parts).numpy()


def _own_state(classifier: ImageClassifier) -> dict[str, Tensor]:
    state = classifier.state_dict()
    return {name: value for name, value in state.items() if ".backbone." not in f".{name}"}
