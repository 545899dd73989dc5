"""A slide whose levels are arrays that can be cut, whatever library opens them."""

import copy
from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.readers.file_kind import Source
from msfusion_sdk.slides.readers.reader import Region, Slide, SlideHeader

__all__ = ["Level", "PyramidReader", "downsamples_of", "reads_of"]

Size = tuple[int, int]


class Level(Protocol):
    """One level of a slide; used by one thread at a time."""

    size: Size
    """(width, height), pixels."""

    def read(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.uint8], int]:
        """Return RGB pixels of a box inside the level, and how many the file does not hold.

        Raises
        ------
        SlideCorruptError
            When they cannot be decoded.
        """


class PyramidReader(Slide):
    """Read regions of levels; what lies beyond them is background.

    A location that is no whole pixel of a level is rounded to the nearest one.
    """

    _levels: tuple[Level, ...]

    def __init__(
        self, source: Source, mpp: float | None, header: SlideHeader, levels: tuple[Level, ...]
    ) -> None:
        self.path, self.stamp, self.mpp_argument = source.path, source.stamp, mpp
        self.header, self._levels = header, levels

    def read(self, location: tuple[int, int], level: int, size: Size) -> Region:
        """See ``Slide.read``."""
        self._require_inside(location, level, size)
        found = self._levels[level]
        (width, height), (whole_x, whole_y) = found.size, self.dimensions
        # By the true sizes, not by the downsample, which is a rounded mean of both axes.
        left = min(round(location[0] * width / whole_x), width - 1)
        top = min(round(location[1] * height / whole_y), height - 1)
        right, bottom = min(left + size[0], width), min(top + size[1], height)
        pixels = np.empty((size[1], size[0], 3), np.uint8)
        pixels[:] = self.header.background
        inside, missing = found.read(left, top, right, bottom)
        pixels[: bottom - top, : right - left] = inside
        outside = size[0] * size[1] - (right - left) * (bottom - top)
        return Region(pixels, missing + outside)

    def reopen(self) -> Self:
        """Return a second, independent handle on the same file."""
        # A copy goes through the door again, as ``opening`` registers it for pickles.
        return copy.copy(self)

    def close(self) -> None:
        """Release the levels, and with them the file."""
        self._levels = ()


def downsamples_of(sizes: tuple[Size, ...]) -> tuple[float, ...]:
    """Return the factor of every level relative to the first, the mean of x and y."""
    width, height = sizes[0]
    return tuple((width / w + height / h) / 2 for w, h in sizes)


def reads_of(levels: Sequence[Level]) -> Callable[[Size, int, Size], NDArray[np.uint8] | None]:
    """Return how ``matching_levels`` reads these levels; what is damaged gives None."""

    def read(location: Size, level: int, size: Size) -> NDArray[np.uint8] | None:
        width, height = levels[level].size
        x, y = (
            round(place * edge / whole)
            for place, edge, whole in zip(location, (width, height), levels[0].size, strict=True)
        )
        try:
            box = (x, y, min(x + size[0], width), min(y + size[1], height))
            return levels[level].read(*box)[0]
        except SlideCorruptError:
            return None

    return read
