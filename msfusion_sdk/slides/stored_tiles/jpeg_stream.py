"""Decode one stored JPEG tile, or say that something about it is not as it should be.

libjpeg mends what is damaged and only warns: it fills in grey where bits run out and skips
bits that are left over.  OpenSlide takes such a warning for an error, and so does simplejpeg
when it is strict.
"""

from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

__all__ = ["TileCoding", "TileError", "decode_tile"]

START_BYTES = END_BYTES = 2
# Adobe's segment says whether colours are RGB (0) or YCbCr (1); a TIFF says it elsewhere.
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
TRANSFORM = {"RGB": b"\x00", "YCBCR": b"\x01"}


class TileError(Exception):
    """A stored tile that OpenSlide must be asked about."""


@dataclass(frozen=True)
class TileCoding:
    """What all stored tiles of an image have in common."""

    width: int
    height: int
    """Pixels of a stored tile."""
    colours: str
    """What the JPEG data hold: 'RGB' or 'YCBCR'."""
    tables: bytes | None
    """Quantisation and Huffman tables that all tiles share, as a JPEG stream of their own."""


def decode_tile(data: bytes, coding: TileCoding) -> NDArray[np.uint8]:
    """Return the pixels of a stored tile, shape (height, width, 3), RGB.

    Raises
    ------
    TileError
        When it is damaged, or compressed in a way that is not read here.
    """
    tables = coding.tables[START_BYTES:-END_BYTES] if coding.tables else b""
    added = ADOBE + TRANSFORM[coding.colours] + tables
    whole = data[:START_BYTES] + added + data[START_BYTES:]
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            whole, colorspace="RGB", fastdct=False, fastupsample=False, strict=True
        )
    except ValueError as error:
        raise TileError from error
    if pixels.shape != (coding.height, coding.width, 3):
        raise TileError
    return pixels
