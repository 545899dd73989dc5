"""Choose a pyramid level, and tell which levels of a file are level 0 made smaller.

A downsample is a float and is never truncated: 3.9998 is not 3.
"""

import math

__all__ = ["LEFT_OUT", "choose_level", "false_level_warnings", "true_levels"]

Size = tuple[int, int]

LEFT_OUT = "levels left out"

ROUNDING_PX = 1.0
"""How far an edge may be from level 0's divided by the downsample: floor, ceiling, repeated."""


def choose_level(downsamples: tuple[float, ...], mpp: float, wanted_mpp: float) -> int:
    """Return the coarsest level that is at least as fine as ``wanted_mpp``, else level 0."""
    # Spacings are quotients of rounded numbers: without the tolerance 0.5000001 misses 0.5.
    fine_enough = [i for i, d in enumerate(downsamples) if d * mpp <= wanted_mpp * (1 + 1e-6)]
    # Never a coarser one while a finer is there: shrinking averages, enlarging invents.
    return max(fine_enough, default=0)


def true_levels(
    dimensions: tuple[Size, ...], slack: float = 0.0, *, repeats: bool = False
) -> tuple[int, ...]:
    """Return the levels that are level 0 made smaller, each smaller than the one before.

    A level that a file pads to whole stored tiles, a macro image or a thumbnail that is
    flagged as a level, and a second copy of a level are none.

    Parameters
    ----------
    dimensions : (width, height) of every level, pixels; the first is level 0
    slack : float
        Share by which x and y may differ beyond rounding, for formats whose levels are laid
        out by their driver.
    repeats : bool
        True also returns levels of the size of the one before: one of the two may be a mask.

    Examples
    --------
    >>> true_levels(((2000, 2000), (1000, 1000), (1152, 1152), (160, 300), (500, 500)))
    (0, 1, 4)
    """
    kept = [0]
    for level, size in enumerate(dimensions[1:], 1):
        before = dimensions[kept[-1]]
        fits = size[0] <= before[0] and size[1] <= before[1] and (repeats or size != before)
        if fits and _is_made_smaller(dimensions[0], size, slack):
            kept.append(level)
    return tuple(kept)


def false_level_warnings(dimensions: tuple[Size, ...], kept: tuple[int, ...]) -> tuple[str, ...]:
    """Return a warning that names the levels which are not used; none when all are."""
    left_out = [dimensions[level] for level in range(len(dimensions)) if level not in kept]
    if not left_out:
        return ()
    width, height = dimensions[0]
    sizes = ", ".join(f"{w} x {h}" for w, h in left_out)
    return (
        f"{LEFT_OUT}: {sizes}. They are not the picture of {width} x {height} pixels made smaller, "
        "or show it a second time",
    )


def _is_made_smaller(level_0: Size, size: Size, slack: float) -> bool:
    """Return whether one downsample explains both edges within rounding."""
    low, high = 0.0, math.inf
    for whole, part in zip(level_0, size, strict=True):
        low = max(low, whole / (part + ROUNDING_PX) * (1 - slack))
        # An edge of one pixel may have been rounded up from any fraction.
        high = min(high, whole / (part - ROUNDING_PX) * (1 + slack) if part > 1 else math.inf)
    return low <= high and high > 1
