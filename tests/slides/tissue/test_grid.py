import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from msfusion_sdk.config import PatchConfig
from msfusion_sdk.slides.tissue.grid import (
    grid_positions,
    keep_by_area,
    keep_by_vertices,
    plan_grid,
    tissue_recall,
)
from msfusion_sdk.slides.tissue.mask import TissueMask

Locations = NDArray[np.int64]
Mask = NDArray[np.bool_]
Places = set[tuple[int, int]]


class Scene(NamedTuple):
    """A mask that divides the slide evenly, and patches of some size and stride on it."""

    tissue: TissueMask
    dimensions: tuple[int, int]
    size: int
    locations: Locations

    @property
    def canvas(self) -> Mask:
        """The mask painted out at level 0, shape (height, width): each pixel can be looked up."""
        x_step, y_step = (int(step) for step in self.tissue.l0_step)
        return self.tissue.mask.repeat(y_step, 0).repeat(x_step, 1)

    def centres_inside(self, x: int, y: int) -> Places:
        """List the mask pixels (row, column) whose centre lies in a patch."""
        x_step, y_step = self.tissue.l0_step
        return {
            (row, column)
            for row, column in np.ndindex(self.tissue.mask.shape)
            if x < (column + 0.5) * x_step < x + self.size
            and y < (row + 0.5) * y_step < y + self.size
        }


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Steps are odd: no corner of a patch falls on the centre of a mask pixel."""
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    x_step, y_step = (2 * draw(st.integers(0, 19)) + 1 for _ in range(2))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    mask = rng.random((rows, columns)) < draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
    dimensions = (columns * x_step, rows * y_step)
    size, stride = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    xs, ys = (grid_positions(edge, size, stride, reach_over=True)[:6] for edge in dimensions)
    locations = np.array([(x, y) for y in ys for x in xs], np.int64)
    return Scene(TissueMask(mask, (x_step, y_step), 8.0, 20.0), dimensions, size, locations)


@given(scenes(), st.integers(1, 4))
def test_vertices_agree_with_looking_each_corner_up(scene: Scene, min_vertices: int) -> None:
    (width, height), size, canvas = scene.dimensions, scene.size, scene.canvas
    kept = keep_by_vertices(scene.tissue, scene.locations, size, (width, height), min_vertices)
    far_x, far_y = min(size, width) - 1, min(size, height) - 1
    for (x, y), found in zip(scene.locations.tolist(), kept, strict=True):
        corners = [(x, y), (x + far_x, y), (x, y + far_y), (x + far_x, y + far_y)]
        in_tissue = [canvas[b, a] for a, b in corners if a < width and b < height]
        assert found == (sum(in_tissue) >= min_vertices)


def test_a_pixel_has_the_mask_pixel_under_its_centre() -> None:
    # Twelve pixels under five mask pixels of 2.4: the third, 2.5 from the left, is in the second.
    under = [0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4]
    locations = np.array([(x, 0) for x in range(12)])
    for column in range(5):
        mask = np.arange(5)[None] == column
        tissue = TissueMask(mask, (2.4, 1.0), 8.0, 20.0)
        kept = keep_by_vertices(tissue, locations, 1, (12, 1), 4)
        assert kept.tolist() == [place == column for place in under]


@given(scenes(), st.floats(0.01, 1))
def test_area_agrees_with_counting_centres_of_mask_pixels(scene: Scene, min_area: float) -> None:
    kept = keep_by_area(scene.tissue, scene.locations, scene.size, min_area)
    for (x, y), found in zip(scene.locations.tolist(), kept, strict=True):
        inside = [bool(scene.tissue.mask[place]) for place in scene.centres_inside(x, y)]
        if inside:  # a patch without a centre has a test of its own
            assert found == (any(inside) and sum(inside) >= min_area * len(inside))


@given(scenes(), st.integers(0, 20))
def test_recall_agrees_with_counting_covered_centres(scene: Scene, count: int) -> None:
    inside = {place: scene.centres_inside(*place) for place in map(tuple, scene.locations.tolist())}
    chosen = [place for place, centres in inside.items() if centres][:count]
    covered = {centre for place in chosen for centre in inside[place]}
    truth = {(int(row), int(column)) for row, column in np.argwhere(scene.tissue.mask)}
    recall = tissue_recall(scene.tissue, np.array(chosen).reshape(-1, 2), scene.size)
    if truth:
        assert recall == pytest.approx(len(truth & covered) / len(truth))
    else:
        assert math.isnan(recall)


def test_a_patch_smaller_than_a_mask_pixel_has_one() -> None:
    # Mask pixels of 32: the patch from 40 to 48 lies in the second, which alone is tissue.
    tissue = tissue_of(np.array([[False, True, False]]))
    locations = np.array([(8, 8), (40, 8), (72, 8)])
    assert keep_by_area(tissue, locations, 8, 0.5).tolist() == [False, True, False]


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
