"""An open slide cut into Deep Zoom tiles."""

import math
import os
from io import BytesIO
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from msfusion_sdk.errors import SlideNotFoundError
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.view.bounded import BoundedCache
from msfusion_sdk.view.pyramid import Pyramid

if TYPE_CHECKING:
    from openslide import AbstractSlide

__all__ = ["TILE_PX", "TiledSlide"]

TILE_PX = 256
"""The size of most stored tiles: without overlap, one is decoded for each that is shown."""
QUALITY = 85
MAX_READ_PX = 16_000_000
"""A slide without small levels is not shown smaller than a tile can be made of this many."""
TILE_BYTES = 16_000_000


class TiledSlide:
    """Tiles of one slide as JPEG; Deep Zoom counts levels from the smallest.

    Parameters
    ----------
    path : path
    mpp : float, optional
        As in ``open_slide``.

    Raises
    ------
    SlideError
        When the slide cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], mpp: float | None) -> None:
        try:
            self.slide = open_slide(path, mpp=mpp)
        except ValueError as error:
            # A zero byte in a path; no error of ours about slides is a ValueError.
            msg = f"The slide table has a path that no file can have: {error}. Correct it."
            raise SlideNotFoundError(msg) from error
        self._pyramid = Pyramid(self.slide)
        # It lays the tiles and does not read: for that, Pyramid has all that it uses.
        self._zoom = DeepZoomGenerator(cast("AbstractSlide", self._pyramid), TILE_PX, 0)
        self._made = BoundedCache[tuple[int, int, int], bytes](TILE_BYTES, len)
        self.max_level = self._zoom.level_count - 1
        self.min_level = next(level for level in range(self.max_level + 1) if self._is_light(level))

    def has(self, level: int, column: int, row: int) -> bool:
        """Return whether there is such a tile."""
        if not self.min_level <= level <= self.max_level:
            return False
        columns, rows = self._zoom.level_tiles[level]
        return 0 <= column < columns and 0 <= row < rows

    def tile(self, level: int, column: int, row: int) -> bytes:
        """Return a tile that there is.

        Raises
        ------
        SlideError
            When the file has gone or changed, or its pixels cannot be decoded.
        """
        self.slide.require_unchanged()
        at = (level, column, row)
        if (made := self._made.get(at)) is None:
            made = self._made.add(at, _jpeg(self.pixels(level, column, row)))
        return made

    def pixels(self, level: int, column: int, row: int) -> NDArray[np.uint8]:
        """Return the pixels of a tile, RGB; between two levels of the slide, means of the finer."""
        location, of, size = self._zoom.get_tile_coordinates(level, (column, row))
        wanted = self._zoom.get_tile_dimensions(level, (column, row))
        pixels = self._pyramid.read(location, of, size)
        if size == wanted:
            return pixels
        # The generator's own way takes twice the time, most of it for transparency.
        return np.asarray(cv2.resize(pixels, wanted, interpolation=cv2.INTER_AREA), np.uint8)

    def close(self) -> None:
        """Release the file."""
        self._pyramid.close()

    def _is_light(self, level: int) -> bool:
        _, _, (width, height) = self._zoom.get_tile_coordinates(level, (0, 0))
        return math.prod((width, height)) <= MAX_READ_PX


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    data = BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=QUALITY)
    return data.getvalue()
