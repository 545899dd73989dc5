"""Settings of a training run, and its learning rate."""

import math

from pydantic import Field

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.pretraining.augment import AugmentConfig
from msfusion_sdk.pretraining.views import Scale

__all__ = ["WARM", "TrainConfig", "one_cycle"]

WARM = 0.25
"""Share of a run in which the learning rate rises; scores mean little before its end."""


class TrainConfig(FrozenConfig):
    """Settings of one training run."""

    _added = frozenset({"attention_weight"})

    tile_mpp: float = Field(gt=0, description="spacing of the tile files; never guessed")
    target_mpp: float = Field(0.25, gt=0)
    epochs: int = Field(150, ge=1, description="of the context network")
    patience: int = Field(40, ge=1, description="epochs without a better validation loss")
    batch_size: int = Field(32, ge=2)
    image_px: int = Field(
        576, ge=32, description="edge of the encoder's images: scores are made at that size"
    )
    detail_view_px: int = Field(160, ge=32)
    context_view_px: int = Field(112, ge=32)
    peak_rate: float = Field(7e-4, gt=0, description="3e-3 collapses")
    weight_decay: float = Field(0.05, ge=0)
    group_weight: float = Field(
        0.5, ge=0, description="of the loss that tells groups apart; the class loss has 1"
    )
    attention_weight: float = Field(
        1.0,
        ge=0,
        description="of the loss that lets attention follow the finding, where a class without it"
        " is named; 0 trains on whole images alone",
    )
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


def one_cycle(step: int, steps: int, peak: float, warm: float = WARM) -> float:
    """Return the learning rate of a step: cosine up to ``peak``, cosine down to almost zero.

    Source: Smith and Topin, arXiv:1708.07120; the cosine form is fastai's.
    """
    # fastai's numbers: a start at 1/25 of the peak, an end near 0.
    low, turn = peak / 25, max(1.0, warm * steps)
    if step < turn:
        return low + (peak - low) * (1 - math.cos(math.pi * step / turn)) / 2
    share = min(1.0, (step - turn) / max(1.0, steps - turn))
    return peak * (1 + math.cos(math.pi * share)) / 2 + peak / 1e4
