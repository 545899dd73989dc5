"""Open any slide: the one door to the readers."""

import os

import openslide

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError
from msfusion_sdk.slides.readers.file_kind import FileKind, Source, classify
from msfusion_sdk.slides.readers.image import ImageReader
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.readers.with_openslide import OpenSlideReader
from msfusion_sdk.slides.stored_tiles.tiff import (
    read_tiff_facts,
    require_readable_tiff,
    require_whole_directories,
)

__all__ = ["open_slide"]

TIFF_SUFFIXES = (".svs", ".tif", ".tiff", ".ndpi", ".scn", ".bif")


def open_slide(path: str | os.PathLike[str], *, mpp: float | None = None) -> Slide:
    """Open a slide file, a folder of DICOM instances, or a plain image.

    Parameters
    ----------
    path : str or path
        The file is judged by its content, not by its name.
    mpp : float, optional
        µm per pixel of level 0; wins over the header.  Plain images need it.

    Returns
    -------
    Slide
        Use it as a context manager, or ``close`` it.

    Raises
    ------
    SlideError
        One of its subclasses, each with what to do next; see ``msfusion_sdk.errors``.
    """
    source, facts = classify(path), None
    if source.kind is FileKind.TIFF:
        facts = read_tiff_facts(source.path)
        require_readable_tiff(source.path, facts)
    if openslide.OpenSlide.detect_format(source.path) is not None:
        return OpenSlideReader(source, mpp, facts=facts)
    if source.kind is FileKind.DICOM:
        return OpenSlideReader(source, mpp)  # raises with OpenSlide's own reason
    if source.kind is FileKind.OTHER:
        raise _unknown(source)
    if source.kind is FileKind.TIFF:
        # A slide with a broken chain of directories is not a plain image.
        require_whole_directories(source.path)
    if mpp is None:
        msg = (
            f"{source.path} is a plain {source.kind.value} image, not a slide: it has no pyramid "
            "and states no spacing that could be trusted. To encode it as one image, pass its µm "
            "per pixel: mpp=0.25 or --mpp 0.25."
        )
        raise SlideFormatError(msg)
    return ImageReader(source, mpp)


def _unknown(source: Source) -> SlideFormatError | SlideCorruptError:
    if source.path.suffix.lower() in TIFF_SUFFIXES:
        msg = (
            f"{source.path} is named like a TIFF slide, and its first bytes are not TIFF. The file "
            "is damaged or is something else; copy it again."
        )
        return SlideCorruptError(msg)
    msg = (
        f"{source.path} is not a slide of any format that OpenSlide "
        f"{openslide.__library_version__} reads, and not a PNG, JPEG or TIFF image."
    )
    return SlideFormatError(msg)
