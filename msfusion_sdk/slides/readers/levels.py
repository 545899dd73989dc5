"""Choose a pyramid level.

A downsample is a float and is never truncated: 3.9998 is not 3.
"""

__all__ = ["choose_level"]


def choose_level(downsamples: tuple[float, ...], mpp: float, wanted_mpp: float) -> int:
    """Return the coarsest level that is at least as fine as ``wanted_mpp``, else level 0."""
    fine_enough = [i for i, d in enumerate(downsamples) if d * mpp <= wanted_mpp * (1 + 1e-6)]
    return max(fine_enough, default=0)
