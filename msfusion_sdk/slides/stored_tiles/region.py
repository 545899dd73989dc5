"""What one read of a slide gives."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Region", "composite"]


@dataclass(frozen=True)
class Region:
    """Pixels of one read."""

    pixels: NDArray[np.uint8]
    """Shape (height, width, 3), RGB, composited on the background colour."""
    transparent_px: int
    """Pixels that the file does not hold: outside it, or empty stored tiles."""


def composite(
    rgba: NDArray[np.uint8], background: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], int]:
    """Lay RGBA pixels on a background colour and count the fully transparent ones."""
    # OpenCV separates channels ten times as fast as a strided copy does.
    pixels = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)
    alpha = np.asarray(cv2.extractChannel(rgba, 3), np.uint8)
    # The usual case: nothing to lay on the background, and no further pass over the pixels.
    if alpha.min() == 255:
        return pixels, 0
    is_missing = alpha == 0
    pixels[is_missing] = background
    is_mixed = ~is_missing & (alpha < 255)
    share = alpha[is_mixed][:, None].astype(np.float32) / 255
    mixed = pixels[is_mixed] * share + np.asarray(background, np.float32) * (1 - share)
    pixels[is_mixed] = np.rint(mixed).astype(np.uint8)
    return pixels, int(is_missing.sum())
