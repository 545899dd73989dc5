"""The slide contract: what every reader gives, whatever the format."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from msfusion_sdk.errors import SlideResolutionError
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.slides.readers.spacing import Spacing, resolve_mpp
from msfusion_sdk.slides.stored_tiles.region import Region, composite

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
