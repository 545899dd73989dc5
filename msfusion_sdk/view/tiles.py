"""An open slide cut into Deep Zoom tiles, and the few slides that are kept open."""

import math
from io import BytesIO
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from msfusion_sdk.errors import SlideChangedError, SlideNotFoundError
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.view.bounded import BoundedCache
from msfusion_sdk.view.catalog import ListedSlide
from msfusion_sdk.view.pyramid import Pyramid

if TYPE_CHECKING:
    from openslide import AbstractSlide

__all__ = ["TILE_PX", "Shelf", "TiledSlide"]

TILE_PX = 256
"""The size of most stored tiles: without overlap, one is decoded for each that is shown."""
QUALITY = 85
MAX_READ_PX = 16_000_000
"""A slide without small levels is not shown smaller than a tile can be made of this many."""
OPEN_SLIDES, TILE_BYTES = 4, 16_000_000


class TiledSlide:
    """Tiles of one slide as JPEG; Deep Zoom counts levels from the smallest.

    Parameters
    ----------
    listed : ListedSlide

    Raises
    ------
    SlideError
        When the slide cannot be opened.
    """

    def __init__(self, listed: ListedSlide) -> None:
        try:
            self.slide = open_slide(listed.path, mpp=listed.mpp)
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


class Shelf:
    """The slides that were looked at last, open."""

    def __init__(self) -> None:
        self._open = BoundedCache[str, TiledSlide](OPEN_SLIDES, lambda _: 1, TiledSlide.close)

    def take(self, listed: ListedSlide) -> TiledSlide:
        """Return a slide, opened if it is not open or its file has changed since.

        Raises
        ------
        SlideError
            When it cannot be opened.
        """
        if (found := self._open.get(listed.key)) is not None:
            try:
                found.slide.require_unchanged()
            except SlideChangedError:
                self._open.drop(listed.key)
            else:
                return found
        return self._open.add(listed.key, TiledSlide(listed))

    def close(self) -> None:
        """Close them all."""
        self._open.clear()


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    data = BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=QUALITY)
    return data.getvalue()
