"""Sizes and spacings: what a header may claim, and how a patch is read at the target spacing.

A downsample is a float and is never truncated: 3.9998 is not 3.
"""

import itertools
import math
from dataclasses import dataclass

from msfusion_sdk.config import PatchConfig
from msfusion_sdk.errors import SlideGeometryError, SlideResolutionError

__all__ = ["PatchPlan", "Spacing", "check_levels", "choose_level", "plan_patches", "resolve_mpp"]

MAX_STORED_TILE_PX = 64_000_000
MIN_MPP, MAX_MPP = 0.05, 20.0
MAX_ANISOTROPY = 0.02
MIN_BYTES_PER_PX, MAX_BYTES_PER_PX = 1e-5, 8.0
SMALL_FILE_BYTES = 1_000_000
MIN_SHAPED_PX, MAX_SKEW = 1024, 1.5
WAYS_OUT = (
    "Pass the scanner's value, for example encode(path, mpp=0.25) or --mpp 0.25 for a 40x "
    "scan, or put it in the mpp column of the slide table."
)


@dataclass(frozen=True)
class Spacing:
    """Microns per pixel of level 0, and where the number is from."""

    mpp: float
    source: str
    """'argument' or 'header'."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PatchPlan:
    """How every patch of one slide is read."""

    level: int
    l0_size: float
    """Patch edge in level-0 pixels; not rounded."""
    level_size_px: int
    """Patch edge in pixels of ``level``: what is read."""
    out_size_px: int
    """Patch edge after resampling: what the networks see."""
    effective_mpp: float
    """µm per pixel of the patch that the networks see."""
    warnings: tuple[str, ...] = ()

    @property
    def l0_size_px(self) -> int:
        """Patch edge rounded to whole level-0 pixels."""
        return round(self.l0_size)

    @property
    def is_resampled(self) -> bool:
        """Whether pixels are interpolated or averaged after reading."""
        return self.level_size_px != self.out_size_px


def check_levels(
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


def resolve_mpp(
    header: tuple[float | None, float | None],
    argument: float | None,
    objective: float | None = None,
) -> Spacing:
    """Return the spacing of level 0, from the argument if given, else from the header.

    Parameters
    ----------
    header : (mpp_x, mpp_y), µm per pixel, None where the file does not tell
    argument : float, optional
        The caller's word; it wins, and a disagreement is a warning.
    objective : float, optional
        The scanner's label; only used to warn.

    Raises
    ------
    SlideResolutionError
        When the spacing is missing, outside 0.05..20, or differs by over 2 % between x and y.
    """
    mpp_x, mpp_y = header
    if argument is not None:
        value = _plausible(argument, "mpp argument")
        warnings = []
        if mpp_x and math.isfinite(mpp_x) and abs(mpp_x / value - 1) > MAX_ANISOTROPY:
            warnings.append(f"mpp={value:g} was given, and the header says {mpp_x:g}")
        return Spacing(value, "argument", tuple(warnings))
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


def _plausible(value: float, what: str) -> float:
    if not math.isfinite(value) or not MIN_MPP <= value <= MAX_MPP:
        msg = f"The {what} is {value:g} µm per pixel, outside {MIN_MPP:g}..{MAX_MPP:g}. {WAYS_OUT}"
        raise SlideResolutionError(msg)
    return float(value)


def choose_level(downsamples: tuple[float, ...], mpp: float, wanted_mpp: float) -> int:
    """Return the coarsest level that is at least as fine as ``wanted_mpp``, else level 0."""
    fine_enough = [i for i, d in enumerate(downsamples) if d * mpp <= wanted_mpp * (1 + 1e-6)]
    return max(fine_enough, default=0)


def plan_patches(downsamples: tuple[float, ...], mpp: float, config: PatchConfig) -> PatchPlan:
    """Decide from which level patches are read, and how large.

    Within ``resample_tolerance`` of the target nothing is resampled; otherwise the same
    microns are read and brought to ``patch_size_px``.

    Raises
    ------
    SlideResolutionError
        When level 0 is more than ``max_upsample`` times coarser than the target.
    """
    size, target = config.patch_size_px, config.target_mpp
    level = choose_level(downsamples, mpp, target * (1 + config.resample_tolerance))
    level_mpp = mpp * downsamples[level]
    factor = level_mpp / target
    warnings: tuple[str, ...] = ()
    if abs(factor - 1) <= config.resample_tolerance:
        level_size = size
    else:
        if factor > config.max_upsample:
            msg = (
                f"The slide has {mpp:g} µm per pixel and the model wants {target:g}: enlarging it "
                f"{factor:.2f} times is beyond max_upsample={config.max_upsample:g}. Use a finer "
                "scan; if mpp is wrong in the header, pass the true one; to enlarge all the same, "
                f"raise max_upsample (--max-upsample {math.ceil(factor)})."
            )
            raise SlideResolutionError(msg)
        level_size = round(size * target / level_mpp)
        if factor > 1:
            enlarged = (
                f"enlarged {factor:.2f} times: the slide has {mpp:g} µm per pixel, the model "
                f"wants {target:g}"
            )
            warnings = (enlarged,)
    return PatchPlan(
        level=level,
        l0_size=level_size * downsamples[level],
        level_size_px=level_size,
        out_size_px=size,
        effective_mpp=level_size * level_mpp / size,
        warnings=warnings,
    )
