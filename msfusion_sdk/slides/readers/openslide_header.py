"""What OpenSlide and the file's own directories say of a slide, checked and put together."""

from dataclasses import replace

import openslide

from msfusion_sdk.slides.files.dicom import series_warnings
from msfusion_sdk.slides.readers.file_kind import FileKind, Source
from msfusion_sdk.slides.readers.header_checks import require_possible_levels
from msfusion_sdk.slides.readers.levels import LEFT_OUT, false_level_warnings, true_levels
from msfusion_sdk.slides.readers.ome_xml import ome_spacing
from msfusion_sdk.slides.readers.reader import WHITE, SlideHeader
from msfusion_sdk.slides.readers.spacing import contradictions
from msfusion_sdk.slides.readers.tiff_pictures import orientation_warnings, picture_warnings
from msfusion_sdk.slides.stored_tiles.tiff_facts import TiffFacts

__all__ = ["BY_FLAG", "PLAIN", "read_header", "with_levels"]

Size = tuple[int, int]

PLAIN = "generic-tiff"
LAID_OUT = ("hamamatsu", "leica", "mirax", "sakura", "ventana", "philips-tiff", "zeiss")
"""Formats whose drivers work out the sizes of levels, which then differ more than by rounding."""
SLACK = 0.01
BY_FLAG = ("aperio", "dicom", PLAIN, "trestle")
"""Formats whose levels are whatever a flag calls one: their pixels are compared, too."""


def read_header(
    handle: openslide.OpenSlide, source: Source, facts: TiffFacts | None
) -> tuple[SlideHeader, tuple[int, ...]]:
    """Return the header, and the numbers of the file's levels that it lists.

    Raises
    ------
    SlideGeometryError
        When the header cannot be true, or is unsafe to read.
    SlideFormatError
        When the file holds several pictures and the first is not the largest.
    """
    vendor = _property(handle, openslide.PROPERTY_NAME_VENDOR) or "unknown"
    sizes = tuple((int(w), int(h)) for w, h in handle.level_dimensions)
    levels = true_levels(sizes, SLACK if vendor in LAID_OUT else 0.0, repeats=vendor in BY_FLAG)
    require_possible_levels(
        tuple(sizes[level] for level in levels),
        tuple(_stored_tile(handle, level) for level in levels),
        # Other formats spread over several files: the size of one says nothing of the pixels.
        file_bytes=source.stamp.size_bytes if source.kind is FileKind.TIFF else None,
        level_0_bytes=facts.level_0_bytes if facts else None,
    )
    colour = _property(handle, openslide.PROPERTY_NAME_BACKGROUND_COLOR)
    apart = contradictions(_aperio_spacings(handle)) if vendor == "aperio" else ()
    header = SlideHeader(
        reader=f"openslide {openslide.__library_version__}",
        vendor=vendor,
        level_dimensions=sizes,
        level_downsamples=tuple(float(d) for d in handle.level_downsamples),
        header_mpp=(None, None) if apart else _spacing(handle, facts),
        magnification=_number(_property(handle, openslide.PROPERTY_NAME_OBJECTIVE_POWER)),
        background=_colour(colour) if colour else WHITE,
        quickhash=_property(handle, openslide.PROPERTY_NAME_QUICKHASH1),
        warnings=_warnings(source, facts, vendor),
        contradicting_mpp=apart,
    )
    return with_levels(header, sizes, levels), levels


def with_levels(
    header: SlideHeader, sizes: tuple[Size, ...], levels: tuple[int, ...]
) -> SlideHeader:
    """Return the header with those levels of the file alone, and a warning where some go."""
    if len(levels) == len(header.level_dimensions):
        return header
    width, height = sizes[0]
    others = tuple(w for w in header.warnings if not w.startswith(LEFT_OUT))
    return replace(
        header,
        level_dimensions=tuple(sizes[level] for level in levels),
        # The mean of both edges, as OpenSlide defines a downsample.
        level_downsamples=tuple(
            (width / sizes[level][0] + height / sizes[level][1]) / 2 for level in levels
        ),
        warnings=(*others, *false_level_warnings(sizes, levels)),
    )


def _spacing(
    handle: openslide.OpenSlide, facts: TiffFacts | None
) -> tuple[float | None, float | None]:
    """Return µm per pixel; OME-XML, which OpenSlide does not read, is more than a TIFF's tags."""
    if facts and facts.ome_xml and (stated := ome_spacing(facts.ome_xml))[0] is not None:
        return stated
    return (
        _number(_property(handle, openslide.PROPERTY_NAME_MPP_X)),
        _number(_property(handle, openslide.PROPERTY_NAME_MPP_Y)),
    )


def _aperio_spacings(handle: openslide.OpenSlide) -> list[float]:
    """Return every ``MPP`` of an Aperio description, of which OpenSlide takes the last.

    A decimal comma is read as OpenSlide reads it.
    """
    fields = (_property(handle, openslide.PROPERTY_NAME_COMMENT) or "").split("|")
    pairs = [field.partition("=") for field in fields]
    stated = [value for name, _, value in pairs if name.strip() == "MPP"]
    found = [_number(value.strip().replace(",", ".")) for value in stated]
    return [value for value in found if value is not None]


def _warnings(source: Source, facts: TiffFacts | None, vendor: str) -> tuple[str, ...]:
    if source.kind is FileKind.DICOM:
        return series_warnings(source.path)
    if facts is None:
        return ()
    if vendor == PLAIN:
        return picture_warnings(source.path, facts)
    return orientation_warnings(facts.orientation)


def _property(handle: openslide.OpenSlide, name: str) -> str | None:
    # One by one: a single undecodable name or value would spoil a dict of all of them.
    try:
        return handle.properties.get(name)
    except UnicodeDecodeError:
        return None


def _stored_tile(handle: openslide.OpenSlide, level: int) -> Size | None:
    width = _number(_property(handle, f"openslide.level[{level}].tile-width"))
    height = _number(_property(handle, f"openslide.level[{level}].tile-height"))
    return (int(width), int(height)) if width is not None and height is not None else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _colour(text: str) -> tuple[int, int, int]:
    # OpenSlide gives six hexadecimal digits, red first, without a sign before them.
    value = int(text, 16)
    return (value >> 16 & 255, value >> 8 & 255, value & 255)
