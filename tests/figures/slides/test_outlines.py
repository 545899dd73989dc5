from io import BytesIO
from pathlib import Path

import cv2
import pytest
from shapely import box

from msfusion_sdk.figures.slides.outlines import draw_outlines, write_outlines
from msfusion_sdk.inspect.annotations import describe_annotations
from msfusion_sdk.slides.annotations import AnnotatedRegion, Annotations, class_colours
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.overview import read_overview
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow


def annotations(*corners: tuple[float, float]) -> Annotations:
    """Squares of 400 pixels, each of class A."""
    regions = [
        AnnotatedRegion(box(x, y, x + 400, y + 400), "A", None, None, f"[{i}]")
        for i, (x, y) in enumerate(corners)
    ]
    return Annotations(tuple(regions), Path("outlines.json"), "QuPath GeoJSON")


def test_areas_are_in_square_millimetres_and_count_once() -> None:
    drawn = annotations((0, 0), (0, 0), (1000, 1000))
    (found,) = describe_annotations(drawn, (2000, 2000), 0.25).classes
    # Two squares of 100 µm.
    assert (found.name, found.drawings, found.area_mm2) == ("A", 3, pytest.approx(0.02))


def test_without_a_spacing_there_is_no_area() -> None:
    (found,) = describe_annotations(annotations((0, 0)), (2000, 2000), None).classes
    assert found.area_mm2 is None


@pytest.mark.parametrize("corner", [(-1, 0), (0, -1), (1601, 0), (0, 1601), (9000, 9000)])
def test_outlines_beyond_the_slide_are_a_warning(corner: tuple[float, float]) -> None:
    found = describe_annotations(annotations((0, 0), corner), (2000, 2000), 0.25)
    assert found.warnings[0].startswith("1 of 2 outlines reach beyond the slide")


def test_outlines_up_to_the_edge_are_no_warning() -> None:
    assert describe_annotations(annotations((0, 0), (1600, 1600)), (2000, 2000), 1).warnings == ()


def test_every_outline_is_drawn_at_its_place(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        overview = read_overview(slide, 0.25, 8.0)
    axes = draw_outlines(overview, annotations((600, 800), (3000, 2000)), 0.25).axes[0]
    corners = [tuple(path.get_extents().min) for path in axes.collections[0].get_paths()]
    assert corners == [(600, 800), (3000, 2000)]
    assert axes.get_legend().get_texts()[0].get_text() == "A (2)"


@pytest.mark.parametrize("drawn", [annotations(), annotations((100, 100))])
def test_a_picture_is_written_also_without_spacing(tmp_path: Path, drawn: Annotations) -> None:
    slide = make_slide(tmp_path / "case.svs", 1600, 1200, mpp=None, downsamples=(1,))
    path = write_outlines(slide, drawn, tmp_path / "outlines.png")
    assert min(cv2.imread(str(path)).shape[:2]) > 600


def named(*names: str) -> Annotations:
    """A square of each class, side by side."""
    regions = [
        AnnotatedRegion(box(400 * i, 100, 400 * i + 300, 400), name, None, None, f"[{i}]")
        for i, name in enumerate(names)
    ]
    return Annotations(tuple(regions), Path("outlines.json"), "QuPath GeoJSON")


def test_every_class_is_in_the_legend_whatever_its_name(small_slide: Path) -> None:
    names = ("_0", "__", "$5 and $x^2_{", "tumour")
    with open_slide(small_slide) as slide:
        overview = read_overview(slide, 0.25, 8.0)
    figure = draw_outlines(overview, named(*names), 0.25)
    figure.savefig(BytesIO())
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == [f"{name} (1)" for name in names]


def test_the_colours_of_classes_are_in_the_picture(tmp_path: Path, small_slide: Path) -> None:
    drawn = named(*(f"class {i}" for i in range(12)))
    path = write_outlines(small_slide, drawn, tmp_path / "x.png", mpp=0.25)
    pixels = cv2.imread(str(path))[..., ::-1]
    for colour in class_colours(drawn).values():
        assert (pixels == colour).all(-1).sum() > 50
