"""Train one feature network with its own classifier by cross-entropy (method step 6)."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from pydantic import Field
from sklearn.metrics import balanced_accuracy_score
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from msfusion_sdk.config import FrozenConfig, NetworkConfig
from msfusion_sdk.encoder.devices import Runtime
from msfusion_sdk.encoder.network import TileClassifier
from msfusion_sdk.pretraining.augment import AugmentConfig
from msfusion_sdk.pretraining.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from msfusion_sdk.pretraining.index import TileIndex
from msfusion_sdk.pretraining.scores import tile_probabilities
from msfusion_sdk.pretraining.views import Scale, TrainingViews, training_batches

__all__ = ["Progress", "TrainConfig", "one_cycle", "train_network"]

Progress = Callable[[str, int, int, str], None]
"""Called with the stage, steps done, steps in all, and a short text."""

MAX_GRADIENT = 5.0


class TrainConfig(FrozenConfig):
    """Settings of one training run."""

    tile_mpp: float = Field(gt=0, description="spacing of the tile files; never guessed")
    target_mpp: float = Field(0.25, gt=0)
    epochs: int = Field(60, ge=1, description="of the context network")
    patience: int = Field(30, ge=1, description="epochs without a better validation score")
    batch_size: int = Field(32, ge=2)
    detail_view_px: int = Field(160, ge=32)
    context_view_px: int = Field(112, ge=32)
    peak_rate: float = Field(7e-4, gt=0, description="3e-3 collapses")
    weight_decay: float = Field(0.05, ge=0)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    average_decay: float = Field(0.998, ge=0, lt=1, description="of the averaged weights, per step")
    seed: int = 0
    augment: AugmentConfig = AugmentConfig()

    def epochs_of(self, scale: Scale) -> int:
        """Epochs of one network; the detail network starts from trained weights and takes half."""
        return self.epochs if scale == "context" else -(-self.epochs // 2)

    def view_px(self, scale: Scale) -> int:
        """Edge of the training views of one network."""
        return self.context_view_px if scale == "context" else self.detail_view_px


def one_cycle(step: int, steps: int, peak: float, warm: float = 0.25) -> float:
    """Return the learning rate of a step: cosine up to ``peak``, cosine down to almost zero.

    Source: Smith and Topin, arXiv:1708.07120; the cosine form is fastai's.
    """
    low, turn = peak / 25, max(1.0, warm * steps)
    if step < turn:
        return low + (peak - low) * (1 - math.cos(math.pi * step / turn)) / 2
    share = min(1.0, (step - turn) / max(1.0, steps - turn))
    return peak * (1 + math.cos(math.pi * share)) / 2 + peak / 1e4


def train_network(
    scale: Scale,
    index: TileIndex,
    config: TrainConfig,
    network: NetworkConfig,
    out: Path,
    *,
    runtime: Runtime,
    start: TileClassifier | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[TileClassifier, TrainingState]:
    """Train the network of one scale and return it with its history.

    A checkpoint is written to ``out`` after every epoch, and a second call with the same
    arguments goes on from there.  The weights returned are the running average at the
    epoch with the best balanced accuracy on the validation groups, clean and grey.

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
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(scale, index, config, network, runtime, start)
    last, best = out / "last.safetensors", out / "best.safetensors"
    if last.exists():
        run.restore(last)
    for views, labels in () if run.is_finished else run.batches(workers):
        loss = run.step(views, labels)
        if progress:
            progress(
                scale,
                run.steps_done,
                run.steps,
                f"loss {loss:.3f}, best {max(0, run.state.best_score):.4f}",
            )
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
    """One training run: its network, running average, optimiser and state."""

    def __init__(
        self,
        scale: Scale,
        index: TileIndex,
        config: TrainConfig,
        network: NetworkConfig,
        runtime: Runtime,
        start: TileClassifier | None,
    ) -> None:
        self.scale, self.index, self.config, self.runtime = scale, index, config, runtime
        torch.manual_seed(config.seed)
        self.network = TileClassifier(network).to(runtime.device)
        self.network.to(memory_format=torch.channels_last)
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        average = get_ema_multi_avg_fn(config.average_decay)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.peak_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.state = TrainingState(_digest(scale, index, config, network, warm=start is not None))
        self.paths, self.labels = index.part("train")
        # Rare classes count as much as common ones, as balanced accuracy does.
        counts = np.bincount(self.labels, minlength=len(index.classes))
        weight = torch.tensor(len(self.labels) / (len(counts) * counts), dtype=torch.float32)
        self.loss_of = nn.CrossEntropyLoss(
            weight.to(runtime.device), label_smoothing=config.label_smoothing
        )
        self.batch_size = min(config.batch_size, len(self.labels))
        self.steps_per_epoch = len(self.labels) // self.batch_size
        self.epochs = config.epochs_of(scale)
        self.steps = self.steps_per_epoch * self.epochs
        self.steps_done = 0
        self.losses: list[float] = []

    @property
    def averaged(self) -> TileClassifier:
        """The network with the running average of the weights."""
        return cast("TileClassifier", self.average.module)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done or patience is over."""
        waited = self.state.epoch - self.state.best_epoch
        return self.state.epoch >= self.epochs or waited >= self.config.patience

    def batches(self, workers: int) -> Iterable[Any]:
        """Return the batches of all the epochs that are left."""
        views = TrainingViews(
            self.paths,
            self.labels,
            scale=self.scale,
            view_px=self.config.view_px(self.scale),
            zoom=self.config.tile_mpp / self.config.target_mpp,
            augment=self.config.augment,
            seed=self.config.seed,
        )
        epochs = range(self.state.epoch, self.epochs)
        return training_batches(views, batch_size=self.batch_size, epochs=epochs, workers=workers)

    def step(self, views: Tensor, labels: Tensor) -> float:
        """Take one step of the optimiser and return the loss."""
        rate = one_cycle(self.steps_done, self.steps, self.config.peak_rate)
        self.optimiser.param_groups[0]["lr"] = rate
        self.network.train()
        with self.runtime.autocast():
            logits = self.network(views.to(self.runtime.device))
        loss: Tensor = self.loss_of(logits.float(), labels.to(self.runtime.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.steps_done += 1
        self.losses.append(loss.item())
        return self.losses[-1]

    def end_epoch(self) -> bool:
        """Score the running average, note the epoch, and return whether it is the best."""
        score = self._validate()
        state = self.state
        state.epoch = self.steps_done // self.steps_per_epoch
        rate = self.optimiser.param_groups[0]["lr"]
        loss = float(np.mean(self.losses))
        state.history.append(
            {"epoch": state.epoch, "loss": loss, "rate": rate, "validation": score}
        )
        self.losses = []
        is_best = score > state.best_score
        if is_best:
            state.best_score, state.best_epoch = score, state.epoch
        return is_best

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        save_checkpoint(path, self.state, self._modules(), self.optimiser)

    def restore(self, path: Path) -> None:
        """Go back to a checkpoint."""
        self.state = load_checkpoint(path, self.state.settings, self._modules(), self.optimiser)
        self.steps_done = self.state.epoch * self.steps_per_epoch

    def _modules(self) -> dict[str, nn.Module]:
        return {"network": self.network, "average": self.average}

    def _validate(self) -> float:
        """Return balanced accuracy on the validation groups, the mean of clean and grey.

        Clean tiles alone choose epochs that lean on colour, and by a few tiles' luck.
        """
        paths, labels = self.index.part("validation")
        scores = []
        for condition in ("clean", "grey"):
            probabilities = tile_probabilities(
                self.averaged,
                paths,
                self.scale,
                tile_mpp=self.config.tile_mpp,
                target_mpp=self.config.target_mpp,
                condition=condition,
                runtime=self.runtime,
            )
            scores.append(balanced_accuracy_score(labels, probabilities.argmax(1)))
        return float(np.mean(scores))


def _digest(
    scale: Scale, index: TileIndex, config: TrainConfig, network: NetworkConfig, *, warm: bool
) -> str:
    """Return a hash of all that decides the result, so that only the same run is continued."""
    rows = index.table[["class", "file", "group", "part"]].to_csv(index=False)
    parts = [scale, warm, config.model_dump_json(), network.model_dump_json(), rows]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
