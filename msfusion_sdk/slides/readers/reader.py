"""The slide contract, and the reader for everything that OpenSlide understands."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import openslide
import simplejpeg
from PIL import Image

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError
from msfusion_sdk.slides.readers.file_kind import (
    FileKind,
    FileStamp,
    Source,
    classify,
    require_readable_disk,
)
from msfusion_sdk.slides.readers.header_checks import require_possible_levels
from msfusion_sdk.slides.readers.spacing import Spacing, resolve_mpp
from msfusion_sdk.slides.stored_tiles.fast_path import verified_tiles
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileError
from msfusion_sdk.slides.stored_tiles.jpeg_tiles import JpegTiles
from msfusion_sdk.slides.stored_tiles.region import Region, composite

__all__ = ["OpenSlideReader", "Region", "Slide", "SlideHeader", "composite"]

WHITE = (255, 255, 255)


@dataclass(frozen=True)
class SlideHeader:
    """What is known of a slide before any pixel is read.  Holds no label and no patient data."""

    reader: str
    vendor: str
    level_dimensions: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    header_mpp: tuple[float | None, float | None]
    magnification: float | None
    background: tuple[int, int, int] = WHITE
    quickhash: str | None = None
    warnings: tuple[str, ...] = field(default=())


class Slide(ABC):
    """A slide that can be read by region, pickled by path, and reopened in any process.

    Attributes
    ----------
    path : Path
        Absolute.
    header : SlideHeader
    mpp_argument : float or None
        The caller's µm per pixel, which wins over the header's.
    """

    path: Path
    header: SlideHeader
    stamp: FileStamp
    mpp_argument: float | None

    @abstractmethod
    def read(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        """Read a region.

        Parameters
        ----------
        location : (x, y), level-0 pixels, not negative
        level : int
        size : (width, height), pixels of ``level``; what lies beyond the slide is background

        Raises
        ------
        SlideCorruptError
            When the pixels cannot be decoded.  The slide stays usable.
        SlideChangedError, SlideNotFoundError
            When the file is no longer the one that was opened.
        SlideError
            With ``retryable`` set, when the disk fails.
        """

    @abstractmethod
    def reopen(self) -> Self:
        """Return a second, independent handle on the same file."""

    @abstractmethod
    def close(self) -> None:
        """Release the file."""

    @property
    def dimensions(self) -> tuple[int, int]:
        """(width, height) of level 0."""
        return self.header.level_dimensions[0]

    def spacing(self) -> Spacing:
        """Return µm per pixel of level 0, or raise ``SlideResolutionError``."""
        return resolve_mpp(self.header.header_mpp, self.mpp_argument, self.header.magnification)

    def require_unchanged(self) -> None:
        """Raise ``SlideChangedError`` when the file was replaced since it was opened."""
        self.stamp.check(self.path)

    def _require_inside(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> None:
        width, height = self.dimensions
        inside = 0 <= location[0] < width and 0 <= location[1] < height
        if not (inside and 0 <= level < len(self.header.level_dimensions) and min(size) > 0):
            msg = (
                f"No region {location}, level {level}, size {size} in a slide of {self.dimensions}."
            )
            raise ValueError(msg)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OpenSlideReader(Slide):
    """Read through ``openslide.OpenSlide``.

    An OpenSlide handle that met one bad byte answers every later call with the same
    error, so the handle is replaced after an error.  It is also replaced after a fork.

    Level 0 of a JPEG slide is decoded without OpenSlide where both give the same pixels;
    ``header.reader`` says so.

    Parameters
    ----------
    tiles : JpegTiles, optional
        Those of another handle on the same file, which has compared them.
    """

    def __init__(
        self, source: Source, mpp: float | None = None, tiles: JpegTiles | None = None
    ) -> None:
        self.path, self.stamp, self.mpp_argument = source.path, source.stamp, mpp
        self._is_one_file = source.kind is FileKind.TIFF
        self._open()
        self.header = self._read_header()
        self._tiles = tiles
        if tiles is None and self._is_one_file:
            header = self.header
            self._tiles = verified_tiles(
                self.path, header.vendor, self.dimensions, header.background, self._read_level_0
            )
        if self._tiles is not None:
            reader = f"{self.header.reader}, level 0: simplejpeg {simplejpeg.__version__}"
            self.header = replace(self.header, reader=reader)

    def _open(self) -> None:
        # Never openslide.open_slide(): it falls back to showing thumbnails as slides.
        try:
            self._handle = openslide.OpenSlide(self.path)
        except openslide.OpenSlideUnsupportedFormatError as error:
            require_readable_disk(self.path)
            msg = (
                f"{self.path} is not a slide of any format that OpenSlide "
                f"{openslide.__library_version__} reads."
            )
            raise SlideFormatError(msg) from error
        except openslide.OpenSlideError as error:
            require_readable_disk(self.path)
            reason = _reason(error, self.path)
            if "Short read" in reason:
                msg = f"{self.path} is truncated: {reason}. Copy the slide again."
                raise SlideCorruptError(msg) from error
            msg = f"{self.path} cannot be opened: {reason}. Convert the slide, or copy it again."
            raise SlideFormatError(msg) from error
        self._pid = os.getpid()

    def _read_header(self) -> SlideHeader:
        slide = self._handle
        dimensions = tuple((int(w), int(h)) for w, h in slide.level_dimensions)
        downsamples = tuple(float(d) for d in slide.level_downsamples)
        tiles = tuple(self._stored_tile(level) for level in range(len(dimensions)))
        file_bytes = self.stamp.size_bytes if self._is_one_file else None
        require_possible_levels(dimensions, downsamples, tiles, file_bytes=file_bytes)
        colour = self._property(openslide.PROPERTY_NAME_BACKGROUND_COLOR)
        return SlideHeader(
            reader=f"openslide {openslide.__library_version__}",
            vendor=self._property(openslide.PROPERTY_NAME_VENDOR) or "unknown",
            level_dimensions=dimensions,
            level_downsamples=downsamples,
            header_mpp=(
                _number(self._property(openslide.PROPERTY_NAME_MPP_X)),
                _number(self._property(openslide.PROPERTY_NAME_MPP_Y)),
            ),
            magnification=_number(self._property(openslide.PROPERTY_NAME_OBJECTIVE_POWER)),
            background=_colour(colour) if colour else WHITE,
            quickhash=self._property(openslide.PROPERTY_NAME_QUICKHASH1),
        )

    def _property(self, name: str) -> str | None:
        # One by one: a single undecodable name or value would spoil a dict of all of them.
        try:
            return self._handle.properties.get(name)
        except UnicodeDecodeError:
            return None

    def _stored_tile(self, level: int) -> tuple[int, int] | None:
        width = _number(self._property(f"openslide.level[{level}].tile-width"))
        height = _number(self._property(f"openslide.level[{level}].tile-height"))
        return (int(width), int(height)) if width is not None and height is not None else None

    def read(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        """See ``Slide.read``."""
        self._require_inside(location, level, size)
        if self._pid != os.getpid():
            self._open()
        if self._tiles is not None and level == 0:
            # Of a file that was replaced, the old one may still be open, or in the cache.
            self.require_unchanged()
            try:
                return Region(*self._tiles.read(location, size, self.header.background))
            except TileError:  # OpenSlide knows what to do about it, or what to say
                pass
        return self._read_region(location, level, size)

    def _read_level_0(self, location: tuple[int, int], size: tuple[int, int]) -> Region:
        return self._read_region(location, 0, size)

    def _read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        try:
            rgba = self._handle.read_region(location, level, size)
        except openslide.OpenSlideError:
            self._replace_handle()
            rgba = self._read_again(location, level, size)
        return Region(*composite(np.asarray(rgba), self.header.background))

    def _read_again(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> Image.Image:
        """Read once more: a disk that failed for a moment reads like a damaged file."""
        try:
            return self._handle.read_region(location, level, size)
        except openslide.OpenSlideError as error:
            self._replace_handle()
            require_readable_disk(self.path)
            msg = (
                f"{self.path} cannot be decoded at location {location}, level {level}, size "
                f"{size}: {_reason(error, self.path)}. Copy the slide again, or skip the region "
                "with on_bad_region='skip'."
            )
            raise SlideCorruptError(msg) from error

    def _replace_handle(self) -> None:
        # A file that vanished or was replaced reads like a damaged one, too.
        self.require_unchanged()
        spoilt = self._handle
        self._open()
        spoilt.close()

    def reopen(self) -> "OpenSlideReader":
        """Return a second, independent handle on the same file."""
        return _same_file(str(self.path), self.mpp_argument, self.stamp, self._tiles)

    def close(self) -> None:
        """Release the file."""
        self._tiles = None
        self._handle.close()

    def __reduce__(self) -> tuple[object, ...]:
        return (_same_file, (str(self.path), self.mpp_argument, self.stamp))


def _same_file(
    path: str, mpp: float | None, stamp: FileStamp, tiles: JpegTiles | None = None
) -> OpenSlideReader:
    """Open a file that must still be the one that has this stamp."""
    source = classify(path)
    stamp.check(source.path)
    return OpenSlideReader(source, mpp, tiles)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _colour(text: str) -> tuple[int, int, int]:
    value = int(text, 16)
    return (value >> 16 & 255, value >> 8 & 255, value & 255)


def _reason(error: Exception, path: Path) -> str:
    # OpenSlide's own texts repeat the path.
    return str(error).replace(str(path), path.name).rstrip(". ")
