"""Train one feature network with its own classifier by cross-entropy (method step 6).

Beside the classifier a second head tells the groups of tiles apart.  Few photographs are
soon learned by heart as "class A" or "class B"; to know each from all the others, under
every stain and scale, takes features that also serve for photographs never seen.

Where a class without the finding is named, the last attention learns where the finding is, on
views that hold some of it: see ``msfusion_sdk.pretraining.mixing``.

Source of the second head: Dosovitskiy et al., NIPS 2014, arXiv:1406.6909.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, log_loss
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from msfusion_sdk.config import FEATURES, NetworkConfig
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.network import AttendedResNet, ImageClassifier
from msfusion_sdk.files import made_folder
from msfusion_sdk.monitoring.progress import Progress
from msfusion_sdk.pretraining.checkpoint import (
    TrainingState,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from msfusion_sdk.pretraining.index import TileIndex
from msfusion_sdk.pretraining.mixing import attention_loss, mix
from msfusion_sdk.pretraining.scores import tile_probabilities
from msfusion_sdk.pretraining.train_config import WARM, TrainConfig, one_cycle
from msfusion_sdk.pretraining.views import Scale, TrainingViews, training_batches

__all__ = ["train_network"]

MAX_GRADIENT = 5.0


def train_network(
    scale: Scale,
    index: TileIndex,
    config: TrainConfig,
    network: NetworkConfig,
    out: Path,
    *,
    runtime: Runtime,
    start: ImageClassifier | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[ImageClassifier, TrainingState]:
    """Train the network of one scale and return it with its history.

    A checkpoint is written to ``out`` after every epoch, and a second call with the same
    arguments goes on from there.  The weights returned are the running average at the
    epoch with the lowest cross-entropy on the validation groups, clean and grey.

    Parameters
    ----------
    start : TileClassifier, optional
        A network to start from, instead of random weights.

    Raises
    ------
    WeightsMismatchError
        When ``out`` holds a run with other settings or other data.
    TableError
        When a tile cannot be read.
    """
    made_folder(out)
    run = _Run(scale, index, config, network, runtime, start)
    last, best = out / "last.safetensors", out / "best.safetensors"
    if has_checkpoint(last):
        run.restore(last)
    for views, labels, groups in () if run.is_finished else run.batches(workers):
        loss = run.step(views, labels, groups)
        if progress:
            text = f"loss {loss:.3f}, validation {run.state.best_score:.4f}"
            progress(scale, run.steps_done, run.steps, text)
        # Batches come without a mark where an epoch ends: see ``training_batches``.
        if run.steps_done % run.steps_per_epoch:
            continue
        if run.end_epoch():
            run.save(best)
        run.save(last)
        if run.is_finished:
            break
    history = run.state
    run.restore(best)
    return run.averaged.eval(), history


class _Run:
    """One training run: its network, second head, running average, optimiser and state."""

    def __init__(
        self,
        scale: Scale,
        index: TileIndex,
        config: TrainConfig,
        network: NetworkConfig,
        runtime: Runtime,
        start: ImageClassifier | None,
    ) -> None:
        self.scale, self.index, self.config, self.runtime = scale, index, config, runtime
        torch.manual_seed(config.seed)
        self.network = ImageClassifier(network).to(runtime.device)
        self.network.to(memory_format=torch.channels_last)
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self.paths, self.labels = index.part("train")
        self.clusters = index.clusters("train")
        # Numbered without gaps, so that there are as many outputs as groups.
        self.group_head = nn.Linear(FEATURES, max(self.clusters) + 1).to(runtime.device)
        self.batch_size = min(config.batch_size, len(self.labels))
        self.steps_per_epoch = len(self.labels) // self.batch_size
        self.epochs = config.epochs_of(scale)
        self.steps = self.steps_per_epoch * self.epochs
        # A short run would end with an average that is mostly where it began.
        decay = min(config.average_decay, max(0.0, 1 - 10 / self.steps))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(
            self._parameters(),
            lr=config.peak_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.state = TrainingState(_digest(scale, index, config, network, start))
        # Rare classes count as much as common ones, as balanced accuracy does.
        counts = np.bincount(self.labels, minlength=len(index.classes))
        weight = torch.tensor(len(self.labels) / (len(counts) * counts), dtype=torch.float32)
        self.loss_of = nn.CrossEntropyLoss(
            weight.to(runtime.device), label_smoothing=config.label_smoothing
        )
        self.background = None
        if network.background is not None and config.attention_weight:
            self.background = index.classes.index(network.background)
        self.steps_done = 0
        self.losses: list[float] = []
        self.attention_losses: list[float] = []

    @property
    def averaged(self) -> ImageClassifier:
        """The network with the running average of the weights."""
        return cast("ImageClassifier", self.average.module)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done or patience is over."""
        # Patience begins after the warm-up, whose scores mean little.
        waited = self.state.epoch - max(self.state.best_epoch, round(WARM * self.epochs))
        return self.state.epoch >= self.epochs or waited >= self.config.patience

    def batches(self, workers: int) -> Iterable[Any]:
        """Return the batches of all the epochs that are left."""
        views = TrainingViews(
            self.paths,
            self.labels,
            self.clusters,
            scale=self.scale,
            view_px=self.config.view_px(self.scale),
            zoom=self.config.tile_mpp / self.config.target_mpp,
            augment=self.config.augment,
            seed=self.config.seed,
        )
        epochs = range(self.state.epoch, self.epochs)
        return training_batches(views, batch_size=self.batch_size, epochs=epochs, workers=workers)

    def step(self, views: Tensor, labels: Tensor, groups: Tensor) -> float:
        """Take one step of the optimiser and return the loss of the classifier."""
        rate = one_cycle(self.steps_done, self.steps, self.config.peak_rate)
        self.optimiser.param_groups[0]["lr"] = rate
        self.network.train()
        loss, beside = self._losses(views, labels, groups)
        self.optimiser.zero_grad(set_to_none=True)
        total = loss + beside
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters(), MAX_GRADIENT)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.steps_done += 1
        self.losses.append(loss.item())
        return self.losses[-1]

    def _losses(self, views: Tensor, labels: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of the classifier, and the weighted sum of the losses beside it."""
        rng, device = (
            np.random.default_rng([self.config.seed, self.steps_done]),
            self.runtime.device,
        )
        mixed = mix(views, labels, self.background, rng)
        features = self.network.features
        assert isinstance(features, AttendedResNet)
        with self.runtime.autocast():
            vectors, attention = features.with_logits(mixed.views.to(device))
            # One pass through the network serves both heads.
            logits, group_logits = self.network.head(vectors), self.group_head(vectors)
        # Losses in fp32, outside of autocast: logarithms of rounded chances are coarse.
        loss: Tensor = self.loss_of(logits.float(), mixed.labels.to(device))
        # A mixed view is of two groups, and is not asked for either.
        whole = ~mixed.is_mixed
        group_loss = nn.functional.cross_entropy(
            group_logits[whole.to(device)].float(), groups[whole].to(device)
        )
        beside = self.config.group_weight * group_loss
        if self.background is not None:
            where = attention_loss(attention, mixed.finding.to(device))
            self.attention_losses.append(where.item())
            beside = beside + self.config.attention_weight * where
        return loss, beside

    def end_epoch(self) -> bool:
        """Score the running average, note the epoch, and return whether it is the best."""
        state, score, loss = self.state, *self._validate()
        state.epoch = self.steps_done // self.steps_per_epoch
        row = {
            "epoch": state.epoch,
            "rate": self.optimiser.param_groups[0]["lr"],
            "loss": float(np.mean(self.losses)),
            "validation_loss": loss,
            "validation": score,
        }
        if self.attention_losses:
            row["attention_loss"] = float(np.mean(self.attention_losses))
        state.history.append(row)
        self.losses, self.attention_losses = [], []
        is_best = loss < state.best_loss
        if is_best:
            state.best_loss, state.best_score, state.best_epoch = loss, score, state.epoch
        return is_best

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        save_checkpoint(path, self.state, self._modules(), self.optimiser)

    def restore(self, path: Path) -> None:
        """Go back to a checkpoint."""
        self.state = load_checkpoint(path, self.state.settings, self._modules(), self.optimiser)
        self.steps_done = self.state.epoch * self.steps_per_epoch

    def _modules(self) -> dict[str, nn.Module]:
        return {"network": self.network, "groups": self.group_head, "average": self.average}

    def _parameters(self) -> list[nn.Parameter]:
        return [*self.network.parameters(), *self.group_head.parameters()]

    def _validate(self) -> tuple[float, float]:
        """Return balanced accuracy and cross-entropy on the validation groups.

        Both are means of clean and grey tiles: clean ones alone choose epochs that lean on
        colour.  The epoch is chosen by cross-entropy, because accuracy on a few dozen groups
        goes up and down by a few tiles' luck.
        """
        paths, labels = self.index.part("validation")
        scores, losses = [], []
        for condition in ("clean", "grey"):
            probabilities = tile_probabilities(
                self.averaged,
                paths,
                self.scale,
                tile_mpp=self.config.tile_mpp,
                target_mpp=self.config.target_mpp,
                # At the size of the views: larger ones would cost more than the training.
                image_px=min(self.config.image_px, self.config.view_px(self.scale)),
                condition=condition,
                runtime=self.runtime,
            )
            scores.append(balanced_accuracy_score(labels, probabilities.argmax(1)))
            losses.append(log_loss(labels, probabilities, labels=range(len(self.index.classes))))
        return float(np.mean(scores)), float(np.mean(losses))


def _digest(
    scale: Scale,
    index: TileIndex,
    config: TrainConfig,
    network: NetworkConfig,
    start: ImageClassifier | None,
) -> str:
    """Return a hash of all that decides the result, so that only the same run is continued."""
    # One convolution stands for all weights: training changes every one of them.
    first = None if start is None else next(start.parameters()).detach().cpu().numpy().tobytes()
    warm = None if first is None else hashlib.sha256(first).hexdigest()
    rows = index.table[["class", "file", "group", "part"]].to_csv(index=False)
    parts = [scale, warm, config.model_dump_json(), network.model_dump_json(), rows]
    # A run of before attention was taught would go on as another one.
    if network.background is not None and config.attention_weight:
        parts.append("attention is taught")
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
