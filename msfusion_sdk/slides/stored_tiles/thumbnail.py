"""A level of a slide made small, strip by strip, so that memory does not grow with the level."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["fitted_size", "shrunk"]

_STRIP_PX = 32_000_000
"""Pixels of the level in memory at once: 96 MB."""
_GAP = 2.0
"""A box average comes first down to this many times the wanted size, as in Pillow."""


def shrunk(
    read: Callable[[int, int], NDArray[np.uint8]],
    level_size: tuple[int, int],
    size: tuple[int, int],
) -> Image.Image:
    """Return a picture that fits into ``size``, as Pillow's ``thumbnail`` makes it.

    Parameters
    ----------
    read : callable
        From the first row of a strip and its height to its pixels, shape (height, width, 3).
    level_size : (width, height), pixels
    size : (width, height), pixels
        The picture has the shape of the level and is never larger than it.
    """
    width, height = level_size
    wanted = fitted_size(level_size, size)
    across, down = (
        max(1, int(have / want / _GAP)) for have, want in zip(level_size, wanted, strict=True)
    )
    small = Image.new("RGB", (math.ceil(width / across), math.ceil(height / down)))
    # Whole boxes, so that strips do not show.
    step = max(1, _STRIP_PX // width // down) * down
    for top in range(0, height, step):
        strip = Image.fromarray(read(top, min(step, height - top)))
        small.paste(strip.reduce((across, down)), (0, top // down))
    box = (0, 0, width / across, height / down)
    return small.resize(wanted, Image.Resampling.LANCZOS, box=box)


def fitted_size(have: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the same shape within ``most``, rounded to the nearest shape."""
    if have[0] <= most[0] and have[1] <= most[1]:
        return have
    aspect = have[0] / have[1]
    if most[0] / most[1] >= aspect:
        return _nearest(most[1] * aspect, lambda x: abs(aspect - x / most[1])), most[1]
    return most[0], _nearest(most[0] / aspect, lambda y: abs(aspect - most[0] / y) if y else 0)


def _nearest(length: float, error: Callable[[int], float]) -> int:
    return max(1, min(math.floor(length), math.ceil(length), key=error))
