import numpy as np
import pytest
from shapely import MultiPolygon, Point, Polygon, box

from msfusion_sdk.errors import ShapeError
from msfusion_sdk.slides.annotations import overlap

from .conftest import Read


def test_squares_inside_half_inside_and_outside() -> None:
    outline = box(0, 0, 100, 100)
    locations = np.asarray([[10, 10], [0, 0], [90, 50], [90, 90], [100, 0], [500, 500]])
    assert overlap(outline, locations, 20).tolist() == [1, 1, 0.5, 0.25, 0, 0]


def test_a_hole_is_outside() -> None:
    outline = Polygon(box(0, 0, 100, 100).exterior, [box(40, 40, 60, 60).exterior])
    assert overlap(outline, np.asarray([[40, 40], [30, 40], [35, 35]]), 20).tolist() == [
        0,
        0.5,
        1 - 15 * 15 / 400,
    ]


def test_pieces_add_up() -> None:
    outline = MultiPolygon([box(0, 0, 4, 10), box(8, 0, 10, 10)])
    assert overlap(outline, np.asarray([[0, 0]]), 10) == pytest.approx([0.6])


def test_polygons_that_overlap_count_once(read: Read) -> None:
    outline = {"name": "", "vertices": [[0, 0], [5, 0], [5, 10], [0, 10]]}
    found = read({"positive": [outline, outline], "negative": []})
    assert found.overlap(np.asarray([[0, 0]]), 10).tolist() == [0.5]
    assert found.select("negative").overlap(np.asarray([[0, 0]]), 10).tolist() == [0]


def test_the_union_counts_what_touches_or_overlaps_once(read: Read) -> None:
    places = (0, 5, 10, 30)
    rings = [[[x, 0], [x + 10, 0], [x + 10, 10], [x, 10]] for x in places]
    found = read({"positive": [{"vertices": ring} for ring in rings]})
    # From 0 to 20 and from 30 to 40.
    assert found.union().area == 300


def test_no_squares_is_no_error() -> None:
    assert overlap(box(0, 0, 1, 1), np.zeros((0, 2)), 10).shape == (0,)


@pytest.mark.parametrize(("shape", "size"), [((4,), 10), ((4, 3), 10), ((4, 2), 0)])
def test_squares_that_are_none_are_refused(shape: tuple[int, ...], size: float) -> None:
    with pytest.raises(ShapeError, match=r"shape \(n, 2\)"):
        overlap(box(0, 0, 1, 1), np.zeros(shape), size)


def test_shares_are_those_of_cutting_each_square_alone() -> None:
    rng = np.random.default_rng(0)
    outline = Point(500, 500).buffer(400).difference(Point(600, 500).buffer(200))
    locations = rng.uniform(0, 1000, (200, 2))
    expected = [outline.intersection(box(x, y, x + 90, y + 90)).area / 8100 for x, y in locations]
    assert overlap(outline, locations, 90) == pytest.approx(expected)
