"""Settings of a fine-tuning."""

from pydantic import Field

from msfusion_sdk.config import FrozenConfig

__all__ = ["FineTuneConfig"]


class FineTuneConfig(FrozenConfig):
    """Settings of one fine-tuning from slide labels."""

    epochs: int = Field(10, ge=1)
    patience: int = Field(4, ge=1, description="epochs without a better validation loss")
    patches_per_slide: int = Field(8, ge=1, description="drawn anew in every epoch")
    judged_patches: int = Field(32, ge=1, description="of a slide that is only judged, fixed")
    slides_per_step: int = Field(4, ge=1, description="whose gradients make one step")
    peak_rate: float = Field(2e-5, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    stain_gain: float = Field(
        0.2, ge=0, lt=1, description="optical density of each channel of a bag times 1 ± this"
    )
    seed: int = 0
