"""Tiled TIFF that OpenSlide does not read, or whose levels it does not see: OME-TIFF above all."""

import os
import weakref
from pathlib import Path

import tifffile

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError
from msfusion_sdk.slides.formats.pyramid import PyramidReader, downsamples_of, reads_of
from msfusion_sdk.slides.formats.tiff_level import TiffLevel
from msfusion_sdk.slides.pyramid_levels.level_content import matching_levels
from msfusion_sdk.slides.readers.file_kind import Source
from msfusion_sdk.slides.readers.levels import false_level_warnings, true_levels
from msfusion_sdk.slides.readers.ome_xml import ome_magnification, ome_spacing
from msfusion_sdk.slides.readers.reader import WHITE, SlideHeader
from msfusion_sdk.slides.readers.tiff_pictures import picture_warnings
from msfusion_sdk.slides.stored_tiles.damage import DAMAGE
from msfusion_sdk.slides.stored_tiles.ndpi import opened_tiff
from msfusion_sdk.slides.stored_tiles.tiff_facts import TiffFacts

__all__ = ["open_tiff", "tag_spacing"]

CENTIMETRE, INCH = 3, 2
MICRONS = {CENTIMETRE: 10_000.0, INCH: 25_400.0}
# The bit of NewSubfileType for a smaller version of another picture.
REDUCED = 1


def open_tiff(source: Source, facts: TiffFacts, mpp: float | None) -> PyramidReader:
    """Open a TIFF whose first picture is 8-bit RGB; levels are SubIFDs, or flagged as reduced.

    Raises
    ------
    SlideCorruptError
        When a directory cannot be parsed.
    SlideFormatError
        When the pixels are compressed in a way that tifffile does not decode.
    """
    # A descriptor of our own: tifffile closes its file, and its handle is not for threads.
    file = os.open(source.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        with opened_tiff(source.path) as tiff:
            pages = _pages(tiff)
            stated = ome_spacing(facts.ome_xml)
            spacing = tag_spacing(pages[0]) if stated[0] is None else stated
            levels = [TiffLevel(page, file, source.path, WHITE) for page in pages]
    except DAMAGE as error:
        os.close(file)
        msg = f"{source.path} has a damaged TIFF directory ({error}). Copy the slide again."
        raise SlideCorruptError(msg) from error
    # Copies of the reader share the levels: with the last of them the file closes.
    weakref.finalize(levels[0], os.close, file)
    sizes = tuple(level.size for level in levels)
    kept = matching_levels(reads_of(levels), sizes, true_levels(sizes, repeats=True))
    _require_codec(source.path, pages[0], levels[0])
    header = SlideHeader(
        reader=f"tifffile {tifffile.__version__}",
        vendor="OME-TIFF" if facts.ome_xml else "tiled TIFF",
        level_dimensions=tuple(sizes[level] for level in kept),
        level_downsamples=downsamples_of(tuple(sizes[level] for level in kept)),
        header_mpp=spacing,
        magnification=ome_magnification(facts.ome_xml),
        warnings=(*picture_warnings(source.path, facts), *false_level_warnings(sizes, kept)),
    )
    # The first level keeps the file open for all.
    return PyramidReader(source, mpp, header, (levels[0], *(levels[level] for level in kept[1:])))


def tag_spacing(page: tifffile.TiffPage) -> tuple[float | None, float | None]:
    """Return µm per pixel as the resolution tags state it; None without a unit of length."""
    unit = MICRONS.get(int(page.tags.valueof("ResolutionUnit", 0)))
    found = []
    for name in ("XResolution", "YResolution"):
        top, bottom = page.tags.valueof(name, (0, 1))
        found.append(unit * bottom / top if unit and top else None)
    return (found[0], found[1])


def _pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """Return the directories of the first picture, the largest first."""
    first = tiff.pages.first
    # OME-TIFF keeps its levels in SubIFDs, older writers in the main chain under a flag.
    below = [page.aspage() for page in first.pages or ()] if first.subifds else []
    flagged = [page.aspage() for page in tiff.pages[1:]]
    below += [page for page in flagged if int(page.subfiletype or 0) == REDUCED]
    # A mask or a label that is flagged as reduced has another number of samples.
    like = [page for page in below if page.samplesperpixel == first.samplesperpixel]
    return [first, *sorted(like, key=lambda page: -page.imagewidth)]


def _require_codec(path: Path, page: tifffile.TiffPage, level: TiffLevel) -> None:
    """Raise ``SlideFormatError`` when there is no decoder for the compression."""
    try:
        # Only decoding shows whether imagecodecs knows the compression.
        level.read(0, 0, 1, 1)
    except SlideCorruptError as error:
        cause = error.__cause__
        is_unknown = isinstance(cause, ValueError) and "compression" in str(cause).lower()
        if is_unknown or isinstance(cause, NotImplementedError):
            # Of a damaged tag tifffile makes several numbers.
            code = int(page.compression) if isinstance(page.compression, int) else page.compression
            msg = (
                f"{path} cannot be opened: Unsupported TIFF compression: {code} "
                f"({cause}). Convert the slide to JPEG or Deflate tiles of RGB."
            )
            raise SlideFormatError(msg) from error
