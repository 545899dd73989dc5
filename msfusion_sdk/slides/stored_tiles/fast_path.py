"""Decide, on opening, whether level 0 of a slide may be read without OpenSlide."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileError
from msfusion_sdk.slides.stored_tiles.jpeg_tiles import JpegTiles, index_tiles
from msfusion_sdk.slides.stored_tiles.region import Region

__all__ = ["verified_tiles"]

VENDORS = ("aperio", "generic-tiff")
"""Whose level 0 is the first directory, tile beside tile; others overlap or crop theirs."""
# Each costs a tile decoded twice on opening.
PROBES = 3

Read = Callable[[tuple[int, int], tuple[int, int]], Region]


def verified_tiles(
    path: Path,
    vendor: str,
    dimensions: tuple[int, int],
    background: tuple[int, int, int],
    read: Read,
) -> JpegTiles | None:
    """Return the stored tiles of a slide, or None where OpenSlide must read them.

    Parameters
    ----------
    read : callable
        Takes the location and the size of a region of level 0 and answers as OpenSlide does.
        Both must agree in every pixel of a few regions.
    """
    if vendor not in VENDORS or not hasattr(os, "pread"):  # not on Windows
        return None
    index = index_tiles(path)
    # Where sizes differ, OpenSlide's level 0 is not the first directory, or it crops.
    if index is None or index.size != dimensions:
        return None
    tiles = JpegTiles(path, index)
    # The longest stored tiles: they show most, so decoders differ there.
    probed = [int(n) for n in np.argsort(index.lengths, kind="stable")[::-1][:PROBES]]
    verdicts = {n: _agree(tiles, index.location(n), background, read) for n in probed}
    known = [number for number, verdict in verdicts.items() if verdict]
    # A tile that neither can decode says nothing; one that differs is enough.
    if not known or False in verdicts.values():
        return None
    tiles.trust_codings(known)
    return tiles


def _agree(
    tiles: JpegTiles, place: tuple[int, int], background: tuple[int, int, int], read: Read
) -> bool | None:
    """Return whether a tile and the edges of its neighbours are the same; None if unreadable."""
    # One pixel into the neighbours: a tile in the wrong place shows at its edge.
    size = (tiles.index.coding.width + 1, tiles.index.coding.height + 1)
    try:
        pixels, missing = tiles.read(place, size, background)
        expected = read(place, size)
    except (TileError, SlideCorruptError):
        return None
    return missing == expected.transparent_px and np.array_equal(pixels, expected.pixels)
