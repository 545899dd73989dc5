"""Lay the patch grid over a slide and keep the positions that show tissue (method step 2).

The grid starts at the slide's origin.  A patch that would reach over the right or lower
border is only a candidate under ``keep_rule="area"``, or when the slide is smaller than a
patch in that direction; its outside is background.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.config import KeepRule, PatchConfig
from msfusion_sdk.slides.tissue.mask import TissueMask

__all__ = [
    "PatchGrid",
    "grid_positions",
    "keep_by_area",
    "keep_by_vertices",
    "plan_grid",
    "tissue_recall",
]

Locations = NDArray[np.int64]


@dataclass(frozen=True)
class PatchGrid:
    """The kept patches of a slide, row by row from the top left."""

    locations: Locations
    """Shape (patch, 2): top-left (x, y), level-0 pixels."""
    l0_size_px: int
    """Patch edge in level-0 pixels."""
    keep_rule: KeepRule
    """The rule that was used, 'vertices' or 'area': the latter also where 'vertices' would have
    kept nothing, or, of 'auto', too little."""
    tissue_recall: float
    """Share of the tissue area inside kept patches; NaN without tissue."""
    candidates: int
    """Positions that were looked at."""
    warnings: tuple[str, ...] = ()


def plan_grid(
    tissue: TissueMask, dimensions: tuple[int, int], l0_size: float, config: PatchConfig
) -> PatchGrid:
    """Return the kept patches of a slide.

    Parameters
    ----------
    dimensions : (width, height), level-0 pixels
    l0_size : float
        Patch edge in level-0 pixels, not rounded: ``PatchPlan.l0_size``.
    """
    size = max(1, round(l0_size))
    stride = l0_size * config.stride_px / config.patch_size_px
    warnings: list[str] = []
    rule: KeepRule = "vertices" if config.keep_rule == "auto" else config.keep_rule
    locations, candidates = _keep(tissue, dimensions, size, stride, rule, config)
    if config.keep_rule == "auto" and tissue.mask.any():
        kept = tissue_recall(tissue, locations, size)
        if kept < config.low_recall:
            # Small specimens have no room for three corners in tissue.
            rule = "area"
            locations, candidates = _keep(tissue, dimensions, size, stride, rule, config)
    if not len(locations) and rule == "vertices" and tissue.mask.any():
        # A thin core has no room for three corners; an empty result would lose the patient.
        rule = "area"
        locations, candidates = _keep(tissue, dimensions, size, stride, rule, config)
        if len(locations):
            warnings.append(
                f"no patch has {config.min_vertices} corners in tissue, so patches were kept by "
                "area; preset='biopsy' (--preset biopsy) does so on every slide"
            )
    recall = tissue_recall(tissue, locations, size)
    if len(locations) and recall < config.low_recall:
        warnings.append(
            f"tissue_recall {recall:.2f}: kept patches hold {100 * recall:.0f} % of the tissue; "
            "for biopsies use preset='biopsy' (--preset biopsy)"
        )
    return PatchGrid(locations, size, rule, recall, candidates, tuple(warnings))


def _keep(
    tissue: TissueMask,
    dimensions: tuple[int, int],
    size: int,
    stride: float,
    rule: KeepRule,
    config: PatchConfig,
) -> tuple[Locations, int]:
    """Return the kept locations under one rule and the number of candidates."""
    xs, ys = (grid_positions(e, size, stride, reach_over=rule == "area") for e in dimensions)
    locations = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    if rule == "vertices":
        kept = keep_by_vertices(tissue, locations, size, dimensions, config.min_vertices)
    else:
        kept = keep_by_area(tissue, locations, size, config.min_area)
    return locations[kept], len(locations)


def grid_positions(edge: int, size: int, stride: float, *, reach_over: bool) -> NDArray[np.int64]:
    """Return the positions of patches along one edge of the slide, level-0 pixels.

    Position *i* is ``round(i * stride)``: the stride is not rounded, so the grid does not
    drift.  With ``reach_over`` the last patch may start anywhere inside the slide,
    otherwise it ends inside.  A slide not larger than a patch has the one position 0.
    """
    last = edge - 1 if reach_over else edge - size
    if edge <= size or last <= 0:
        return np.zeros(1, np.int64)
    positions = np.rint(np.arange(int(last / stride) + 2) * stride).astype(np.int64)
    return np.unique(positions[positions <= last])


def keep_by_vertices(
    tissue: TissueMask,
    locations: Locations,
    size: int,
    dimensions: tuple[int, int],
    min_vertices: int,
) -> NDArray[np.bool_]:
    """Return which patches have at least ``min_vertices`` corner pixels in tissue.

    In a direction in which the slide is smaller than a patch, the far corners are taken
    at the slide's border; elsewhere a corner outside the slide is outside the tissue.
    """
    width, height = dimensions
    far_x = min(size, width) - 1
    far_y = min(size, height) - 1
    count = np.zeros(len(locations), np.int64)
    for dx in (0, far_x):
        for dy in (0, far_y):
            count += _is_tissue(tissue, locations[:, 0] + dx, locations[:, 1] + dy)
    return count >= min_vertices


def _is_tissue(tissue: TissueMask, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether level-0 pixels lie in tissue; pixels outside the slide do not."""
    rows, columns = tissue.mask.shape
    # The centre of a level-0 pixel is half a pixel in, so no rounding ever meets an edge.
    column = np.floor((x + 0.5) / tissue.l0_step[0]).astype(np.int64)
    row = np.floor((y + 0.5) / tissue.l0_step[1]).astype(np.int64)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    found = np.zeros(len(x), np.bool_)
    found[inside] = tissue.mask[row[inside], column[inside]]
    return found


def keep_by_area(
    tissue: TissueMask, locations: Locations, size: int, min_area: float
) -> NDArray[np.bool_]:
    """Return which patches show tissue on at least ``min_area`` of their part inside the slide."""
    if not len(locations):
        return np.zeros(0, np.bool_)
    left, top, right, bottom = _mask_boxes(tissue, locations, size).T
    total = np.zeros(tuple(edge + 1 for edge in tissue.mask.shape), np.int64)
    total[1:, 1:] = tissue.mask.cumsum(0).cumsum(1)
    found = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    area = (right - left) * (bottom - top)
    return np.asarray((found > 0) & (found >= min_area * area), np.bool_)


def tissue_recall(tissue: TissueMask, locations: Locations, size: int) -> float:
    """Return the share of the tissue area that lies inside the patches; NaN without tissue."""
    area = int(tissue.mask.sum())
    if not area:
        return float("nan")
    covered = np.zeros(tissue.mask.shape, np.bool_)
    for left, top, right, bottom in _mask_boxes(tissue, locations, size):
        covered[top:bottom, left:right] = True
    return float((tissue.mask & covered).sum() / area)


def _mask_boxes(tissue: TissueMask, locations: Locations, size: int) -> NDArray[np.int64]:
    """Return (left, top, right, bottom) of patches in mask pixels, rounded, at least one pixel."""
    step = np.asarray(tissue.l0_step)
    limit = np.asarray(tissue.mask.shape[::-1])
    low = np.clip(np.rint(locations / step), 0, limit - 1).astype(np.int64)
    high = np.clip(np.rint((locations + size) / step), low + 1, limit).astype(np.int64)
    return np.concatenate([low, high], 1)
