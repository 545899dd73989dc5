"""Decode one stored JPEG tile, or say that something about it is not as it should be.

libjpeg repairs what is damaged and only warns: it fills in grey where bits run out and skips
bits that are left over.  OpenSlide takes such a warning for an error, and so does simplejpeg
when it is strict.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

__all__ = ["TileCoding", "TileError", "coding_signature", "decode_tile", "own_colours"]

START_BYTES = END_BYTES = 2
# Of a segment, before its content: the marker, and the length.
MARKER_BYTES = 4
# Adobe's segment says whether colours are RGB (0) or YCbCr (1); a TIFF says it elsewhere.
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
TRANSFORM = {"RGB": b"\x00", "YCBCR": b"\x01"}

# Markers that say how a tile is coded: frame headers, JFIF and Adobe segments.
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
JFIF, ADOBE_SEGMENT, RESTART, SCAN = 0xE0, 0xEE, 0xDD, 0xDA
JFIF_NAME = b"JFIF\0"
# Bytes of a frame header before its components, each of 3 bytes and named by the first.
FRAME_BYTES, COMPONENT_BYTES = 6, 3
YCBCR_NAMES = b"\1\2\3"


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
    telling = (*FRAMES, JFIF, ADOBE_SEGMENT, RESTART)
    found = [(marker, data[start:end]) for marker, start, end in _segments(data)]
    return b"".join(bytes([marker]) + body for marker, body in found if marker in telling)


def own_colours(data: bytes, tag: str) -> str:
    """Return what a stored tile holds, 'RGB' or 'YCBCR', in a file whose tag says ``tag``.

    The names of the components tell: markers are added and lost when tiles are copied.  Names
    that both use leave it to the tag, unless a marker agrees with them: some programs write
    YCbCr into a file whose tag says RGB.

    Raises
    ------
    TileError
        When the tile is no sequence of JPEG segments.
    """
    names, is_marked = b"", False
    for marker, start, end in _segments(data):
        body = data[start:end]
        is_marked |= marker == JFIF and body.startswith(JFIF_NAME)
        is_marked |= marker == ADOBE_SEGMENT and body[-1:] == TRANSFORM["YCBCR"]
        if marker in FRAMES:
            names = body[FRAME_BYTES::COMPONENT_BYTES]
    if names == b"RGB":
        return "RGB"
    return "YCBCR" if names == YCBCR_NAMES and is_marked else tag


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, the start and the end of each segment before the first scan."""
    place = START_BYTES
    while True:
        head = data[place : place + 4]
        if len(head) < 4 or head[0] != 0xFF:
            raise TileError
        if head[1] == SCAN:
            return
        # The length counts its own two bytes, and not the two of the marker.
        end = place + 2 + int.from_bytes(head[2:], "big")
        yield head[1], place + 4, end
        place = end


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
    added = ADOBE + TRANSFORM[own_colours(data, coding.colours)] + tables
    whole = data[:START_BYTES] + added + _unmarked(data)
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


def _unmarked(data: bytes) -> bytes:
    """Return a tile from its first segment on, without markers that libjpeg would believe."""
    kept, place = [], START_BYTES
    for marker, start, end in _segments(data):
        if marker in (JFIF, ADOBE_SEGMENT):
            kept.append(data[place : start - MARKER_BYTES])
            place = end
    return b"".join([*kept, data[place:]])
