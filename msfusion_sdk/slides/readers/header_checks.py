"""What a header may claim: sizes that can be true and are safe to read."""

from msfusion_sdk.errors import SlideGeometryError
from msfusion_sdk.slides.stored_tiles.tiff_facts import MAX_STORED_TILE_PX

__all__ = ["require_possible_levels"]

Size = tuple[int, int]

# Uncompressed RGBA takes 4 bytes a pixel: twice as much is no picture of this size.
MIN_BYTES_PER_PX, MAX_BYTES_PER_PX = 1e-5, 8.0
# In a smaller file, headers and colour profile may outweigh the pixels.
SMALL_FILE_BYTES = 1_000_000


def require_possible_levels(
    dimensions: tuple[Size, ...],
    stored_tiles: tuple[Size | None, ...],
    *,
    file_bytes: int | None = None,
    level_0_bytes: int | None = None,
) -> None:
    """Raise ``SlideGeometryError`` for a header that cannot be true or is unsafe to read.

    Parameters
    ----------
    dimensions : (width, height) of every level, pixels
    stored_tiles : (width, height) of the blocks the file compresses, or None where not stated
    file_bytes : int, optional
        Size of a slide that is one file.
    level_0_bytes : int, optional
        Compressed size of level 0 alone.

    Notes
    -----
    A stored tile of gigapixels makes the decoder allocate gigabytes and abort the process.
    """
    problem = (
        _empty_level(dimensions)
        or _impossible_tile(stored_tiles)
        or _impossible_density(dimensions[0], stored_tiles[0], file_bytes, level_0_bytes)
    )
    if problem:
        msg = (
            f"The slide's header states {problem}, which cannot be true. The file is damaged; "
            "copy it again."
        )
        raise SlideGeometryError(msg)


def _empty_level(dimensions: tuple[Size, ...]) -> str:
    if not dimensions:
        return "no pyramid level"
    if any(width <= 0 or height <= 0 for width, height in dimensions):
        return f"an empty level in {list(dimensions)}"
    return ""


def _impossible_tile(stored_tiles: tuple[Size | None, ...]) -> str:
    for tile in stored_tiles:
        if tile and not 0 < tile[0] * tile[1] <= MAX_STORED_TILE_PX:
            return f"a stored tile of {tile[0]} x {tile[1]} pixels"
    return ""


def _impossible_density(
    size: Size, tile: Size | None, file_bytes: int | None, level_0_bytes: int | None
) -> str:
    if not file_bytes or file_bytes <= SMALL_FILE_BYTES:
        return ""
    pixels = size[0] * size[1]
    if file_bytes < MIN_BYTES_PER_PX * pixels:
        return f"{size[0]} x {size[1]} pixels in {file_bytes} bytes"
    # A small picture may lie in one large stored tile.
    stored_px = max(pixels, tile[0] * tile[1] if tile else 0)
    if level_0_bytes is not None and level_0_bytes > MAX_BYTES_PER_PX * stored_px:
        return f"{level_0_bytes} bytes for {size[0]} x {size[1]} pixels"
    return ""
