"""Damage a slide on purpose."""

from pathlib import Path

import tifffile

__all__ = ["damage_stored_tile"]


def damage_stored_tile(path: str | Path, x: int, y: int) -> tuple[int, int, int, int]:
    """Overwrite the stored tile of level 0 that holds pixel (x, y) with bytes that are no JPEG.

    Parameters
    ----------
    path : path
        A slide that ``make_slide`` wrote; it is changed in place.
    x, y : int
        Level-0 pixels.

    Returns
    -------
    tuple
        (x, y, width, height) of the damaged stored tile, level-0 pixels.
    """
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        width, height = page.tilewidth, page.tilelength
        across = -(-page.imagewidth // width)
        number = (y // height) * across + x // width
        offset, length = page.dataoffsets[number], page.databytecounts[number]
    with Path(path).open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * length)
    return (x // width * width, y // height * height, width, height)
