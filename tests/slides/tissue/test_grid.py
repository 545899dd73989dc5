import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msfusion_sdk.config import PatchConfig
from msfusion_sdk.slides.tissue.grid import (
    grid_positions,
    keep_by_area,
    keep_by_vertices,
    plan_grid,
    tissue_recall,
)
from msfusion_sdk.slides.tissue.mask import TissueMask

Locations = np.ndarray


@st.composite
def scenes(draw: st.DrawFn) -> tuple[TissueMask, tuple[int, int], int, int]:
    """A mask, the slide it covers, a patch size and a stride, in any proportion."""
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    mask = rng.random((rows, columns)) < draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
    width = draw(st.integers(columns, 40 * columns))
    height = draw(st.integers(rows, 40 * rows))
    size, stride = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    step = (width / columns, height / rows)
    return TissueMask(mask, step, 8.0, 20.0), (width, height), size, stride


def is_tissue(tissue: TissueMask, x: int, y: int) -> bool:
    """Look one level-0 pixel up, by its centre."""
    rows, columns = tissue.mask.shape
    column = math.floor((x + 0.5) / tissue.l0_step[0])
    row = math.floor((y + 0.5) / tissue.l0_step[1])
    return column < columns and row < rows and bool(tissue.mask[row, column])


def mask_box(tissue: TissueMask, x: int, y: int, size: int) -> list[tuple[int, int]]:
    """List the mask pixels (row, column) of a patch: its borders rounded, at least one pixel."""
    spans = []
    for start, step, limit in zip((y, x), tissue.l0_step[::-1], tissue.mask.shape, strict=True):
        low = min(round(start / step), limit - 1)
        spans.append(range(low, min(max(round((start + size) / step), low + 1), limit)))
    return [(row, column) for row in spans[0] for column in spans[1]]


def all_locations(dimensions: tuple[int, int], size: int, stride: int) -> Locations:
    xs, ys = (grid_positions(edge, size, stride, reach_over=True)[:6] for edge in dimensions)
    return np.array([(x, y) for y in ys for x in xs], np.int64)


@given(scenes(), st.integers(1, 4))
def test_vertices_agree_with_looking_each_corner_up(
    scene: tuple[TissueMask, tuple[int, int], int, int], min_vertices: int
) -> None:
    tissue, (width, height), size, stride = scene
    locations = all_locations((width, height), size, stride)
    kept = keep_by_vertices(tissue, locations, size, (width, height), min_vertices)
    far = (min(size, width) - 1, min(size, height) - 1)
    for (x, y), found in zip(locations.tolist(), kept, strict=True):
        corners = [(x, y), (x + far[0], y), (x, y + far[1]), (x + far[0], y + far[1])]
        assert found == (sum(is_tissue(tissue, *c) for c in corners) >= min_vertices)


@given(scenes(), st.floats(0.01, 1))
def test_area_agrees_with_counting_mask_pixels(
    scene: tuple[TissueMask, tuple[int, int], int, int], min_area: float
) -> None:
    tissue, dimensions, size, stride = scene
    locations = all_locations(dimensions, size, stride)
    kept = keep_by_area(tissue, locations, size, min_area)
    for (x, y), found in zip(locations.tolist(), kept, strict=True):
        inside = [bool(tissue.mask[place]) for place in mask_box(tissue, x, y, size)]
        assert found == (any(inside) and sum(inside) >= min_area * len(inside))


@given(scenes(), st.integers(0, 20))
def test_recall_agrees_with_counting_covered_pixels(
    scene: tuple[TissueMask, tuple[int, int], int, int], count: int
) -> None:
    tissue, dimensions, size, stride = scene
    locations = all_locations(dimensions, size, stride)[:count]
    covered = {p for x, y in locations.tolist() for p in mask_box(tissue, x, y, size)}
    truth = {(int(row), int(column)) for row, column in np.argwhere(tissue.mask)}
    recall = tissue_recall(tissue, locations, size)
    if truth:
        assert recall == pytest.approx(len(truth & covered) / len(truth))
    else:
        assert math.isnan(recall)


@given(st.integers(1, 5000), st.integers(1, 800), st.floats(0.5, 900), st.booleans())
def test_positions_lie_inside_and_leave_no_room_for_another(
    edge: int, size: int, stride: float, reach_over: bool
) -> None:
    positions = grid_positions(edge, size, stride, reach_over=reach_over)
    last = max(0, edge - 1 if reach_over and edge > size else edge - size)
    assert positions[0] == 0
    assert positions[-1] <= last
    assert len(positions) == 1 or positions[-1] + stride > last - 1
    assert (np.diff(positions) > 0).all()
    assert (np.abs(np.diff(positions) - stride) <= 1).all() or stride < 1


def test_positions_of_a_fractional_stride_do_not_drift() -> None:
    assert grid_positions(100_000, 1000, 1000.4, reach_over=False)[90] == 90_036


def test_a_slide_of_two_patches_has_two_positions() -> None:
    assert grid_positions(2304, 1152, 1152, reach_over=False).tolist() == [0, 1152]
    assert grid_positions(2303, 1152, 1152, reach_over=False).tolist() == [0]
    assert grid_positions(2305, 1152, 1152, reach_over=True).tolist() == [0, 1152, 2304]


def tissue_of(mask: np.ndarray) -> TissueMask:
    """A mask of 8 µm per pixel over a slide of 0.25: 32 level-0 pixels per mask pixel."""
    return TissueMask(mask, (32.0, 32.0), 8.0, 20.0)


def test_a_slide_of_tissue_keeps_every_whole_patch() -> None:
    grid = plan_grid(tissue_of(np.ones((100, 150), bool)), (4800, 3200), 1152, PatchConfig())
    assert grid.candidates == len(grid.locations) == 4 * 2
    assert grid.locations[:2].tolist() == [[0, 0], [1152, 0]]


def test_half_the_stride_makes_about_four_times_the_patches() -> None:
    config = PatchConfig(stride_px=576)
    grid = plan_grid(tissue_of(np.ones((100, 150), bool)), (4800, 3200), 1152, config)
    assert len(grid.locations) == 7 * 4


def test_a_thin_core_falls_back_to_area_with_a_warning() -> None:
    mask = np.zeros((100, 150), bool)
    mask[45:60] = True  # 15 mask pixels, 120 µm high
    grid = plan_grid(tissue_of(mask), (4800, 3200), 1152, PatchConfig())
    assert grid.keep_rule == "area"
    assert len(grid.locations) > 0
    assert "kept by area" in grid.warnings[0]


def test_low_recall_is_a_warning_that_names_the_preset() -> None:
    mask = np.zeros((100, 150), bool)
    mask[:40, :40] = mask[:8, 80:] = mask[50:52] = True
    grid = plan_grid(tissue_of(mask), (4800, 3200), 1152, PatchConfig(low_recall=0.9))
    assert grid.keep_rule == "vertices"
    assert "preset='biopsy'" in grid.warnings[0]


def test_a_slide_smaller_than_a_patch_is_one_patch() -> None:
    grid = plan_grid(tissue_of(np.ones((16, 22), bool)), (700, 500), 1152, PatchConfig())
    assert grid.locations.tolist() == [[0, 0]]
    assert grid.tissue_recall == 1


def test_a_slide_without_tissue_has_no_patch_and_no_recall() -> None:
    grid = plan_grid(tissue_of(np.zeros((100, 150), bool)), (4800, 3200), 1152, PatchConfig())
    assert grid.locations.shape == (0, 2)
    assert math.isnan(grid.tissue_recall)
    assert grid.warnings == ()
