"""Look whether part of a level is blank where level 0 shows something, or the reverse.

A conversion that was cut off leaves a level of which one half is white, black or absent.  Two
places of most contrast tell nothing of it: they lie where the level shows something.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Read", "Size", "levels_without_blanks"]

Size = tuple[int, int]
Read = Callable[[tuple[int, int], int, Size], NDArray[np.uint8] | None]
"""Takes a location in level-0 pixels, a level and a size; gives RGB pixels, None if damaged."""

GRID = 5
"""Places along each edge: 10 of 25 lie in any half of the slide."""
BLOCK_PX, LEAST_PX = 24, 8
"""Edge of what must be blank, in pixels of the level, and the least that a level has room for."""
LEVEL_0_PX = 128
"""Edge of what is read of level 0 in the middle of it."""
ROUNDING_PX = 3
"""How far a true level may be displaced, in its own pixels."""
CONSTANT = 2
"""Range of each channel within which pixels are blank: glass has noise, or is the same in both."""
OTHER_COLOUR = 24.0
"""Difference of the means in a channel that noise and dust do not make."""
DAMAGED_SHARE = 0.2
"""Of the places: so many that are damaged in the level and sound in level 0 are no bad block."""


def levels_without_blanks(
    read: Read, dimensions: Sequence[Size], levels: Sequence[int]
) -> tuple[int, ...]:
    """Return those of ``levels`` of which no place is blank that is not so in level 0.

    Parameters
    ----------
    dimensions : (width, height) of every level of the file
    levels : numbers of the levels to look at, the first is 0 and is always returned

    Notes
    -----
    Only pixels that are all alike count as blank, so that neither rounding nor the way in
    which a level was made smaller matters.  Slides that are blank in one place on every level
    keep their levels.
    """
    width, height = dimensions[0]
    if len(levels) < 2 or min(width, height) < LEVEL_0_PX:
        return tuple(levels)
    steps = [(n + 0.5) / GRID for n in range(GRID)]
    places = [(x * width, y * height) for y in steps for x in steps]
    whole = [_around(read, dimensions, 0, place, LEVEL_0_PX) for place in places]
    return (0, *(n for n in levels[1:] if not _is_blank(read, dimensions, n, places, whole)))


def _is_blank(
    read: Read,
    dimensions: Sequence[Size],
    level: int,
    places: Sequence[tuple[float, float]],
    whole: Sequence[NDArray[np.uint8] | None],
) -> bool:
    """Return whether a level is blank, or absent, at a place where level 0 is not."""
    edge = min(BLOCK_PX, *(side // GRID for side in dimensions[level]))
    if edge < LEAST_PX:
        return False
    downsample = max(a / b for a, b in zip(dimensions[0], dimensions[level], strict=True))
    damaged = 0
    for place, expected in zip(places, whole, strict=True):
        if expected is None:
            continue
        found = _around(read, dimensions, level, place, edge)
        if found is None:
            damaged += 1
        elif _is_constant(found):
            inside = int((edge - 2 * ROUNDING_PX) * downsample)
            if _differ(found, _middle(expected, inside)):
                return True
        elif _is_constant(expected):
            inside = int(LEVEL_0_PX / downsample) - 2 * ROUNDING_PX
            if inside > 0 and _differ(_middle(found, inside), expected):
                return True
    return damaged >= DAMAGED_SHARE * len(places)


def _around(
    read: Read, dimensions: Sequence[Size], level: int, place: tuple[float, float], edge: int
) -> NDArray[np.uint8] | None:
    """Return a square of a level around a place in level-0 pixels."""
    corner = []
    for middle, whole, side in zip(place, dimensions[0], dimensions[level], strict=True):
        start = min(max(0, round(middle * side / whole - edge / 2)), side - edge)
        corner.append(min(round(start * whole / side), whole - 1))
    return read((corner[0], corner[1]), level, (edge, edge))


def _is_constant(pixels: NDArray[np.uint8]) -> bool:
    return bool(np.ptp(pixels, axis=(0, 1)).max() <= CONSTANT)


def _differ(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return bool(np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() > OTHER_COLOUR)


def _middle(pixels: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    """Return the square of an edge in the middle, or all where there is no more."""
    top, left = (max(0, (side - edge) // 2) for side in pixels.shape[:2])
    return pixels[top : top + edge, left : left + edge]
