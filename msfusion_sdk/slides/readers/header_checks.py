"""What a header may claim: sizes and levels that can be true and are safe to read."""

import itertools
import math

from msfusion_sdk.errors import SlideGeometryError
from msfusion_sdk.slides.stored_tiles.tiff import MAX_STORED_TILE_PX

__all__ = ["require_possible_levels"]

MIN_BYTES_PER_PX, MAX_BYTES_PER_PX = 1e-5, 8.0
SMALL_FILE_BYTES = 1_000_000
MIN_SHAPED_PX, MAX_SKEW = 1024, 1.5


def require_possible_levels(
    dimensions: tuple[tuple[int, int], ...],
    downsamples: tuple[float, ...],
    stored_tiles: tuple[tuple[int, int] | None, ...],
    *,
    file_bytes: int | None = None,
) -> None:
    """Raise ``SlideGeometryError`` for a header that cannot be true or is unsafe to read.

    Parameters
    ----------
    dimensions : (width, height) of every level, pixels
    downsamples : factor of every level relative to level 0
    stored_tiles : (width, height) of the blocks the file compresses, or None where not told
    file_bytes : int, optional
        Size of a slide that is one file.

    Notes
    -----
    A stored tile of gigapixels makes the decoder allocate gigabytes and abort the process.
    """
    problem = (
        _impossible_levels(dimensions, downsamples)
        or _larger_level(dimensions, stored_tiles)
        or _impossible_tile(stored_tiles)
        or _impossible_density(dimensions[0], file_bytes)
    )
    if problem:
        msg = (
            f"The slide's header states {problem}, which cannot be true. The file is damaged; "
            "copy it again."
        )
        raise SlideGeometryError(msg)


def _impossible_levels(
    dimensions: tuple[tuple[int, int], ...], downsamples: tuple[float, ...]
) -> str:
    if not dimensions:
        return "no pyramid level"
    if any(width <= 0 or height <= 0 for width, height in dimensions):
        return f"an empty level in {list(dimensions)}"
    if any(not math.isfinite(d) or d <= 0 for d in downsamples):
        return f"impossible downsamples {list(downsamples)}"
    if any(b <= a for a, b in itertools.pairwise(downsamples)):
        return f"downsamples that do not grow: {list(downsamples)}"
    width, height = dimensions[0]
    for w, h in dimensions[1:]:
        # Small levels may be padded to whole stored tiles; large ones keep the shape.
        skew = (width / w) / (height / h)
        if min(w, h) >= MIN_SHAPED_PX and not 1 / MAX_SKEW <= skew <= MAX_SKEW:
            return f"levels of different shapes: {width} x {height} and {w} x {h}"
    return ""


def _larger_level(
    dimensions: tuple[tuple[int, int], ...], stored_tiles: tuple[tuple[int, int] | None, ...]
) -> str:
    for size, tile in zip(dimensions[1:], stored_tiles[1:], strict=False):
        # A level smaller than a stored tile may be padded to one.
        limits = (max(pair) for pair in zip(dimensions[0], tile or (0, 0), strict=True))
        if any(edge > limit for edge, limit in zip(size, limits, strict=True)):
            return f"a level of {size[0]} x {size[1]} pixels above one of {dimensions[0]}"
    return ""


def _impossible_tile(stored_tiles: tuple[tuple[int, int] | None, ...]) -> str:
    for tile in stored_tiles:
        if tile and not 0 < tile[0] * tile[1] <= MAX_STORED_TILE_PX:
            return f"a stored tile of {tile[0]} x {tile[1]} pixels"
    return ""


def _impossible_density(size: tuple[int, int], file_bytes: int | None) -> str:
    if not file_bytes or file_bytes <= SMALL_FILE_BYTES:
        return ""
    density = file_bytes / (size[0] * size[1])
    if MIN_BYTES_PER_PX <= density <= MAX_BYTES_PER_PX:
        return ""
    return f"{size[0]} x {size[1]} pixels in {file_bytes} bytes"
