"""The slide contract: what every reader gives, whatever the format."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msfusion_sdk.errors import SlideResolutionError
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.slides.readers.spacing import Spacing, resolve_mpp
from msfusion_sdk.slides.stored_tiles.region import Region, composite
from msfusion_sdk.slides.stored_tiles.thumbnail import shrunk

__all__ = ["WHITE", "Region", "Slide", "SlideHeader", "composite"]

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
    contradicting_mpp: tuple[float, ...] = ()
    """Where the file states several spacings that do not agree; then it has no ``header_mpp``."""


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

    @property
    def level_count(self) -> int:
        """How many levels are used; those of a file that are no level 0 made smaller are not."""
        return len(self.header.level_dimensions)

    @property
    def level_dimensions(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of each level, pixels of the level."""
        return self.header.level_dimensions

    @property
    def level_downsamples(self) -> tuple[float, ...]:
        """Level-0 pixels per pixel of each level: a float, 3.9998 is not 4."""
        return self.header.level_downsamples

    def get_best_level_for_downsample(self, downsample: float) -> int:
        """Return the smallest level that is not smaller than level 0 by more than ``downsample``.

        As ``openslide`` does; level 0 where all are.
        """
        fine = [n for n, each in enumerate(self.level_downsamples) if each <= downsample]
        return max(fine, default=0)

    def read_region(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> Image.Image:
        """Return a region as ``openslide`` does: RGBA, transparent beyond the slide.

        ``read`` gives the same pixels as an array, without transparency.

        Parameters
        ----------
        location : (x, y), level-0 pixels
            Of the top-left corner, whatever the level; may lie outside.
        level : int
        size : (width, height), pixels of ``level``

        Raises
        ------
        ValueError
            When there is no such level, or a size is negative.
        SlideError
            As :meth:`read` does.
        """
        self._require_region(level, size)
        image = Image.new("RGBA", size)
        box = self._part_inside(location, level, size)
        if box is not None:
            corner, (left, top), inside = box
            pixels = self.read(corner, level, inside).pixels
            image.paste(Image.fromarray(pixels).convert("RGBA"), (left, top))
        return image

    def get_thumbnail(self, size: tuple[int, int]) -> Image.Image:
        """Return the whole slide as a small RGB picture, on the slide's background.

        Parameters
        ----------
        size : (width, height), pixels
            Into which it fits; its shape is that of the slide.  Memory does not grow with the
            slide.

        Raises
        ------
        ValueError
            When a size is not positive.
        SlideError
            As :meth:`read` does.
        """
        if min(size) < 1:
            msg = f"A thumbnail of {size} pixels holds nothing. Give a width and a height above 0."
            raise ValueError(msg)
        downsample = max(have / want for have, want in zip(self.dimensions, size, strict=True))
        level = self.get_best_level_for_downsample(downsample)
        width, height = self.level_dimensions[level]

        def read(top: int, rows: int) -> NDArray[np.uint8]:
            l0_top = round(top * self.dimensions[1] / height)
            return self.read((0, l0_top), level, (width, rows)).pixels

        return shrunk(read, (width, height), size)

    def spacing(self) -> Spacing:
        """Return µm per pixel of level 0, or raise ``SlideResolutionError``."""
        header = self.header
        return resolve_mpp(
            header.header_mpp, self.mpp_argument, header.magnification, header.contradicting_mpp
        )

    def require_unchanged(self) -> None:
        """Raise ``SlideChangedError`` when the file was replaced since it was opened."""
        self.stamp.check(self.path)

    def _require_region(self, level: int, size: tuple[int, int]) -> None:
        if not 0 <= level < self.level_count or min(size) < 0:
            msg = f"No region of size {size} in level {level} of {self.level_count} (from 0)."
            raise ValueError(msg)

    def _part_inside(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None:
        """Return where a region meets the slide: its corner in level 0, and place and size in it.

        None where it lies beyond the slide.
        """
        corner, place, inside = [], [], []
        for start, whole, edge, length in zip(
            location, self.dimensions, self.level_dimensions[level], size, strict=True
        ):
            first = round(start * edge / whole)
            left, right = max(0, first), min(edge, first + length)
            if start >= whole or right <= left:
                return None
            corner.append(max(0, start))
            place.append(left - first)
            inside.append(right - left)
        return (corner[0], corner[1]), (place[0], place[1]), (inside[0], inside[1])

    def _require_inside(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> None:
        width, height = self.dimensions
        inside = 0 <= location[0] < width and 0 <= location[1] < height
        if not (inside and 0 <= level < len(self.header.level_dimensions) and min(size) > 0):
            msg = (
                f"No region {location}, level {level}, size {size} in a slide of {self.dimensions}."
            )
            raise ValueError(msg)

    def __repr__(self) -> str:
        return one_line("Slide", [repr(self.path.name), *self._facts().values()])

    def _repr_html_(self) -> str:
        return html_table(f"Slide {self.path.name}", self._facts())

    def _facts(self) -> dict[str, str]:
        width, height = self.dimensions
        levels = len(self.header.level_dimensions)
        try:
            spacing = f"{self.spacing().mpp:g} µm/px"
        except SlideResolutionError:  # which is told when the slide is encoded
            spacing = "no µm/px"
        return {
            "file": f"{self.header.vendor} by {self.header.reader}",
            "size": f"{width} × {height} px",
            "spacing": spacing,
            "levels": f"{levels} {'level' if levels == 1 else 'levels'}",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
