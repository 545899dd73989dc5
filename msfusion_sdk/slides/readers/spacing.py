"""Sizes and spacings: what a header may claim, and how a patch is read at the target spacing.

A downsample is a float and is never truncated: 3.9998 is not 3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from msfusion_sdk.config import MAX_MPP, MIN_MPP
from msfusion_sdk.errors import SlideResolutionError

__all__ = ["Spacing", "contradictions", "resolve_mpp"]

# As a share: 2 % between x and y, the argument and the header, and two lines of a header.
MAX_ANISOTROPY = 0.02
WAYS_OUT = (
    "Pass the scanner's value, for example encode(path, mpp=0.25) or --mpp 0.25 for a 40x "
    "scan, or put it in the mpp column of the slide table; for a slide of a cohort that is made: "
    "set_slide, in the shell msfusion cohort set with --mpp."
)


@dataclass(frozen=True)
class Spacing:
    """Microns per pixel of level 0, and where the number is from."""

    mpp: float
    source: str
    """'argument' or 'header'."""
    warnings: tuple[str, ...] = ()


def resolve_mpp(
    header: tuple[float | None, float | None],
    argument: float | None,
    objective: float | None = None,
    contradicting: tuple[float, ...] = (),
) -> Spacing:
    """Return the spacing of level 0, from the argument if given, else from the header.

    Parameters
    ----------
    header : (mpp_x, mpp_y), µm per pixel, None where the file does not tell
    argument : float, optional
        The caller's word; it wins, and a disagreement is a warning.
    objective : float, optional
        The scanner's label; only used to warn.
    contradicting : tuple of float
        Several spacings that the file states, where they do not agree.

    Raises
    ------
    SlideResolutionError
        When the spacing is missing, stated in several ways, outside 0.05..20, or differs by over
        2 % between x and y.
    """
    mpp_x, mpp_y = header
    if argument is not None:
        value = _plausible(argument, "mpp argument")
        warnings = []
        known = contradicting or ((mpp_x,) if mpp_x and math.isfinite(mpp_x) else ())
        if known and all(abs(one / value - 1) > MAX_ANISOTROPY for one in known):
            says = " and ".join(f"{one:g}" for one in known)
            warnings.append(f"mpp={value:g} was given, and the header says {says}")
        return Spacing(value, "argument", tuple(warnings))
    if contradicting:
        stated = " and ".join(f"{value:g}" for value in contradicting)
        msg = f"The slide's header states {stated} µm per pixel, and none is guessed. {WAYS_OUT}"
        raise SlideResolutionError(msg)
    if mpp_x is None or mpp_y is None:
        msg = f"The slide's header has no microns per pixel, and they are never guessed. {WAYS_OUT}"
        raise SlideResolutionError(msg)
    x, y = _plausible(mpp_x, "header's mpp"), _plausible(mpp_y, "header's mpp")
    if abs(x / y - 1) > MAX_ANISOTROPY:
        msg = (
            f"The slide's pixels are {x:g} µm wide and {y:g} µm high; over 2 % apart is refused. "
            f"{WAYS_OUT}"
        )
        raise SlideResolutionError(msg)
    mpp = (x + y) / 2
    # 10 µm divided by the power is the usual spacing: 40x is 0.25, 20x is 0.5.
    if objective and math.isfinite(objective) and not 1 / 1.5 <= mpp * objective / 10 <= 1.5:
        label = f"the header says {mpp:g} µm per pixel and {objective:g}x, which do not agree"
        return Spacing(mpp, "header", (label,))
    return Spacing(mpp, "header")


def contradictions(stated: Sequence[float]) -> tuple[float, ...]:
    """Return the spacings that a file states when they differ by over 2 %, none when they agree."""
    known = sorted({value for value in stated if value > 0 and math.isfinite(value)})
    return tuple(known) if known and known[-1] / known[0] - 1 > MAX_ANISOTROPY else ()


def _plausible(value: float, what: str) -> float:
    if not math.isfinite(value) or not MIN_MPP <= value <= MAX_MPP:
        msg = f"The {what} is {value:g} µm per pixel, outside {MIN_MPP:g}..{MAX_MPP:g}. {WAYS_OUT}"
        raise SlideResolutionError(msg)
    return float(value)
