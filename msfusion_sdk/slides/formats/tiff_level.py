"""One level of a tiled or stripped TIFF, decoded through tifffile, a stored tile at a time."""

import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.stored_tiles.damage import DAMAGE
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileCoding, TileError, decode_tile
from msfusion_sdk.slides.stored_tiles.jpeg_tiles import COLOURS
from msfusion_sdk.slides.stored_tiles.region import composite
from msfusion_sdk.slides.stored_tiles.tiff_facts import MAX_STORED_TILE_PX

__all__ = ["TiffLevel"]

JPEG, CONTIGUOUS = 7, 1
CACHE_BYTES = 32 * 2**20

Tile = tuple[NDArray[np.uint8], int]
"""RGB pixels, and how many of them the file does not hold."""


class TiffLevel:
    """The stored tiles of one directory.

    Parameters
    ----------
    page : TiffPage
        Stays usable after its file was closed.
    file : int
        A descriptor, which the caller closes.

    Raises
    ------
    ValueError
        When sizes cannot be true or are unsafe to allocate.
    """

    def __init__(
        self, page: tifffile.TiffPage, file: int, path: Path, background: tuple[int, int, int]
    ) -> None:
        self.size = (int(page.imagewidth), int(page.imagelength))
        self._page, self._file, self._path, self._background = page, file, path, background
        self._stored = (
            (int(page.tilewidth), int(page.tilelength))
            if page.is_tiled
            else (self.size[0], int(page.rowsperstrip))
        )
        if not 0 < self._stored[0] * self._stored[1] <= MAX_STORED_TILE_PX or min(self.size) < 1:
            msg = f"{self.size} pixels in stored tiles of {self._stored}"
            raise ValueError(msg)
        self._across = -(-self.size[0] // self._stored[0])
        self._planes = 1 if page.planarconfig == CONTIGUOUS else int(page.samplesperpixel)
        needed = self._planes * self._across * -(-self.size[1] // self._stored[1])
        # Otherwise the number of a tile would point to another place of the picture.
        if needed != len(page.dataoffsets):
            msg = f"{len(page.dataoffsets)} stored tiles where {needed} make up the level"
            raise ValueError(msg)
        self._cache: OrderedDict[int, Tile] = OrderedDict()
        self._room = max(1, CACHE_BYTES // (3 * self._stored[0] * self._stored[1]))

    def read(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.uint8], int]:
        """See ``Level.read``."""
        width, height = self._stored
        pixels = np.empty((bottom - top, right - left, 3), np.uint8)
        missing = 0
        for row in range(top // height, -(-bottom // height)):
            for column in range(left // width, -(-right // width)):
                tile, absent = self._tile(row * self._across + column)
                x0, y0 = max(left, column * width), max(top, row * height)
                x1, y1 = min(right, (column + 1) * width), min(bottom, (row + 1) * height)
                part = tile[y0 - row * height : y1 - row * height,
                            x0 - column * width : x1 - column * width]  # fmt: skip
                pixels[y0 - top : y1 - top, x0 - left : x1 - left] = part
                # An absent tile is absent as a whole; of one with transparent pixels the share is
                # taken.
                missing += round(
                    absent / (tile.shape[0] * tile.shape[1]) * part.shape[0] * part.shape[1]
                )
        return pixels, missing

    def _tile(self, number: int) -> Tile:
        tile = self._cache.get(number)
        if tile is None:
            tile = self._cache[number] = self._decoded(number)
            while len(self._cache) > self._room:
                self._cache.popitem(last=False)
        return tile

    def _decoded(self, number: int) -> Tile:
        planes = self._planes
        # Planes are stored one after the other: all tiles of red, then of green, then of blue.
        step = len(self._page.dataoffsets) // planes
        try:
            parts = [self._segment(number + plane * step) for plane in range(planes)]
        except (TileError, OSError, *DAMAGE) as error:
            x, y = number % self._across * self._stored[0], number // self._across * self._stored[1]
            msg = (
                f"{self._path} cannot be decoded at ({x}, {y}) of the level of {self.size[0]} x "
                f"{self.size[1]} pixels: {error or 'damaged JPEG data'}. Copy the slide again, or "
                "skip the region with on_bad_region='skip'."
            )
            raise SlideCorruptError(msg) from error
        held = [part for part in parts if part is not None]
        if not held:
            width, height = self._stored
            blank = np.full((height, width, 3), self._background, np.uint8)
            return blank, width * height
        whole = np.concatenate(held, -1) if planes > 1 else held[0]
        if whole.shape[-1] == 4:
            return composite(np.ascontiguousarray(whole), self._background)
        return np.ascontiguousarray(whole[..., :3]), 0

    def _segment(self, number: int) -> NDArray[np.uint8] | None:
        """Return the pixels of a stored tile, shape (height, width, sample); None if absent."""
        length = int(self._page.databytecounts[number])
        # Writers leave out tiles without content by a length of 0.
        if not length:
            return None
        # With the place in the call, so that threads do not share a position.
        data = os.pread(self._file, length, int(self._page.dataoffsets[number]))
        if len(data) < length:
            msg = "the file is truncated"
            raise ValueError(msg)
        page = self._page
        # As level 0 is decoded elsewhere: strict, so that damage is an error and not grey pixels.
        if page.compression == JPEG and page.photometric in COLOURS and page.is_tiled:
            colours = COLOURS[page.photometric]
            return decode_tile(data, TileCoding(*self._stored, colours, page.jpegtables))
        decoded, _, shape = page.decode(data, number, jpegtables=page.jpegtables)
        if decoded is None:
            return None
        # tifffile gives (depth, height, width, sample).
        pixels: NDArray[np.uint8] = np.asarray(decoded)[0]
        if pixels.dtype != np.uint8 or pixels.shape[:2] < shape[1:3]:
            msg = f"decoded to {pixels.dtype} of {pixels.shape}"
            raise ValueError(msg)
        return pixels
