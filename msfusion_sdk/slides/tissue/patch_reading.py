"""Read one patch at the spacing the model wants."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan

__all__ = ["PatchPixels", "read_patch", "resample"]


@dataclass(frozen=True)
class PatchPixels:
    """One patch as the networks see it."""

    pixels: NDArray[np.uint8]
    """Shape (patch_size_px, patch_size_px, 3), RGB."""
    missing_share: float
    """Share of the patch that the file does not hold; it shows the background colour."""


def read_patch(slide: Slide, location: tuple[int, int], plan: PatchPlan) -> PatchPixels:
    """Read the patch whose top-left corner is ``location``, level-0 pixels (x, y).

    Parameters
    ----------
    slide : Slide
        Open.
    location : (x, y)
        Level-0 pixels.
    plan : PatchPlan
        From which level, and how large.

    Raises
    ------
    SlideCorruptError
        When its pixels cannot be decoded.
    """
    edge = plan.level_size_px
    region = slide.read(location, plan.level, (edge, edge))
    missing = region.transparent_px / edge**2
    return PatchPixels(resample(region.pixels, plan.out_size_px), missing)


def resample(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Bring a square image to ``size`` pixels: area mean to shrink, bicubic to enlarge."""
    edge = pixels.shape[0]
    if edge == size:
        return pixels
    method = cv2.INTER_AREA if edge > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=method), np.uint8)
