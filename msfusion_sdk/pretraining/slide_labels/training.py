"""Both networks, their fusion and a classifier of the slide vector, trained as one.

The networks keep the running statistics of their normalisation layers: the patches of a slide are
too alike to stand for all slides.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, log_loss
from torch import Tensor, nn

from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.attention_weights import fuse_patches
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.errors import NonFiniteVectorError
from msfusion_sdk.monitoring.progress import Progress
from msfusion_sdk.pretraining.checkpoint import (
    TrainingState,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from msfusion_sdk.pretraining.slide_labels.bags import Bag, Patches, augmented
from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
from msfusion_sdk.pretraining.slide_labels.kept_maps import KeptMaps
from msfusion_sdk.pretraining.slide_labels.probe import Probe
from msfusion_sdk.pretraining.train_config import one_cycle

__all__ = ["FineTuning", "Labelled"]

MAX_GRADIENT = 5.0


class Labelled:
    """Slides of one part with the numbers of their classes."""

    def __init__(self, bags: Sequence[Bag], classes: Sequence[str]) -> None:
        self.bags = list(bags)
        self.codes = np.array([classes.index(str(bag.entry.label)) for bag in bags], np.intp)

    def __len__(self) -> int:
        return len(self.bags)


class FineTuning:
    """A run: the model, the probe on top, their optimiser, and where it stands.

    Parameters
    ----------
    model : TwoScaleModel
        Becomes what is trained; on the runtime's device.
    classes : sequence of str
        Of the slides; not those of the networks' own classifiers.
    settings : str
        Digest of all that decides the result.
    kept : KeptMaps, optional
        Of frozen networks: then their attention alone is trained, on patches that stay.
    """

    def __init__(
        self,
        model: TwoScaleModel,
        classes: Sequence[str],
        config: FineTuneConfig,
        runtime: Runtime,
        settings: str,
        kept: KeptMaps | None = None,
    ) -> None:
        # For good: in training mode the normalisation layers would follow single slides.
        self.model, self.config, self.runtime = model.eval(), config, runtime
        self.classes, self._kept = tuple(classes), kept
        used = [model.detail] if model.geometry.single_scale else [model.context, model.detail]
        length = sum(network.features.length for network in used if network is not None)
        self.probe = Probe(length, len(classes)).to(runtime.device)
        self.state = TrainingState(settings)
        parameters = [*model.parameters(), *self.probe.parameters()]
        self._parameters = [p for p in parameters if p.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=config.peak_rate, weight_decay=config.weight_decay
        )

    def run(
        self, train: Labelled, validation: Labelled, out: Path, progress: Progress
    ) -> TrainingState:
        """Train to the end, from the last epoch that ``out`` holds, and go back to the best.

        Epoch 0 is the probe on the networks as they were: when no epoch is better on the
        validation slides, it is what remains.  ``go_to`` goes back to it.

        Raises
        ------
        WeightsMismatchError
            When ``out`` holds a run with other settings or other slides.
        SlideError
            When a slide can no longer be read.
        NonFiniteVectorError
            When the networks give NaN or infinity.
        """
        last, best, start = (out / f"{name}.safetensors" for name in ("last", "best", "start"))
        if has_checkpoint(last):
            self._restore(last)
        else:
            self._start(train, validation, progress)
            for path in (start, best, last):
                self._save(path)
        while not self._is_finished:
            losses = self._epoch(train, progress)
            if self._end_epoch(float(np.mean(losses)), validation):
                self._save(best)
            self._save(last)
        history = self.state
        self._restore(best)
        return history

    def go_to(self, out: Path, which: Literal["start", "best"]) -> None:
        """Become the networks and the probe of a run in ``out``: epoch 0, or the best epoch."""
        self._restore(out / f"{which}.safetensors")

    def probabilities(self, slides: Labelled) -> NDArray[np.float32]:
        """Return the chance of each class, shape (slide, class), of patches fixed by the seed."""
        vectors = torch.from_numpy(self._vectors(slides)).to(self.runtime.device)
        with torch.inference_mode():
            chances: Tensor = self.probe(vectors).softmax(1)
        self._require_finite(chances)
        return chances.cpu().numpy()

    @property
    def _is_finished(self) -> bool:
        waited = self.state.epoch - self.state.best_epoch
        return self.state.epoch >= self.config.epochs or waited >= self.config.patience

    def _start(self, train: Labelled, validation: Labelled, progress: Progress) -> None:
        """Fit the probe to the networks as they are, and judge it."""

        def report(done: int, total: int) -> None:
            progress("probe", done, total, "the networks as they were")

        self.probe.fit(self._vectors(train, report), train.codes)
        self._end_epoch(math.nan, validation)

    def _epoch(self, train: Labelled, progress: Progress) -> list[float]:
        """Go through all training slides once, in random order, and return their losses."""
        epoch, config = self.state.epoch + 1, self.config
        order = np.random.default_rng([config.seed, epoch]).permutation(len(train))
        counts = np.bincount(train.codes, minlength=len(self.classes))
        balance = len(train) / (len(counts) * counts)
        steps, losses = -(-len(order) // config.slides_per_step), []
        for step in range(steps):
            chosen = order[step * config.slides_per_step : (step + 1) * config.slides_per_step]
            done = (epoch - 1) * steps + step
            rate = one_cycle(done, config.epochs * steps, config.peak_rate)
            self._optimiser.param_groups[0]["lr"] = rate
            self._optimiser.zero_grad(set_to_none=True)
            for place in chosen:
                code, vector = int(train.codes[place]), self._drawn(train, epoch, int(place))
                losses.append(self._backward(vector, code, balance[code] / len(chosen)))
            nn.utils.clip_grad_norm_(self._parameters, MAX_GRADIENT)
            self._optimiser.step()
            text = f"loss {np.mean(losses):.3f}, validation {self.state.best_score:.3f}"
            progress("fine-tuning", done + 1, config.epochs * steps, text)
        return losses

    def _drawn(self, slides: Labelled, epoch: int, place: int) -> Tensor:
        """Return the vector of a slide as this epoch shows it."""
        bag, config = slides.bags[place], self.config
        if self._kept is not None:
            return self._kept.vector(bag)
        rng = np.random.default_rng([config.seed, epoch, place])
        patches = bag.draw(config.patches_per_slide, rng)
        return self._vector(augmented(patches, config.stain_gain, rng))

    def _backward(self, vector: Tensor, code: int, weight: float) -> float:
        """Add the gradients of one slide and return its loss, unweighted."""
        logits = self.probe(vector)
        target = torch.tensor(code, device=logits.device)
        loss = nn.functional.cross_entropy(logits, target)
        self._require_finite(loss)
        (weight * loss).backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def _require_finite(self, values: Tensor) -> None:
        if not values.isfinite().all():
            msg = (
                f"The networks gave NaN or infinity in epoch {self.state.epoch + 1}. Epochs before "
                "it are kept; lower peak_rate and train into a new folder."
            )
            raise NonFiniteVectorError(msg)

    def _vector(self, patches: Patches) -> Tensor:
        """Return the slide vector of patches, which go through the networks a few at a time."""
        few = self.runtime.images_per_pass
        vectors, scores = [], []
        for pixels in torch.split(torch.from_numpy(patches).permute(0, 3, 1, 2), few):
            with self.runtime.autocast():
                features = self.model(pixels.to(self.runtime.device), few)
            vectors.append(features.vectors.float())
            scores.append(features.context_scores.float())
        rule = self.model.fusion.patch_weights
        return fuse_patches(torch.cat(vectors), torch.cat(scores), rule)

    @torch.inference_mode()
    def _vectors(
        self, slides: Labelled, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return the slide vectors, shape (slide, length), of patches fixed by the seed."""
        rows = []
        for number, bag in enumerate(slides.bags):
            if self._kept is None:
                # Epoch 0 is never trained: these patches are the same in all epochs.
                rng = np.random.default_rng([self.config.seed, 0, number])
                vector = self._vector(bag.draw(self.config.judged_patches, rng))
            else:
                vector = self._kept.vector(bag)
            rows.append(vector.float().cpu().numpy())
            if progress:
                progress(number + 1, len(slides))
        return np.stack(rows)

    def _end_epoch(self, loss: float, validation: Labelled) -> bool:
        """Judge the validation slides, note the epoch, and return whether it is the best."""
        chances, state = self.probabilities(validation), self.state
        found = log_loss(validation.codes, chances, labels=range(len(self.classes)))
        score = balanced_accuracy_score(validation.codes, chances.argmax(1))
        state.epoch = len(state.history)
        state.history.append(
            {
                "epoch": state.epoch,
                "rate": self._optimiser.param_groups[0]["lr"],
                "loss": loss,
                "validation_loss": float(found),
                "validation": float(score),
            }
        )
        is_best = bool(found < state.best_loss)
        if is_best:
            state.best_loss, state.best_score = float(found), float(score)
            state.best_epoch = state.epoch
        return is_best

    def _modules(self) -> dict[str, nn.Module]:
        if self._kept is None:
            return {"model": self.model, "probe": self.probe}
        # Never the frozen networks, whose weights may not be copied.
        attention = {
            scale: network.attention
            for scale, network in self.model.attended().items()
            if network.attention is not None
        }
        return {**attention, "probe": self.probe}

    def _save(self, path: Path) -> None:
        save_checkpoint(path, self.state, self._modules(), self._optimiser)

    def _restore(self, path: Path) -> None:
        self.state = load_checkpoint(path, self.state.settings, self._modules(), self._optimiser)
