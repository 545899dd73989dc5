"""Facts of a TIFF, read before OpenSlide decodes anything.

OpenSlide shows 16-bit and greyscale files as if they were 8-bit RGB, and reports a
truncated file as an unknown one.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import tifffile

from msfusion_sdk.errors import SlideCorruptError, SlideGeometryError, SlidePixelTypeError
from msfusion_sdk.slides.stored_tiles.damage import DAMAGE
from msfusion_sdk.slides.stored_tiles.directories import (
    TiffDirectory,
    picture_sizes,
    read_directories,
)
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileError, own_colours
from msfusion_sdk.slides.stored_tiles.ndpi import first_ndpi_directory, opened_tiff

__all__ = [
    "COLOURS",
    "MAX_STORED_TILE_PX",
    "TiffFacts",
    "require_whole_directories",
    "require_readable_tiff",
    "read_tiff_facts",
]

MAX_STORED_TILE_PX = 64_000_000
"""A decoder asked for a larger one allocates gigabytes and can abort the process."""

PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR = 2, 6
COLOURS = {PHOTOMETRIC_RGB: "RGB", PHOTOMETRIC_YCBCR: "YCBCR"}
PLANAR_SEPARATE = 2
UNSIGNED = 1
JPEG = 7
# TIFF 6.0, tag 338: alpha that colours are multiplied by, and alpha that they are not.
ALPHA = (1, 2)
# The header of a stored JPEG tile is shorter.
HEAD_BYTES = 65_536
ORIENTATION, TILE_OFFSETS = 274, 324
# As many as the largest stored tile that is accepted has when it is decoded.
MAX_TILE_BYTES = 4 * MAX_STORED_TILE_PX


@dataclass(frozen=True)
class TiffFacts:
    """The pixel layout of the first image of a TIFF."""

    width: int
    height: int
    bits: int
    samples: int
    alpha: int | None
    """The kind of the fourth sample; None where it is stated as no alpha, or not at all."""
    has_other_colours: bool
    """Whether the tag says RGB and the first stored JPEG tile holds YCbCr, or the reverse."""
    photometric: int
    sample_format: int
    stored_tile: tuple[int, int] | None
    """(width, height) of a stored tile; None for strips."""
    tiles_listed: int
    """Stored tiles that the directory lists."""
    planes: int
    """1, or the number of samples when each is stored apart."""
    orientation: int
    """1 where rows and columns are stored as they are to be shown."""
    has_sub_levels: bool
    """Whether smaller levels lie in directories below the first (SubIFDs)."""
    ome_xml: str | None
    """The description, where it is OME-XML."""
    directories: tuple[TiffDirectory, ...]

    @property
    def is_misread_by_openslide(self) -> bool:
        """Whether OpenSlide shows other colours than those stored.

        It takes any fourth sample for alpha, and believes the tag whatever a tile says.
        """
        return self.has_other_colours or (self.samples > 3 and self.alpha is None)

    @property
    def longest_tile_bytes(self) -> int:
        """Compressed length of the longest stored tile of all images, as the file states it."""
        return max((d.longest_tile_bytes for d in self.directories), default=0)

    @property
    def level_0_bytes(self) -> int | None:
        """Compressed size of the first image."""
        return self.directories[0].stored_bytes if self.directories else None

    @property
    def pictures(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of every picture that is no level of another; the first is shown."""
        return picture_sizes(self.directories) or ((self.width, self.height),)


def read_tiff_facts(path: Path) -> TiffFacts:
    """Read the first directory.

    Raises
    ------
    SlideCorruptError
        When the directory lies outside the file or cannot be parsed.
    """
    # Before tifffile, which says of a truncated file only that it cannot be parsed.
    _first_directory(path, _Layout.of(path))
    try:
        with opened_tiff(path) as file:
            page = file.pages.first
            tile = (int(page.tilewidth), int(page.tilelength)) if page.is_tiled else None
            return TiffFacts(
                width=int(page.imagewidth),
                height=int(page.imagelength),
                bits=_widest(page.bitspersample),
                samples=int(page.samplesperpixel),
                alpha=next((int(e) for e in page.extrasamples[:1] if e in ALPHA), None),
                has_other_colours=_has_other_colours(page, file),
                photometric=int(page.photometric),
                sample_format=_widest(page.sampleformat),
                stored_tile=tile,
                tiles_listed=page.tags[TILE_OFFSETS].count if TILE_OFFSETS in page.tags else 0,
                planes=int(page.samplesperpixel) if page.planarconfig == PLANAR_SEPARATE else 1,
                orientation=int(page.tags.valueof(ORIENTATION, 1)),
                has_sub_levels=bool(page.subifds),
                ome_xml=file.ome_metadata,
                directories=read_directories(file),
            )
    except DAMAGE as error:
        msg = (
            f"{path} has a TIFF header, but its first directory is damaged ({error}). Copy the "
            "slide again."
        )
        raise SlideCorruptError(msg) from error


