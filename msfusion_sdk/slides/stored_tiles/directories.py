"""The directories of a TIFF: how many pictures it holds, and of what kind."""

from dataclasses import dataclass

import tifffile

from msfusion_sdk.slides.stored_tiles.damage import DAMAGE

__all__ = ["TiffDirectory", "picture_sizes", "read_directories"]

REDUCED, MASK = 1, 4
"""Bits of NewSubfileType: a smaller version of another picture, and a transparency mask."""


@dataclass(frozen=True)
class TiffDirectory:
    """What one directory says of its picture."""

    width: int
    height: int
    subfile_type: int
    is_tiled: bool
    stored_bytes: int
    """Compressed, of all stored tiles or strips."""
    longest_tile_bytes: int
    """Of a stored tile; 0 for strips."""

    @property
    def is_mask(self) -> bool:
        """Whether it says which pixels of another picture are transparent."""
        return bool(self.subfile_type & MASK)

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture of its own: no level of another and no mask."""
        return not self.is_mask and not self.subfile_type & REDUCED


def read_directories(file: tifffile.TiffFile) -> tuple[TiffDirectory, ...]:
    """Return the directories of the main chain that can be parsed, in their order."""
    found = []
    for number in range(len(file.pages)):
        try:
            page = file.pages[number]
            # tifffile gives a short form (TiffFrame) of pages like the first, without their tags.
            if not isinstance(page, tifffile.TiffPage):
                page = page.aspage()
            counts = page.databytecounts
            found.append(
                TiffDirectory(
                    width=int(page.imagewidth),
                    height=int(page.imagelength),
                    subfile_type=int(page.subfiletype or 0),
                    is_tiled=bool(page.is_tiled),
                    stored_bytes=int(sum(counts)),
                    longest_tile_bytes=int(max(counts, default=0)) if page.is_tiled else 0,
                )
            )
        except DAMAGE:  # OpenSlide may not need this directory, and says so where it does
            continue
    return tuple(found)


def picture_sizes(directories: tuple[TiffDirectory, ...]) -> tuple[tuple[int, int], ...]:
    """Return (width, height) of every picture; the first is the one that readers show."""
    first, others = directories[:1], directories[1:]
    return tuple((d.width, d.height) for d in (*first, *(d for d in others if d.is_picture)))
