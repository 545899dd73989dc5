"""How every patch of a slide is read, so that it shows the target spacing."""

import math
from dataclasses import dataclass

from msfusion_sdk.config import PatchConfig
from msfusion_sdk.errors import SlideResolutionError
from msfusion_sdk.slides.readers.levels import choose_level

__all__ = ["PatchPlan", "plan_patches"]


@dataclass(frozen=True)
class PatchPlan:
    """How every patch of one slide is read."""

    level: int
    l0_size: float
    """Patch edge in level-0 pixels; not rounded."""
    level_size_px: int
    """Patch edge in pixels of ``level``: what is read."""
    out_size_px: int
    """Patch edge after resampling: what the networks see."""
    effective_mpp: float
    """µm per pixel of the patch that the networks see."""
    warnings: tuple[str, ...] = ()

    @property
    def l0_size_px(self) -> int:
        """Patch edge rounded to whole level-0 pixels."""
        return round(self.l0_size)

    @property
    def is_resampled(self) -> bool:
        """Whether pixels are interpolated or averaged after reading."""
        return self.level_size_px != self.out_size_px


def plan_patches(downsamples: tuple[float, ...], mpp: float, config: PatchConfig) -> PatchPlan:
    """Decide from which level patches are read, and how large.

    Within ``resample_tolerance`` of the target nothing is resampled; otherwise the same
    microns are read and brought to ``patch_size_px``.

    Raises
    ------
    SlideResolutionError
        When level 0 is more than ``max_upsample`` times coarser than the target.
    """
    size, target = config.patch_size_px, config.target_mpp
    level = choose_level(downsamples, mpp, target * (1 + config.resample_tolerance))
    level_mpp = mpp * downsamples[level]
    factor = level_mpp / target
    warnings: tuple[str, ...] = ()
    if abs(factor - 1) <= config.resample_tolerance:
        level_size = size
    else:
        if factor > config.max_upsample:
            msg = (
                f"The slide has {mpp:g} µm per pixel and the model wants {target:g}: enlarging it "
                f"{factor:.2f} times is beyond max_upsample={config.max_upsample:g}. Use a finer "
                "scan; if mpp is wrong in the header, pass the true one; to enlarge all the same, "
                f"raise max_upsample (--max-upsample {math.ceil(factor)})."
            )
            raise SlideResolutionError(msg)
        level_size = round(size * target / level_mpp)
        if factor > 1:
            enlarged = (
                f"enlarged {factor:.2f} times: the slide has {mpp:g} µm per pixel, the model "
                f"wants {target:g}"
            )
            warnings = (enlarged,)
    return PatchPlan(
        level=level,
        l0_size=level_size * downsamples[level],
        level_size_px=level_size,
        out_size_px=size,
        effective_mpp=level_size * level_mpp / size,
        warnings=warnings,
    )
