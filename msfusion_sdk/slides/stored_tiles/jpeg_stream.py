"""Decode one stored JPEG tile, or say that something about it is not as it should be.

libjpeg repairs what is damaged and only warns: it fills in grey where bits run out and skips
bits that are left over.  OpenSlide takes such a warning for an error, and so does simplejpeg
when it is strict.
"""

from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

__all__ = ["TileCoding", "TileError", "coding_signature", "decode_tile"]

START_BYTES = END_BYTES = 2
# Adobe's segment says whether colours are RGB (0) or YCbCr (1); a TIFF says it elsewhere.
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
TRANSFORM = {"RGB": b"\x00", "YCBCR": b"\x01"}


# Markers that say how a tile is coded: frame headers, JFIF and Adobe segments.
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
JFIF, ADOBE_SEGMENT, RESTART, SCAN = 0xE0, 0xEE, 0xDD, 0xDA


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


def coding_signature(data: bytes) -> bytes:
    """Return what the headers of a stored tile say of its coding: sampling, colours, restarts.

    Tiles of one signature are decoded alike; one of another signature may hold other colours
    than those that were compared.

    Raises
    ------
    TileError
        When the tile is no sequence of JPEG segments.
    """
    found: list[bytes] = []
    place = START_BYTES
    while True:
        head = data[place : place + 4]
        if len(head) < 4 or head[0] != 0xFF:
            raise TileError
        length = int.from_bytes(head[2:], "big")
        if head[1] == SCAN:
            return b"".join(found)
        if head[1] in FRAMES or head[1] in (JFIF, ADOBE_SEGMENT, RESTART):
            found.append(head[1:2] + data[place + 4 : place + 2 + length])
        # The length counts its own two bytes, and not the two of the marker.
        place += 2 + length


def decode_tile(data: bytes, coding: TileCoding) -> NDArray[np.uint8]:
    """Return the pixels of a stored tile, shape (height, width, 3), RGB.

    Raises
    ------
    TileError
        When it is damaged, or compressed in a way that is not read here.
    """
    # Without its own start and end markers the stream of tables is a run of segments.
    tables = coding.tables[START_BYTES:-END_BYTES] if coding.tables else b""
    # Behind the start marker, before the tile's own segments: tables must precede their use.
    added = ADOBE + TRANSFORM[coding.colours] + tables
    whole = data[:START_BYTES] + added + data[START_BYTES:]
    try:
        # The slow, exact transforms: libjpeg's defaults, which OpenSlide uses as well.
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            whole, colorspace="RGB", fastdct=False, fastupsample=False, strict=True
        )
    except ValueError as error:
        raise TileError from error
    if pixels.shape != (coding.height, coding.width, 3):
        raise TileError
    return pixels
