"""Random geometry and stain for training tiles, so that colour alone cannot be learned.

All functions take and return 8-bit RGB arrays, shape (height, width, 3).

torchvision's transforms do not do the same: none changes optical density or Lab statistics, and
its rotations fill the corners with one colour, which would tell a turned tile from another one.
Here zoom, rotation, flip and cut are one interpolation, and what lies beyond is mirrored.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import FrozenConfig

__all__ = ["AugmentConfig", "grey", "match_stain", "random_view", "scale_stain", "warp"]


class AugmentConfig(FrozenConfig):
    """Ranges of the augmentation.  Shares are probabilities."""

    max_zoom: float = 1.6
    """Scale is drawn log-uniformly between 1/max_zoom and max_zoom."""
    stain_gain: float = 0.35
    """Optical density of each channel is multiplied by 1 ± this."""
    match_share: float = 0.5
    """Share of tiles whose Lab statistics are moved to random ones."""
    grey_share: float = 0.1
    blur_share: float = 0.25
    lab_mean: tuple[float, float, float] = (63.0, 20.0, -14.0)
    lab_mean_spread: tuple[float, float, float] = (8.0, 8.0, 6.0)
    lab_std: tuple[float, float, float] = (16.0, 9.0, 7.0)
    lab_std_spread: float = 0.25
    """Log-normal spread of the target standard deviations."""


def warp(
    image: Pixels,
    size_px: int,
    *,
    scale: float,
    angle: float,
    flip: bool,
    centre: tuple[float, float],
) -> Pixels:
    """Return a square of ``size_px`` cut around ``centre`` after zoom, rotation and flip.

    Parameters
    ----------
    scale : float
        Output pixels per input pixel.
    angle : float
        Degrees, counter-clockwise.
    centre : (x, y)
        In pixels of ``image``; what lies beyond its border is mirrored.
    """
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    # The rotation keeps the centre in its place; here it moves to the middle of the view.
    matrix[:, 2] += size_px / 2 - np.asarray(centre, np.float64)
    if flip:
        matrix = np.array([[-1.0, 0, size_px - 1], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
    out = cv2.warpAffine(
        image, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(out, np.uint8)


def scale_stain(image: Pixels, gain: NDArray[np.float32]) -> Pixels:
    """Multiply the optical density of every channel by ``gain``, shape (3,)."""
    steps = np.arange(256, dtype=np.float32)[:, None]
    # Of all 256 values at once; one is added because black has no logarithm.
    table = 256 * np.exp(np.log((steps + 1) / 256) * gain) - 1
    table = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def match_stain(image: Pixels, mean: NDArray[np.float32], std: NDArray[np.float32]) -> Pixels:
    """Move the mean and standard deviation of every Lab channel to the given ones.

    Source: Reinhard et al., IEEE Computer Graphics and Applications 21 (2001) 34-41,
    in CIE Lab (lightness 0..100) instead of lαβ.
    """
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    old_mean, old_std = (value.ravel() for value in cv2.meanStdDev(lab))
    # A tile of one colour has no spread to scale.
    gain = (std / (old_std + 1e-3)).astype(np.float32)
    shift = (mean - old_mean * gain).astype(np.float32)
    rgb = cv2.cvtColor(lab * gain + shift, cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(rgb * 255, 0, 255), np.uint8)


def grey(image: Pixels) -> Pixels:
    """Return luminance in all three channels."""
    return np.asarray(
        cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8
    )


def random_view(
    image: Pixels, size_px: int, scale: float, config: AugmentConfig, rng: np.random.Generator
) -> Pixels:
    """Return one random training view of a tile.

    Parameters
    ----------
    size_px : int
        Edge of the view.
    scale : float
        Output pixels per input pixel before the random zoom: input mpp / output mpp.
    """
    zoom = scale * config.max_zoom ** rng.uniform(-1, 1)
    # How far the centre may move with the view still inside the tile.
    reach = max(0.0, image.shape[0] - size_px / zoom) / 2
    centre = image.shape[0] / 2 + rng.uniform(-reach, reach, 2)
    view = warp(
        image,
        size_px,
        scale=zoom,
        angle=rng.uniform(0, 360),
        flip=rng.random() < 0.5,
        centre=(float(centre[0]), float(centre[1])),
    )
    return _random_stain(_random_blur(view, config, rng), config, rng)


def _random_blur(image: Pixels, config: AugmentConfig, rng: np.random.Generator) -> Pixels:
    if rng.random() >= config.blur_share:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2)), np.uint8)


def _random_stain(image: Pixels, config: AugmentConfig, rng: np.random.Generator) -> Pixels:
    if rng.random() < config.match_share:
        mean = np.asarray(config.lab_mean) + config.lab_mean_spread * rng.standard_normal(3)
        std = np.asarray(config.lab_std) * np.exp(config.lab_std_spread * rng.standard_normal(3))
        image = match_stain(image, mean.astype(np.float32), std.astype(np.float32))
    gain = 1 + config.stain_gain * rng.uniform(-1, 1, 3)
    image = scale_stain(image, gain.astype(np.float32))
    return grey(image) if rng.random() < config.grey_share else image
