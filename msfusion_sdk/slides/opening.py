"""Open any slide: the one door to the readers."""

import copyreg
import os

import openslide

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError
from msfusion_sdk.slides.formats.czi import open_czi
from msfusion_sdk.slides.formats.ome_zarr import open_zarr
from msfusion_sdk.slides.formats.pyramid import PyramidReader
from msfusion_sdk.slides.formats.tiff import open_tiff
from msfusion_sdk.slides.readers.file_kind import FileKind, FileStamp, Source, classify
from msfusion_sdk.slides.readers.image import ImageReader
from msfusion_sdk.slides.readers.openslide_header import PLAIN
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.readers.tiff_pictures import require_first_is_largest
from msfusion_sdk.slides.readers.with_openslide import OpenSlideReader
from msfusion_sdk.slides.stored_tiles.tiff_facts import (
    TiffFacts,
    read_tiff_facts,
    require_readable_tiff,
    require_whole_directories,
)

__all__ = ["open_slide"]

TIFF_SUFFIXES = (".svs", ".tif", ".tiff", ".ndpi", ".scn", ".bif")
NO_SLIDES = {
    b"version https://git-lfs": "a Git LFS pointer, which stands for a file elsewhere. Fetch it "
    "with git lfs pull",
    b"<!doctype html": "a web page, as a download without a login gives. Download the slide again",
    b"<html": "a web page, as a download without a login gives. Download the slide again",
    b"<?xml": "XML, such as outlines or the error of a storage. Pass the slide, or download it "
    "again",
    b"\x1f\x8b": "packed with gzip. Unpack it with gunzip, or with tar where it is an archive",
    b"pk\x03\x04": "a ZIP archive. Unpack it, and pass the slide that is in it",
    b"%pdf": "a PDF. Pass the scanner's own file",
}
"""The first bytes of files that lie where a slide is meant, in small letters."""
OTHER_FORMATS = {FileKind.ZARR: open_zarr, FileKind.CZI: open_czi}


def open_slide(path: str | os.PathLike[str], *, mpp: float | None = None) -> Slide:
    """Open a slide file, a folder of DICOM instances or of OME-Zarr, or a plain image.

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
    source = classify(path)
    if source.kind in OTHER_FORMATS:
        return OTHER_FORMATS[source.kind](source, mpp)
    facts = _tiff_facts(source)
    if facts is not None and facts.has_sub_levels:  # which OpenSlide does not see
        return open_tiff(source, facts, mpp)
    vendor = openslide.OpenSlide.detect_format(source.path)
    if facts is not None and vendor == PLAIN and facts.is_misread_by_openslide:
        return open_tiff(source, facts, mpp)
    if vendor is not None:
        return _by_openslide(source, facts, mpp)
    if source.kind is FileKind.DICOM:
        return OpenSlideReader(source, mpp)  # raises with OpenSlide's own reason
    if source.kind is FileKind.OTHER:
        raise _unknown(source)
    if facts is not None:
        # A slide with a broken chain of directories is not a plain image.
        require_whole_directories(source.path)
        if facts.stored_tile is not None or facts.ome_xml:
            return open_tiff(source, facts, mpp)
        require_first_is_largest(source.path, facts)
    if mpp is None:
        msg = (
            f"{source.path} is a plain {source.kind.value} image, not a slide: it has no pyramid "
            "and states no spacing that could be trusted. To encode it as one image, pass its µm "
            "per pixel: mpp=0.25 or --mpp 0.25."
        )
        raise SlideFormatError(msg)
    return ImageReader(source, mpp)


def _same_file(path: str, mpp: float | None, stamp: FileStamp) -> Slide:
    """Open a file that must still be the one that has this stamp."""
    slide = open_slide(path, mpp=mpp)
    if slide.stamp != stamp:
        slide.close()
        stamp.require_same(slide.stamp, slide.path)
    return slide


def _pickled(slide: Slide) -> tuple[object, tuple[object, ...]]:
    return _same_file, (str(slide.path), slide.mpp_argument, slide.stamp)


# Here and not in the readers: what comes back went through the door again.
for reader in (OpenSlideReader, PyramidReader):
    copyreg.pickle(reader, _pickled)  # type: ignore[arg-type]


def _tiff_facts(source: Source) -> TiffFacts | None:
    if source.kind is not FileKind.TIFF:
        return None
    facts = read_tiff_facts(source.path)
    require_readable_tiff(source.path, facts)
    return facts


def _by_openslide(source: Source, facts: TiffFacts | None, mpp: float | None) -> Slide:
    """Open with OpenSlide; a sound TIFF that it refuses goes to the other reader."""
    try:
        return OpenSlideReader(source, mpp, facts=facts)
    except SlideFormatError as error:
        is_refused = isinstance(error.__cause__, openslide.OpenSlideError)
        if facts is None or facts.stored_tile is None or not is_refused:
            raise
        require_whole_directories(source.path)
        return open_tiff(source, facts, mpp)


def _unknown(source: Source) -> SlideFormatError | SlideCorruptError:
    with source.path.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for magic, what in NO_SLIDES.items():
        if head.startswith(magic):
            return SlideFormatError(f"{source.path} is no slide: it is {what}.")
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
