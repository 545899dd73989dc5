"""Decode one stored JPEG tile, or say that something about it is not as it should be.

libjpeg mends what is damaged and only warns: it fills in grey where bits run out and skips
bits that are left over.  OpenSlide takes such a warning for an error; imagecodecs does not
pass it on.  So it is provoked: the header is made to ask for one row of blocks more than the
data hold.  That row is grey from its second block on, or data were left over; and the last
row of the tile is not grey, or data ran out.
"""

import re
import struct
from dataclasses import dataclass
from typing import NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray

__all__ = ["TileCoding", "TileError", "decode_tile"]

BASELINE, SCAN, END = (0xC0, 0xC1), 0xDA, b"\xff\xd9"
# Tables, applications' own and comments.  Without restarts, which would hide what is left over.
OTHERS = (0xC4, 0xDB, *range(0xE0, 0xF0), 0xFE)
MARKER = re.compile(rb"\xff[^\x00\xff]")
GREY = 128


class TileError(Exception):
    """A stored tile that OpenSlide must be asked about."""


@dataclass(frozen=True)
class TileCoding:
    """What all stored tiles of an image have in common."""

    width: int
    height: int
    """Pixels of a stored tile."""
    colours: str
    """What the JPEG data hold, as libjpeg names it: 'RGB' or 'YCBCR'."""
    tables: bytes | None
    """Quantisation and Huffman tables that all tiles share."""


class _Frame(NamedTuple):
    height_at: int
    """Where the header states the height."""
    size: tuple[int, int]
    block: tuple[int, int]
    """(width, height) of the smallest unit that is coded, pixels."""
    data_at: int


def decode_tile(data: bytes, coding: TileCoding) -> NDArray[np.uint8]:
    """Return the pixels of a stored tile, shape (height, width, 3), RGB.

    Raises
    ------
    TileError
        When it is damaged, or compressed in a way that is not read here.
    """
    try:
        frame = _read_header(data)
    except (IndexError, ValueError, struct.error) as error:
        raise TileError from error
    width, height = coding.width, coding.height
    across, down = frame.block
    fits = frame.size == (width, height) and across and down
    fits = fits and not (width % across or height % down)
    end = MARKER.search(data, frame.data_at)
    if not fits or end is None or data[end.start() :] != END:
        raise TileError
    longer = _with_height(data, frame, height + down)
    shape = (height + down, width)
    if down == 8:
        checked = _decode(longer, coding, "RGB", (*shape, 3))
        pixels = checked[:height]
    else:
        # Colour is interpolated between rows of blocks, also from the one that is not there.
        pixels = _decode(data, coding, "RGB", (height, width, 3))
        checked = _decode(longer, coding, "GRAYSCALE", shape)
    # Two blocks and half a block, because colour is interpolated between columns.
    is_used_up = (checked[height:, 2 * across :] == GREY).all()
    has_run_out = (checked[height - down // 2 : height, width - across // 2 :] == GREY).all()
    if not is_used_up or has_run_out:
        raise TileError
    return pixels


def _decode(
    data: bytes, coding: TileCoding, colours: str, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    # With the room given, a header that states another size is an error.
    out = np.empty(shape, np.uint8)
    try:
        imagecodecs.jpeg8_decode(
            data, tables=coding.tables, colorspace=coding.colours, outcolorspace=colours, out=out
        )
    except (ValueError, RuntimeError) as error:
        raise TileError from error
    return out


def _read_header(data: bytes) -> _Frame:
    """Read the segments up to the coded data; see ITU-T T.81, B.2.2."""
    at, frame = 2, None
    while data[at] == 0xFF and data[at + 1] in (*BASELINE, *OTHERS):
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] in BASELINE:
            height, width, components = struct.unpack_from(">HHB", data, at + 5)
            factors = data[at + 11 : at + 10 + 3 * components : 3]
            block = (8 * max(f >> 4 for f in factors), 8 * max(f & 15 for f in factors))
            frame = _Frame(at + 5, (width, height), block, 0)
        at += 2 + length
    if frame is None or data[at : at + 2] != bytes((0xFF, SCAN)):
        raise TileError
    (length,) = struct.unpack_from(">H", data, at + 2)
    return frame._replace(data_at=at + 2 + length)


def _with_height(data: bytes, frame: _Frame, height: int) -> bytes:
    at = frame.height_at
    return data[:at] + struct.pack(">H", height) + data[at + 2 :]
