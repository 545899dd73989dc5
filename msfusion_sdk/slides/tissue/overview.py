"""Read a whole slide once at low resolution, in bounded memory."""

import math
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.readers.levels import choose_level
from msfusion_sdk.slides.readers.prefetch import prefetch
from msfusion_sdk.slides.readers.reader import Region, Slide

__all__ = ["Overview", "read_overview"]

# A block is (left, top, right, bottom) in overview pixels unless a name says otherwise.
Box = tuple[int, int, int, int]

Part = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""Pixels of a block of the overview, and where the file holds none."""

BLOCK_PX = 4_000_000
WORKERS = 2
"""Threads that read a large slide: two halve the time, and more would crowd out other slides."""
# A damaged block is cut into quarters down to this, about a stored tile, and so many times:
# every failed read costs a reopening of the file.
SMALLEST_SPLIT_PX, MAX_SPLITS = 65_536, 64
# A tiny slide gets a finer overview, so that its shorter side has at least this many pixels.
MIN_SIDE_PX = 64
# Reading this much to find tissue is worth a warning: the slide has no pyramid.
SLOW_PX = 500_000_000


@dataclass(frozen=True)
class Overview:
    """A slide at low resolution."""

    pixels: NDArray[np.uint8]
    """Shape (height, width, 3), RGB."""
    missing: NDArray[np.bool_]
    """Shape (height, width): True where the file holds no pixels or they are damaged."""
    l0_step: tuple[float, float]
    """Level-0 pixels per overview pixel, in x and y."""
    mpp: float
    """µm per overview pixel."""
    px_read: int
    """Pixels that were decoded to make it."""
    bad_blocks: tuple[Box, ...] = ()
    """(x, y, width, height) in level-0 pixels of blocks that could not be decoded."""
    warnings: tuple[str, ...] = ()


def read_overview(
    slide: Slide, mpp: float, wanted_mpp: float, *, on_bad_region: str = "skip"
) -> Overview:
    """Read ``slide`` at about ``wanted_mpp``, block by block, shrunk by area averaging.

    Parameters
    ----------
    slide : Slide
        Open.
    wanted_mpp : float
        µm per pixel of the overview; the nearest that blocks of whole pixels allow.
    mpp : float
        µm per pixel of level 0.
    on_bad_region : 'skip' or 'raise'
        What to do with a block that cannot be decoded.

    Raises
    ------
    SlideCorruptError
        When no block can be decoded, or one cannot and ``on_bad_region`` is 'raise'.
    """
    width, height = slide.dimensions
    spacing = max(mpp, min(wanted_mpp, min(width, height) * mpp / MIN_SIDE_PX))
    columns, rows = (max(1, round(edge * mpp / spacing)) for edge in (width, height))
    level = choose_level(slide.header.level_downsamples, mpp, spacing)
    canvas = _Canvas(slide, level, columns, rows)
    blocks = _blocks(columns, rows, *slide.header.level_dimensions[level])
    workers = WORKERS if len(blocks) > WORKERS else 0
    read = prefetch(slide, blocks, canvas.read, threads=workers, ahead=2 * WORKERS)
    # Closing it stops the reading threads also when a bad region is an error.
    with closing(read) as parts:
        for block, part in zip(blocks, parts, strict=True):
            if isinstance(part, SlideCorruptError):
                canvas.reread(block, part, on_bad_region)
            else:
                canvas.put(block, part)
    if canvas.error is not None and not canvas.px_filled:
        raise canvas.error
    return Overview(
        pixels=canvas.pixels,
        missing=canvas.missing,
        l0_step=(width / columns, height / rows),
        mpp=spacing,
        px_read=canvas.px_read,
        bad_blocks=tuple(canvas.bad),
        warnings=canvas.warnings(),
    )


class _Canvas:
    """An overview that is being filled block by block."""

    def __init__(self, slide: Slide, level: int, columns: int, rows: int) -> None:
        self.slide, self.level = slide, level
        self.pixels = np.full((rows, columns, 3), slide.header.background, np.uint8)
        self.missing = np.ones((rows, columns), np.bool_)
        self.px_read = self.px_filled = 0
        self.bad: list[Box] = []
        self.error: SlideCorruptError | None = None
        self.splits_left = MAX_SPLITS

    def read(self, handle: Slide, block: Box) -> Part | SlideCorruptError:
        """Return what a handle on the slide gives for a block; changes nothing."""
        left, top, right, bottom = block
        x0, y0, x1, y1 = self._level_box(block)
        x, y, _, _ = self._l0_box(block)
        try:
            region = handle.read((x, y), self.level, (x1 - x0, y1 - y0))
        except SlideCorruptError as error:
            return error
        size = (right - left, bottom - top)
        small = cv2.resize(region.pixels, size, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(small, np.uint8)
        return pixels, _is_missing(pixels, region, handle.header.background)

    def put(self, block: Box, part: Part) -> None:
        """Fill a block with what was read of it."""
        left, top, right, bottom = block
        x0, y0, x1, y1 = self._level_box(block)
        self.px_read += (x1 - x0) * (y1 - y0)
        self.pixels[top:bottom, left:right], self.missing[top:bottom, left:right] = part
        self.px_filled += (right - left) * (bottom - top)

    def reread(self, block: Box, error: SlideCorruptError, on_bad_region: str) -> None:
        """Fill those quarters of a block that can be decoded."""
        if on_bad_region == "raise":
            raise error
        self.error = error
        x0, y0, x1, y1 = self._level_box(block)
        self.px_read += (x1 - x0) * (y1 - y0)
        # One damaged stored tile spoils a whole region; most of it may be sound.
        quarters = self._quarters(block)
        for quarter in quarters:
            part = self.read(self.slide, quarter)
            if isinstance(part, SlideCorruptError):
                self.reread(quarter, part, on_bad_region)
            else:
                self.put(quarter, part)
        if not quarters:
            self.bad.append(self._l0_box(block))

    def warnings(self) -> tuple[str, ...]:
        warnings = []
        if self.px_read > SLOW_PX:
            warnings.append(
                f"no small pyramid level: {self.px_read / 1e6:.0f} megapixels were read to find "
                "tissue"
            )
        if self.bad:
            width, height = self.slide.dimensions
            share = sum(w * h for _, _, w, h in self.bad) / (width * height)
            warnings.append(
                f"{100 * share:.2g} % of the overview could not be decoded and counts as glass"
            )
        return tuple(warnings)

    def _quarters(self, block: Box) -> list[Box]:
        """Return the four parts of a block; none when it is small, or the limit is reached."""
        left, top, right, bottom = block
        x0, y0, x1, y1 = self._level_box(block)
        if not self.splits_left or (x1 - x0) * (y1 - y0) <= SMALLEST_SPLIT_PX:
            return []
        self.splits_left -= 1
        x, y = (left + right) // 2, (top + bottom) // 2
        parts = [(left, top, x, y), (x, top, right, y), (left, y, x, bottom), (x, y, right, bottom)]
        return [part for part in parts if part[0] < part[2] and part[1] < part[3]]

    def _level_box(self, block: Box) -> Box:
        """Return (left, top, right, bottom) in pixels of the level; never empty."""
        rows, columns = self.missing.shape
        width, height = self.slide.header.level_dimensions[self.level]
        x0, x1 = (round(edge * width / columns) for edge in (block[0], block[2]))
        y0, y1 = (round(edge * height / rows) for edge in (block[1], block[3]))
        return x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)

    def _l0_box(self, block: Box) -> Box:
        """Return (x, y, width, height) in level-0 pixels."""
        x0, y0, x1, y1 = self._level_box(block)
        width, height = self.slide.dimensions
        level_width, level_height = self.slide.header.level_dimensions[self.level]
        left, right = (round(x * width / level_width) for x in (x0, x1))
        top, bottom = (round(y * height / level_height) for y in (y0, y1))
        return min(left, width - 1), min(top, height - 1), right - left, bottom - top


def _is_missing(
    small: NDArray[np.uint8], region: Region, background: tuple[int, int, int]
) -> NDArray[np.bool_]:
    # Regions report a count, not a map: where some pixels are missing, exact background is it.
    if region.transparent_px == 0:
        return np.zeros(small.shape[:2], np.bool_)
    if region.transparent_px >= region.pixels.shape[0] * region.pixels.shape[1]:
        return np.ones(small.shape[:2], np.bool_)
    return np.asarray((small == np.asarray(background, np.uint8)).all(-1))


def _blocks(columns: int, rows: int, level_width: int, level_height: int) -> list[Box]:
    """Cut the overview into blocks of about ``BLOCK_PX`` pixels of the level."""
    per_pixel = (level_width / columns) * (level_height / rows)
    edge = max(1, math.isqrt(int(BLOCK_PX / per_pixel)))
    return [
        (left, top, min(left + edge, columns), min(top + edge, rows))
        for top in range(0, rows, edge)
        for left in range(0, columns, edge)
    ]
