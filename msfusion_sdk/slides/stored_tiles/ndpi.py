"""Tell Hamamatsu NDPI, whose directories differ from those of any TIFF, by content.

An NDPI begins as a classic TIFF and writes offsets of directories in 8 bytes, the upper 4 of which
are zero up to 4 GB.  tifffile takes for one what is named ``.ndpi``, and nothing else.
"""

import struct
from pathlib import Path

import tifffile

__all__ = ["first_ndpi_directory", "opened_tiff"]

CLASSIC, FORMAT_FLAG, ENTRY_BYTES = b"II*\0", 65420, 12
"""Hamamatsu's own tag 65420 is in every directory, as OpenSlide's NDPI reader documents."""


def first_ndpi_directory(path: Path) -> int | None:
    """Return where the first directory of an NDPI lies; None of any other file."""
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or not head.startswith(CLASSIC):
            return None
        (offset,) = struct.unpack_from("<Q", head, 4)
        if offset + 2 > path.stat().st_size:
            return None
        file.seek(offset)
        (count,) = struct.unpack("<H", file.read(2))
        entries = file.read(count * ENTRY_BYTES)
    places = range(0, len(entries) - 1, ENTRY_BYTES)
    tags = (struct.unpack_from("<H", entries, place)[0] for place in places)
    return int(offset) if FORMAT_FLAG in tags else None


def opened_tiff(path: Path) -> tifffile.TiffFile:
    """Open a TIFF by its content, not by its name; one path stands for one file.

    Other files that an OME description names are left alone.
    """
    is_ndpi = first_ndpi_directory(path) is not None
    return tifffile.TiffFile(path, is_ndpi=is_ndpi, _multifile=False)
