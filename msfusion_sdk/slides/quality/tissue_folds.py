"""Where tissue lies on tissue: folds, on the overview of a slide.

Light goes through two layers of tissue, so by the law of Beer and Lambert the optical density of a
fold is twice that of the same tissue beside it, in every channel.  Dense nuclei are dark as well,
but far more in red than in green, so the channel that rises least decides.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.slides.tissue.ink import disk

__all__ = ["fold_mask"]

Mask = NDArray[np.bool_]

TWICE, DENSE = 1.45, 1.1
"""Optical density, in every channel, over that of the surroundings and of the slide's tissue."""
AROUND_UM = 800.0
ALIKE = 1.5
"""The channel that rises most over the one that rises least."""
SMOOTH_PX = 3
SMALLEST_UM2, BRIDGE_UM = 6_000.0, 40.0


def fold_mask(pixels: Pixels, tissue: Mask, mpp: float) -> Mask:
    """Return where an overview shows folds.

    Parameters
    ----------
    pixels : shape (height, width, 3)
        RGB near 8 µm per pixel.
    tissue : shape (height, width)
    mpp : float
        µm per pixel of the overview.
    """
    if not tissue.any():
        return np.zeros(tissue.shape, np.bool_)
    density = _density(cv2.blur(pixels, (SMOOTH_PX, SMOOTH_PX)))
    # Never below 0.02: tissue nearly as pale as glass would give quotients of noise.
    usual = np.maximum(np.median(density[tissue], axis=0), 0.02)
    around = np.maximum(_around(density, tissue, AROUND_UM / mpp), 0.02)
    rise = density / around
    is_alike = rise.max(-1) < ALIKE * rise.min(-1)
    is_double = is_alike & (rise.min(-1) > TWICE) & ((density / usual).min(-1) > DENSE)
    closed = cv2.morphologyEx(
        (is_double & tissue).astype(np.uint8), cv2.MORPH_CLOSE, disk(BRIDGE_UM / mpp)
    )
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    is_large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST_UM2 / mpp**2
    # Label 0 is what is no fold, the largest part of all.
    is_large[0] = False
    return np.asarray(is_large[labels] & tissue, np.bool_)


def _around(density: NDArray[np.float32], tissue: Mask, edge_px: float) -> NDArray[np.float32]:
    """Return the mean density of the tissue in a square around every pixel."""
    edge = (max(3, round(edge_px)),) * 2
    weight = tissue.astype(np.float32)
    # Glass is in neither of the two means: tissue at an edge is compared with tissue.
    share = cv2.blur(weight, edge)
    total = cv2.blur(density * weight[..., None], edge)
    return np.asarray(total / np.maximum(share, 1e-3)[..., None], np.float32)


def _density(pixels: cv2.typing.MatLike) -> NDArray[np.float32]:
    """Return the optical density of every channel, with the slide's glass at 0."""
    # Not below 200: an overview full of tissue shows no glass that could be taken as white.
    glass = np.maximum(np.quantile(pixels.reshape(-1, 3), 0.99, axis=0), 200)
    values = np.arange(256)[:, None].clip(1) / glass
    table = np.maximum(-np.log10(values), 0).astype(np.float32)
    return np.stack([table[pixels[..., c], c] for c in range(3)], -1)
