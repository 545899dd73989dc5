"""Draw something that looks like H&E from far enough: no real tissue, no licence, any size."""

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels

__all__ = [
    "EOSIN",
    "GLASS",
    "HAEMATOXYLIN",
    "LUMEN",
    "TEXTURE_PX",
    "Tissue",
    "blur",
    "draw_on_all_sides",
    "he_texture",
    "noise",
    "tissue_map",
]

Tissue = Literal["resection", "core", "none", "full"]
"""One large piece, a needle core, bare glass, or tissue from edge to edge."""

GLASS = (243, 242, 244)
TEXTURE_PX = 1024
EOSIN, HAEMATOXYLIN, LUMEN = (224, 150, 186), (104, 62, 132), (240, 236, 240)


def he_texture(seed: int) -> Pixels:
    """Return a seamless square of ``TEXTURE_PX``: stroma, nuclei of 6 to 10 µm, a few lumina.

    Drawn for 0.25 µm per pixel.
    """
    return _drawn(seed).copy()


@lru_cache(maxsize=16)  # a second each, and tests draw many slides with the same
def _drawn(seed: int) -> Pixels:
    rng = np.random.default_rng(seed)
    size = TEXTURE_PX
    stroma = (
        np.asarray(EOSIN)
        + 16 * noise(rng, size, 24)[..., None]
        + 9 * noise(rng, size, 3)[..., None]
    )
    lumina = np.clip(1.5 * (noise(rng, size, 40) - 1.6), 0, 1)[..., None]
    image = stroma * (1 - lumina) + np.asarray(LUMEN) * lumina
    nuclei = np.zeros((size, size), np.float32)
    for x, y in rng.integers(0, size, (700, 2)):
        if lumina[y, x] > 0.3:
            continue
        axes = rng.integers(11, 20, 2)
        angle = float(rng.uniform(0, 180))
        draw_on_all_sides(nuclei, (int(x), int(y)), (int(axes[0]), int(axes[1])), angle)
    chromatin = blur(nuclei, 1.5)[..., None] * (0.85 + 0.1 * noise(rng, size, 2)[..., None])
    image = image * (1 - chromatin) + np.asarray(HAEMATOXYLIN) * chromatin
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def tissue_map(
    kind: Tissue, width: int, height: int, coverage: float, seed: int
) -> NDArray[np.float32]:
    """Return how much tissue there is at every place, 0 to 1, shape (height, width)."""
    if kind in ("none", "full"):
        return np.full((height, width), float(kind == "full"), np.float32)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = 2 * x / width - 1, 2 * y / height - 1
    wobble = cv2.resize(noise(rng, 256, 24), (width, height), interpolation=cv2.INTER_CUBIC)
    if kind == "core":
        # A needle core: a bent band across the slide.
        distance = (
            np.abs(y - 0.25 * np.sin(2.5 * x)) + 0.04 * wobble + 4 * np.maximum(np.abs(x) - 0.85, 0)
        )
    else:
        distance = np.hypot(x, y) + 0.18 * wobble
    limit = np.quantile(distance, coverage)
    soft = cv2.GaussianBlur((distance < limit).astype(np.float32), (0, 0), 0.7)
    return np.asarray(soft, np.float32)


def draw_on_all_sides(
    nuclei: NDArray[np.float32], centre: tuple[int, int], axes: tuple[int, int], angle: float
) -> None:
    """Draw an ellipse of ones into a square whose opposite borders touch.

    Parameters
    ----------
    nuclei : shape (size, size)
        Changed in place.
    centre : (x, y)
    axes : half of its width and height
    angle : degrees
    """
    size = len(nuclei)
    for dx in (-size, 0, size):
        for dy in (-size, 0, size):
            there = (centre[0] + dx, centre[1] + dy)
            cv2.ellipse(nuclei, there, axes, angle, 0, 360, 1.0, -1)


def noise(rng: np.random.Generator, size: int, sigma: float) -> NDArray[np.float32]:
    """Return smooth noise of mean 0 and deviation 1 that repeats without an edge."""
    blurred = blur(rng.standard_normal((size, size)).astype(np.float32), sigma)
    return np.asarray((blurred - blurred.mean()) / blurred.std(), np.float32)


def blur(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur a square whose opposite borders touch."""
    pad = min(len(field), int(4 * sigma) + 1)
    wrapped = np.pad(field, pad, mode="wrap")
    return np.asarray(cv2.GaussianBlur(wrapped, (0, 0), sigma)[pad:-pad, pad:-pad], np.float32)
