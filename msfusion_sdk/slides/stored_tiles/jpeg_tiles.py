"""Read level 0 of a tiled JPEG TIFF without OpenSlide: the same pixels, several times as fast.

The directory is parsed once; each stored tile is one read and one call of libjpeg-turbo.
Whatever is out of the ordinary (a tile that is absent, short or damaged, a disk that fails)
is a ``TileError``, upon which the caller asks OpenSlide, so that every answer and every error
stays OpenSlide's.
"""

import os
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.slides.stored_tiles.damage import DAMAGE
from msfusion_sdk.slides.stored_tiles.jpeg_stream import (
    TileCoding,
    TileError,
    coding_signature,
    decode_tile,
)
from msfusion_sdk.slides.stored_tiles.ndpi import opened_tiff
from msfusion_sdk.slides.stored_tiles.tiff_facts import COLOURS

__all__ = ["JpegTiles", "TileIndex", "index_tiles"]

JPEG, CONTIGUOUS = 7, 1
CACHE_BYTES = 32 * 2**20
"""Room for what a row of 30 patches shares with the next row."""


@dataclass(frozen=True)
class TileIndex:
    """Where the stored tiles of level 0 are, and how they are compressed."""

    size: tuple[int, int]
    """(width, height) of the image, pixels."""
    coding: TileCoding
    offsets: NDArray[np.uint64]
    lengths: NDArray[np.uint64]
    """Bytes; a number per stored tile, row by row."""

    @property
    def across(self) -> int:
        """Stored tiles in a row."""
        return -(-self.size[0] // self.coding.width)

    def location(self, number: int) -> tuple[int, int]:
        """Return the top-left (x, y) of a stored tile, level-0 pixels."""
        row, column = divmod(number, self.across)
        return (column * self.coding.width, row * self.coding.height)


def index_tiles(path: Path) -> TileIndex | None:
    """Return the index of the first image, or None when it is not what ``JpegTiles`` reads."""
    try:
        with opened_tiff(path) as file:
            page = file.pages.first
            ordinary = page.is_tiled and page.planarconfig == CONTIGUOUS
            if not (ordinary and page.compression == JPEG and page.photometric in COLOURS):
                return None
            coding = TileCoding(
                int(page.tilewidth),
                int(page.tilelength),
                COLOURS[page.photometric],
                page.jpegtables,
            )
            return TileIndex(
                size=(int(page.imagewidth), int(page.imagelength)),
                coding=coding,
                offsets=np.asarray(page.dataoffsets, np.uint64),
                lengths=np.asarray(page.databytecounts, np.uint64),
            )
    except (OSError, *DAMAGE):  # OpenSlide says what is wrong
        return None


class JpegTiles:
    """The stored tiles of an open file; may be shared by threads, and survives a fork.

    There is no lock, which a fork could copy while it is held: reads name their place in the
    file, and two threads that decode one tile at once get the same pixels.
    """

    def __init__(self, path: Path, index: TileIndex) -> None:
        self.index = index
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # Closed with the last of the handles that share this object.
        weakref.finalize(self, os.close, self._file)
        self._cache: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._codings: set[bytes] | None = None
        self._room = CACHE_BYTES // (3 * index.coding.width * index.coding.height)

    def trust_codings(self, numbers: Iterable[int]) -> None:
        """Read only tiles that are coded like those of these numbers."""
        codings = set()
        for number in numbers:
            with suppress(TileError):
                codings.add(coding_signature(self._bytes(number)))
        self._codings = codings

    def read(
        self, location: tuple[int, int], size: tuple[int, int], background: tuple[int, int, int]
    ) -> tuple[NDArray[np.uint8], int]:
        """Return a region of level 0, and how many of its pixels lie beyond the slide.

        Parameters
        ----------
        location : (x, y), level-0 pixels, inside the slide
        size : (width, height), pixels

        Raises
        ------
        TileError
        """
        (x, y), (width, height) = location, size
        right, bottom = min(x + width, self.index.size[0]), min(y + height, self.index.size[1])
        pixels = np.empty((height, width, 3), np.uint8)
        pixels[bottom - y :] = background
        pixels[:, right - x :] = background
        for number in self._touched(x, y, right, bottom):
            left, top = self.index.location(number)
            x0, x1 = max(x, left), min(right, left + self.index.coding.width)
            y0, y1 = max(y, top), min(bottom, top + self.index.coding.height)
            # A tile that lies inside the region is no part of its neighbours.
            is_shared = left < x or top < y or left + self.index.coding.width > right
            is_shared |= top + self.index.coding.height > bottom
            tile = self._tile(number, keep=is_shared)
            pixels[y0 - y : y1 - y, x0 - x : x1 - x] = tile[
                y0 - top : y1 - top, x0 - left : x1 - left
            ]
        return pixels, width * height - (right - x) * (bottom - y)

    def _touched(self, x: int, y: int, right: int, bottom: int) -> Iterator[int]:
        """Yield the numbers of the stored tiles of a box."""
        width, height = self.index.coding.width, self.index.coding.height
        for row in range(y // height, -(-bottom // height)):
            for column in range(x // width, -(-right // width)):
                yield row * self.index.across + column

    def _tile(self, number: int, *, keep: bool) -> NDArray[np.uint8]:
        # A thread that misses what another is decoding decodes it too: cheaper than waiting.
        tile = self._cache.get(number)
        if tile is None:
            data = self._bytes(number)
            if self._codings is not None and coding_signature(data) not in self._codings:
                raise TileError
            tile = decode_tile(data, self.index.coding)
            if keep:
                self._cache[number] = tile
                while len(self._cache) > max(1, self._room):
                    self._cache.popitem(last=False)
        return tile

    def _bytes(self, number: int) -> bytes:
        length = int(self.index.lengths[number])
        try:
            data = os.pread(self._file, length, int(self.index.offsets[number]))
        except (OSError, OverflowError) as error:
            raise TileError from error
        # Length 0 is a tile that the file leaves out; OpenSlide knows what it shows.
        if not length or len(data) < length:
            raise TileError
        return data
