"""Look whether the levels of a slide show the same picture as level 0.

Sizes cannot tell everything: a square slide whose levels are padded to whole stored tiles,
or whose macro image is flagged as a level, has levels of the right shape.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.slides.pyramid_levels.level_blanks import Read, Size, levels_without_blanks

__all__ = ["matching_levels"]

Place = tuple[float, float]
"""(x, y) as shares of the slide's edges."""

BLOCK_PX, MARGIN_PX = 48, 8
"""Edge of what is compared, in pixels of the coarser level, and how far it may be displaced."""
LEAST_PX = 4 * MARGIN_PX
"""Of a level with a shorter edge, too little is left to compare without the margins."""
SAME_COLOUR = 48.0
"""Largest difference of the mean of a block in red, green or blue."""
SEEN_COLOUR = 8.0
"""Difference of these means from which exchanged channels are told; true levels have below 4."""
GRID = 5
"""Blocks that are looked at along each edge to find those with something in them."""
MIN_CONTRAST = 5.0
"""Standard deviation of grey, of 255, below which a block shows nothing to compare."""
SAME_PX, SAME_SCORE, TIE = 2, 0.4, 0.05
"""Displacement and correlation of two levels that show the same; elsewhere they fit no better."""


def matching_levels(
    read: Read, dimensions: Sequence[Size], levels: Sequence[int]
) -> tuple[int, ...]:
    """Return those of ``levels`` that show what the level before shows, made smaller.

    Parameters
    ----------
    dimensions : (width, height) of every level of the file
    levels : numbers of the levels to compare, the first is 0; of several of one size the
        first that matches is kept

    Notes
    -----
    Compared are the two places with most contrast, the second one far from the slide's
    origin, where a padded level is displaced most.  A level in which nothing is seen, because
    it is blank or absent, is compared where the level before shows something; where that is
    blank as well, it counts as one that matches.  A level that is blank in part is found first.
    """
    levels = levels_without_blanks(read, dimensions, levels)
    kept = [levels[0]]
    # Searched once, where it costs least; the other levels show the same, or are searched too.
    shared = _telling_places(read, dimensions, levels[-1]) if len(levels) > 1 else []
    for level in levels[1:]:
        if dimensions[level] == dimensions[kept[-1]]:
            continue
        verdicts = [_is_same(read, dimensions, kept[-1], level, place) for place in shared]
        for searched in (level, kept[-1]):
            if all(verdict is None for verdict in verdicts):
                places = _telling_places(read, dimensions, searched, like=level)
                verdicts = [_is_same(read, dimensions, kept[-1], level, place) for place in places]
        if False not in verdicts:
            kept.append(level)
    return tuple(kept)


def _telling_places(
    read: Read, dimensions: Sequence[Size], level: int, like: int | None = None
) -> list[Place]:
    """Return the places of ``level`` with most contrast, in blocks as those of ``like``."""
    width, height = dimensions[level if like is None else like]
    if min(width, height) <= LEAST_PX:
        return []
    across, down = (max(1, min(GRID, edge // (2 * MARGIN_PX))) for edge in (width, height))
    places = [((x + 0.5) / across, (y + 0.5) / down) for y in range(down) for x in range(across)]
    blocks = [_read_block(read, dimensions, level, place, like=like) for place in places]
    contrast = np.array([0.0 if block is None else _grey(block).std() for block in blocks])
    contrast[contrast < MIN_CONTRAST] = 0
    far = contrast * [x * width + y * height for x, y in places]
    return [places[int(which)] for which in {contrast.argmax(), far.argmax()} if contrast[which]]


def _is_same(
    read: Read, dimensions: Sequence[Size], fine: int, coarse: int, place: Place
) -> bool | None:
    """Return whether two levels show the same at a place; None where there is nothing to see."""
    if min(dimensions[coarse]) <= LEAST_PX:
        return None
    colours = _read_block(read, dimensions, coarse, place)
    expected_colours = _read_block(read, dimensions, fine, place, like=coarse)
    if colours is None or expected_colours is None:
        return None
    # Each channel: a level that is coded in another colour space may have the same grey.
    means = colours.mean((0, 1)), expected_colours.mean((0, 1))
    if _distance(*means) > SAME_COLOUR or _is_exchanged(*means):
        return False
    block, expected = _grey(colours), _grey(expected_colours)
    inner = np.ascontiguousarray(block[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX])
    if inner.std() < MIN_CONTRAST:
        # Flat where the finer level has structure: another picture.  Flat in both tells nothing.
        same_place = expected[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
        return False if same_place.std() > 2 * MIN_CONTRAST else None
    score = cv2.matchTemplate(expected, inner, cv2.TM_CCOEFF_NORMED)
    near = slice(MARGIN_PX - SAME_PX, MARGIN_PX + SAME_PX + 1)
    # A flat part of the finer block has no correlation: OpenCV divides by zero.
    found = np.nan_to_num(score)
    # Rounding moves a true level by a pixel or two; a better fit elsewhere means displacement.
    best = float(found[near, near].max())
    return best >= max(SAME_SCORE, float(found.max()) - TIE)


def _distance(mean: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    return float(np.abs(mean - expected).max())


def _is_exchanged(mean: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    """Return whether red and blue fit far better when they are exchanged."""
    as_it_is = _distance(mean, expected)
    return as_it_is > SEEN_COLOUR and _distance(mean[::-1], expected) < as_it_is / 3


def _read_block(
    read: Read, dimensions: Sequence[Size], level: int, place: Place, like: int | None = None
) -> NDArray[np.uint8] | None:
    """Return the block around a place at ``level``, in the size it has at ``like``."""
    target = level if like is None else like
    size = tuple(min(BLOCK_PX, edge) for edge in dimensions[target])
    starts = [
        min(max(0, round(share * edge - part / 2)), edge - part)
        for share, edge, part in zip(place, dimensions[target], size, strict=True)
    ]
    steps = [whole / edge for whole, edge in zip(dimensions[0], dimensions[target], strict=True)]
    x, y = (min(round(start * step), whole - 1)
            for start, step, whole in zip(starts, steps, dimensions[0], strict=True))  # fmt: skip
    if target == level:
        return _shrunk(read((x, y), level, (size[0], size[1])), size)
    finer = [
        max(1, round(part * edge / small))
        for part, edge, small in zip(size, dimensions[level], dimensions[target], strict=True)
    ]
    return _shrunk(read((x, y), level, (finer[0], finer[1])), size)


def _shrunk(pixels: NDArray[np.uint8] | None, size: Sequence[int]) -> NDArray[np.uint8] | None:
    """Return pixels in a size, by area mean; None of what is damaged."""
    if pixels is None:
        return None
    small = cv2.resize(pixels, (size[0], size[1]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)
