"""One level of a tiled or stripped TIFF, decoded through tifffile, a stored tile at a time."""

import os
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.stored_tiles.damage import DAMAGE
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileCoding, TileError, decode_tile
from msfusion_sdk.slides.stored_tiles.region import composite
from msfusion_sdk.slides.stored_tiles.tiff_facts import COLOURS, MAX_STORED_TILE_PX

__all__ = ["TiffLevel"]

JPEG, CONTIGUOUS = 7, 1
YCBCR, REFERENCE, FULL_RANGE = 6, 532, (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
# JPEG 2000 as Aperio's scanners write it: YCbCr, whatever the photometric tag says.
APERIO_YCBCR = 33003
# TIFF 6.0, ExtraSamples; of a sample without a meaning nothing is made.
PREMULTIPLIED, UNPREMULTIPLIED = 1, 2
CACHE_BYTES = 32 * 2**20

Tile = tuple[NDArray[np.uint8], int]
"""RGB pixels, and how many of them the file does not hold."""


class TiffLevel:
    """The stored tiles of one directory.

    Parameters
    ----------
    page : TiffPage
        Of an open file; it stays usable when that is closed.
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
        # Looked up now, from the file: decoding asks for both.
        self._reference, self._is_jfif = page.tags.valueof(REFERENCE, ()), page.is_jfif
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
            held = [part for part in parts if part is not None]
            _require_all_or_none(len(held), planes)
            whole = np.concatenate(held, -1) if held else None
            rgb = None if whole is None else _as_rgb(whole[..., :3], self._page, self._reference)
        except (TileError, OSError, *DAMAGE) as error:
            x, y = number % self._across * self._stored[0], number // self._across * self._stored[1]
            msg = (
                f"{self._path} cannot be decoded at ({x}, {y}) of the level of {self.size[0]} x "
                f"{self.size[1]} pixels: {error or 'damaged JPEG data'}. Copy the slide again "
                "from the scanner or the archive."
            )
            raise SlideCorruptError(msg) from error
        if whole is None or rgb is None:
            width, height = self._stored
            blank = np.full((height, width, 3), self._background, np.uint8)
            return blank, width * height
        alpha = next(iter(self._page.extrasamples), None)
        if alpha not in (PREMULTIPLIED, UNPREMULTIPLIED):
            return np.ascontiguousarray(rgb), 0
        if alpha == PREMULTIPLIED:
            rgb = _divided(rgb, whole[..., 3])
        return composite(np.dstack([rgb, whole[..., 3]]), self._background)

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
        is_plain = page.is_tiled and page.samplesperpixel == 3 and self._planes == 1
        if page.compression == JPEG and page.photometric in COLOURS and is_plain:
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


def _require_all_or_none(held: int, planes: int) -> None:
    if held not in (0, planes):
        msg = f"{planes - held} of {planes} colour planes are absent"
        raise ValueError(msg)


def _as_rgb(
    pixels: NDArray[np.uint8], page: tifffile.TiffPage, reference: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Return decoded samples as RGB; a JPEG decoder has already made RGB of whole pixels.

    Parameters
    ----------
    reference : numerators and denominators of black and white of each sample

    Raises
    ------
    NotImplementedError
        For YCbCr that does not use all of its range.
    """
    is_ycbcr = page.photometric == YCBCR or page.compression == APERIO_YCBCR
    if not is_ycbcr or (page.compression == JPEG and page.planarconfig == CONTIGUOUS):
        return pixels
    numbers = [top / bottom for top, bottom in zip(reference[::2], reference[1::2], strict=True)]
    if numbers and not np.allclose(numbers, FULL_RANGE, atol=1):
        msg = f"YCbCr with reference black and white {numbers}"
        raise NotImplementedError(msg)
    # OpenCV has the red difference before the blue one.
    return np.asarray(cv2.cvtColor(pixels[..., [0, 2, 1]], cv2.COLOR_YCrCb2RGB), np.uint8)


def _divided(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours that alpha is taken out of again, by which they were stored multiplied."""
    share = np.maximum(alpha, 1)[..., None].astype(np.float32) / 255
    return np.rint(np.minimum(pixels / share, 255)).astype(np.uint8)
