"""The quality of every patch of a slide: five numbers, and whether they are good enough."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import QualityConfig
from msfusion_sdk.slides.quality.bubbles import bubble_mask
from msfusion_sdk.slides.quality.dust import DUST_MPP, dust_share
from msfusion_sdk.slides.quality.focus import FOCUS_MPP, focus
from msfusion_sdk.slides.quality.tissue_folds import fold_mask
from msfusion_sdk.slides.tissue.mask import TissueMask
from msfusion_sdk.slides.tissue.overview import Overview

__all__ = ["PatchQuality", "SlideQuality", "quality_factor", "quality_problem"]

Mask = NDArray[np.bool_]

LEAST_FACTOR = 0.01
"""What the weight of the worst patch is multiplied by, so that a slide always has a vector."""


class PatchQuality(NamedTuple):
    """What is measured of one patch, in the order of the columns of the patch table."""

    focus: float
    """Sharpness, higher is sharper; NaN where the tissue is too pale to tell."""
    fold: float
    """Share of the patch, 0 to 1, as the others below."""
    bubble: float
    pen: float
    dust: float


@dataclass(frozen=True)
class SlideQuality:
    """Where the overview of a slide shows folds, bubbles and pen."""

    fold: Mask
    bubble: Mask
    pen: Mask
    l0_step: tuple[float, float]

    @classmethod
    def of(cls, overview: Overview, tissue: TissueMask) -> Self:
        """Return what is wrong with the image of a slide, seen from afar."""
        nothing = np.zeros(tissue.mask.shape, np.bool_)
        pen = nothing if tissue.ink is None else tissue.ink
        return cls(
            fold_mask(overview.pixels, tissue.mask, overview.mpp),
            bubble_mask(overview.pixels, overview.mpp),
            pen,
            overview.l0_step,
        )

    def of_patch(
        self, pixels: Pixels, mpp: float, location: tuple[int, int], l0_size: int
    ) -> PatchQuality:
        """Return the quality of one patch.

        Parameters
        ----------
        pixels : shape (edge, edge, 3)
            RGB, in the slide's own colours.
        mpp : float
            µm per pixel of ``pixels``.
        location, l0_size : level-0 pixels
            Top-left corner (x, y) and edge.
        """
        small = _shrunk(pixels, mpp, FOCUS_MPP)
        smaller = _shrunk(small, max(mpp, FOCUS_MPP), DUST_MPP)
        (left, right), (top, bottom) = (
            # Every overview pixel that the patch touches: it may be smaller than one.
            (int(start / step), math.ceil((start + l0_size) / step))
            for start, step in zip(location, self.l0_step, strict=True)
        )
        fold, bubble, pen = (
            float(mask[top:bottom, left:right].mean())
            for mask in (self.fold, self.bubble, self.pen)
        )
        return PatchQuality(focus(small), fold, bubble, pen, dust_share(smaller))


def quality_problem(quality: PatchQuality, config: QualityConfig) -> str:
    """Return why a patch is not good enough; '' where it is."""
    if "focus" in config.by and quality.focus < config.min_focus:
        return f"out of focus: {quality.focus:.2f}"
    name = max(_shares(quality, config), key=lambda name: getattr(quality, name), default="")
    share = getattr(quality, name) if name else 0.0
    return f"{name}: {100 * share:.0f} %" if share > config.max_share else ""


def quality_factor(quality: PatchQuality, config: QualityConfig) -> float:
    """Return what the weight of a patch is multiplied by, 0.01 to 1."""
    factor = 1.0
    if "focus" in config.by and quality.focus < config.min_focus:  # never of NaN
        factor = quality.focus / config.min_focus
    worst = max((getattr(quality, name) for name in _shares(quality, config)), default=0.0)
    return max(LEAST_FACTOR, factor * (1 - worst))


def _shares(quality: PatchQuality, config: QualityConfig) -> list[str]:
    return [name for name in quality._fields[1:] if name in config.by]


def _shrunk(pixels: Pixels, mpp: float, wanted_mpp: float) -> Pixels:
    # Enlarging adds no detail that could be measured.
    if mpp >= wanted_mpp:
        return pixels
    height, width = (max(1, round(edge * mpp / wanted_mpp)) for edge in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
