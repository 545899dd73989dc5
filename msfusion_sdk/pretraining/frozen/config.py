"""Settings of a training over frozen networks."""

from pydantic import Field

from msfusion_sdk.config import FrozenConfig

__all__ = ["FrozenTrainConfig"]


class FrozenTrainConfig(FrozenConfig):
    """Settings of one training of attention and classifier."""

    tile_mpp: float = Field(gt=0, description="spacing of the tile files; never guessed")
    epochs: int = Field(40, ge=1)
    patience: int = Field(10, ge=1, description="epochs without a better validation loss")
    batch_size: int = Field(64, ge=2)
    peak_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    cache_gb: float = Field(20.0, gt=0, description="limit of the maps on disk, together")
    seed: int = 0