def _has_other_colours(page: tifffile.TiffPage, file: tifffile.TiffFile) -> bool:
    if page.compression != JPEG or page.photometric not in COLOURS or not page.is_tiled:
        return False
    places = zip(page.dataoffsets, page.databytecounts, strict=False)
    place, length = next(((p, n) for p, n in places if n), (0, 0))
    try:
        file.filehandle.seek(place)
        data = file.filehandle.read(min(length, HEAD_BYTES))
        return own_colours(data, COLOURS[page.photometric]) != COLOURS[page.photometric]
    except (TileError, OSError):  # whoever decodes it says what is wrong
        return False


def require_readable_tiff(path: Path, facts: TiffFacts) -> None:
    """Raise unless the pixels are 8-bit RGB and the stored tiles make up the image.

    Raises
    ------
    SlidePixelTypeError, SlideGeometryError
    """
    if facts.bits != 8 or facts.sample_format != UNSIGNED:
        kind = {1: "unsigned", 2: "signed", 3: "floating-point"}.get(facts.sample_format, "unknown")
        raise _pixel_type(path, f"{facts.bits}-bit {kind} samples")
    # A palette counts here as well: its pixels have one sample.
    if facts.samples < 3:
        raise _pixel_type(path, "greyscale or palette pixels (fluorescence, or a mask?)")
    if facts.photometric not in (PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR):
        found = f"photometric interpretation {facts.photometric}, neither RGB nor YCbCr"
        raise _pixel_type(path, found)
    if facts.longest_tile_bytes > MAX_TILE_BYTES:
        # OpenSlide would allocate as much before it reads, and the process ends when it cannot.
        # A smaller one that is wrong costs its region and nothing else.
        msg = (
            f"{path} states a stored tile of {facts.longest_tile_bytes} bytes. The header is "
            "damaged; copy the slide again."
        )
        raise SlideGeometryError(msg)
    if facts.stored_tile is None:
        return
    width, height = facts.stored_tile
    needed = facts.planes * -(-facts.width // max(1, width)) * -(-facts.height // max(1, height))
    if needed != facts.tiles_listed:
        msg = (
            f"{path} states {facts.width} x {facts.height} pixels in stored tiles of {width} x "
            f"{height}, which is {needed} of them, and lists {facts.tiles_listed}. The header is "
            "damaged; copy the slide again."
        )
        raise SlideGeometryError(msg)


def require_whole_directories(path: Path) -> None:
    """Follow the chain of directories of a TIFF that OpenSlide does not understand.

    Raises
    ------
    SlideCorruptError
        When the chain leaves the file or returns to where it was.
    """
    layout = _Layout.of(path)
    seen: set[int] = set()
    offset = _first_directory(path, layout)
    with path.open("rb") as file:
        while offset:
            if offset in seen:
                msg = f"{path} has a loop of TIFF directories. The file is damaged; copy it again."
                raise SlideCorruptError(msg)
            seen.add(offset)
            try:
                file.seek(offset)
                (count,) = struct.unpack(layout.count, file.read(struct.calcsize(layout.count)))
                file.seek(offset + struct.calcsize(layout.count) + count * layout.entry_bytes)
                (offset,) = struct.unpack(layout.offset, file.read(struct.calcsize(layout.offset)))
            # Seeking beyond what fits a file offset is a ValueError.
            except (struct.error, OSError, OverflowError, ValueError) as error:
                raise _truncated(path, len(seen), offset) from error


@dataclass(frozen=True)
class _Layout:
    """How a TIFF file writes its directories; the formats are those of ``struct``."""

    offset: str
    count: str
    entry_bytes: int
    first: int
    """Where the offset of the first directory is written."""

    @classmethod
    def of(cls, path: Path) -> "_Layout":
        with path.open("rb") as file:
            head = file.read(4)
        order = "<" if head[:2] == b"II" else ">"
        # BigTIFF, version 43 (``+``): offsets of 8 bytes, and 20 bytes for an entry.
        if head[2:4] in (b"+\0", b"\0+"):
            return cls(order + "Q", order + "Q", entry_bytes=20, first=8)
        return cls(order + "I", order + "H", entry_bytes=12, first=4)


def _first_directory(path: Path, layout: _Layout) -> int:
    with path.open("rb") as file:
        file.seek(layout.first)
        raw = file.read(struct.calcsize(layout.offset))
    if len(raw) < struct.calcsize(layout.offset):
        msg = f"{path} is shorter than a TIFF header. Copy the slide again."
        raise SlideCorruptError(msg)
    offset = first_ndpi_directory(path) or int(struct.unpack(layout.offset, raw)[0])
    # Many writers put the directory last, so that a copy which broke off has none.
    if not 0 < offset < path.stat().st_size:
        raise _truncated(path, 1, offset)
    return offset


def _truncated(path: Path, number: int, offset: int) -> SlideCorruptError:
    return SlideCorruptError(
        f"{path} is {path.stat().st_size} bytes long and its TIFF directory {number} lies at "
        f"{offset}: the file is truncated. Copy the slide again."
    )


def _pixel_type(path: Path, found: str) -> SlidePixelTypeError:
    return SlidePixelTypeError(
        f"{path} holds {found}. The model reads 8-bit RGB brightfield slides; convert the file, "
        "or leave it out."
    )


def _widest(value: int | tuple[int, ...]) -> int:
    return max(value) if isinstance(value, tuple) else int(value)
