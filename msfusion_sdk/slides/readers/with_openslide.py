"""The reader for everything that OpenSlide understands."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError
from msfusion_sdk.slides.files.disk import require_readable_disk
from msfusion_sdk.slides.pyramid_levels.level_content import matching_levels
from msfusion_sdk.slides.readers.file_kind import FileKind, Source, classify
from msfusion_sdk.slides.readers.openslide_header import BY_FLAG, read_header, with_levels
from msfusion_sdk.slides.readers.reader import Region, Slide, composite
from msfusion_sdk.slides.stored_tiles.fast_path import verified_tiles
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileError
from msfusion_sdk.slides.stored_tiles.jpeg_tiles import JpegTiles
from msfusion_sdk.slides.stored_tiles.tiff_facts import TiffFacts

__all__ = ["OpenSlideReader"]


class OpenSlideReader(Slide):
    """Read through ``openslide.OpenSlide``.

    An OpenSlide handle that met one bad byte answers every later call with the same
    error, so the handle is replaced after an error.  It is also replaced after a fork.

    Level 0 of a JPEG slide is decoded without OpenSlide where both give the same pixels;
    ``header.reader`` says so.

    Parameters
    ----------
    facts : TiffFacts, optional
        What the directories of a TIFF say.
    like : OpenSlideReader, optional
        Another handle on the same file, which has looked at its levels and stored tiles.
    """

    _levels: tuple[int, ...]
    """Number in the file of each level of the header."""
    _tiles: JpegTiles | None

    def __init__(
        self,
        source: Source,
        mpp: float | None = None,
        *,
        facts: TiffFacts | None = None,
        like: "OpenSlideReader | None" = None,
    ) -> None:
        self.path, self.stamp, self.mpp_argument = source.path, source.stamp, mpp
        # Only of one TIFF can stored tiles be found without OpenSlide.
        self._is_one_file = source.kind is FileKind.TIFF
        self._open()
        if like is not None:
            self.header, self._levels, self._tiles = like.header, like._levels, like._tiles
            return
        self.header, self._levels = read_header(self._handle, source, facts)
        self._tiles = None
        if self.header.vendor in BY_FLAG:
            self._leave_out(matching_levels(self._level_pixels, self._sizes(), self._levels))
        if self._is_one_file:
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

    def read(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        """See ``Slide.read``."""
        self._require_inside(location, level, size)
        # After a fork both processes share the open files and their positions.
        if self._pid != os.getpid():
            self._open()
        if self._tiles is not None and level == 0:
            # Of a file that was replaced, the old one may still be open, or in the cache.
            self.require_unchanged()
            try:
                return Region(*self._tiles.read(location, size, self.header.background))
            except TileError:  # OpenSlide knows what to do about it, or what to say
                pass
        return self._read_region(location, self._levels[level], size)

    def read_region(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> Image.Image:
        """See ``Slide.read_region``; here it is OpenSlide's own picture."""
        self._require_region(level, size)
        if self._pid != os.getpid():
            self._open()
        return self._picture(location, self._levels[level], size)

    def _sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of every level of the file, those that are left out too."""
        return tuple((int(w), int(h)) for w, h in self._handle.level_dimensions)

    def _leave_out(self, kept: tuple[int, ...]) -> None:
        """Use only those levels of the file that are named."""
        if kept != self._levels:
            self.header = with_levels(self.header, self._sizes(), kept)
            self._levels = kept

    def _level_pixels(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> NDArray[np.uint8] | None:
        try:
            return self._read_region(location, level, size).pixels
        except SlideCorruptError:
            return None

    def _read_level_0(self, location: tuple[int, int], size: tuple[int, int]) -> Region:
        return self._read_region(location, 0, size)

    def _read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        rgba = np.asarray(self._picture(location, level, size))
        return Region(*composite(rgba, self.header.background))

    def _picture(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        try:
            return self._handle.read_region(location, level, size)
        except openslide.OpenSlideError:
            self._replace_handle()
            return self._read_again(location, level, size)

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
                f"{size}: {_reason(error, self.path)}. Copy the slide again from the scanner or "
                "the archive."
            )
            raise SlideCorruptError(msg) from error

    def _replace_handle(self) -> None:
        # A file that vanished or was replaced reads like a damaged one, too.
        self.require_unchanged()
        # Closed last: when opening fails, ``close`` still has a handle to release.
        spoilt = self._handle
        self._open()
        spoilt.close()

    def reopen(self) -> "OpenSlideReader":
        """Return a second, independent handle on the same file."""
        source = classify(self.path)
        self.stamp.require_same(source.stamp, source.path)
        return OpenSlideReader(source, self.mpp_argument, like=self)

    def close(self) -> None:
        """Release the file."""
        self._tiles = None
        self._handle.close()


def _reason(error: Exception, path: Path) -> str:
    # OpenSlide's own texts repeat the path.
    return str(error).replace(str(path), path.name).rstrip(". ")
