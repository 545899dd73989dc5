"""A slide answers to openslide's own names as openslide itself does."""

from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image

from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.stored_tiles.thumbnail import fitted_size, shrunk

from ..pictures import picture, smaller

pytestmark = pytest.mark.slow

PADDING = ((300, 300), (300, 300), (0, 0))


def rgba(image: Image.Image) -> np.ndarray:
    assert image.mode == "RGBA"
    return np.asarray(image)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(picture(400, 300)).save(path)
    return path


def test_levels_are_those_of_openslide(small_slide: Path) -> None:
    with open_slide(small_slide) as slide, openslide.OpenSlide(small_slide) as other:
        for name in ("dimensions", "level_count", "level_dimensions", "level_downsamples"):
            assert getattr(slide, name) == getattr(other, name)
        for downsample in (0.5, 1, 3.9, 4, 4.1, 15, 16, 17, 1000):
            best = other.get_best_level_for_downsample(downsample)
            assert slide.get_best_level_for_downsample(downsample) == best


@pytest.mark.parametrize(
    "request_",
    [
        ((2600, 2400), 0, (300, 200)),
        ((2601, 2399), 1, (300, 200)),
        ((16, 32), 2, (100, 90)),
        ((-100, -80), 0, (300, 200)),
        ((-100, -80), 1, (300, 200)),
        ((5900, 4950), 1, (80, 40)),
        ((9000, 9000), 0, (20, 10)),
        ((0, 0), 2, (0, 5)),
    ],
)
def test_a_region_is_that_of_openslide(small_slide: Path, request_: Any) -> None:
    with open_slide(small_slide) as slide, openslide.OpenSlide(small_slide) as other:
        assert (rgba(slide.read_region(*request_)) == rgba(other.read_region(*request_))).all()


@pytest.mark.parametrize("place", [(10, 20), (-30, 250), (390, -5), (1000, 0), (0, -400)])
def test_a_region_of_a_plain_image_is_that_of_openslide(photo: Path, place: Any) -> None:
    with open_slide(photo, mpp=0.5) as slide, openslide.ImageSlide(photo) as other:
        expected = other.read_region(place, 0, (90, 80)).convert("RGBA")
        found = rgba(slide.read_region(place, 0, (90, 80)))
        assert (found[..., 3] == rgba(expected)[..., 3]).all()
        assert (found == rgba(expected)).all()


def test_a_region_of_another_reader_lies_where_its_level_says(tmp_path: Path) -> None:
    image = picture(512, 384)
    levels = [image, smaller(image, 2)]
    with tifffile.TiffWriter(tmp_path / "x.ome.tif", ome=True) as tiff:  # levels in SubIFDs
        options = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib"}
        tiff.write(levels[0], subifds=1, metadata={"axes": "YXS"}, **options)
        tiff.write(levels[1], subfiletype=1, **options)
    with open_slide(tmp_path / "x.ome.tif", mpp=0.5) as slide:
        assert "openslide" not in slide.header.reader
        for level, pixels in enumerate(levels):
            around = np.pad(np.dstack([pixels, np.full_like(pixels[..., :1], 255)]), PADDING)
            for x, y in ((64, 32), (-64, 300), (448, -32), (0, 400), (600, 0)):
                left, top = 300 + (x >> level), 300 + (y >> level)
                expected = around[top : top + 96, left : left + 128]
                assert (rgba(slide.read_region((x, y), level, (128, 96))) == expected).all()


@pytest.mark.parametrize("size", [(300, 300), (128, 500), (77, 91), (9000, 9000), (1, 1)])
def test_a_thumbnail_is_that_of_openslide(made_slide: Path, size: tuple[int, int]) -> None:
    with open_slide(made_slide) as slide, openslide.OpenSlide(made_slide) as other:
        ours, theirs = slide.get_thumbnail(size), other.get_thumbnail(size)
    assert (ours.mode, ours.size) == ("RGB", theirs.size)
    assert np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max() <= 1


@pytest.mark.parametrize("have", [(6000, 5000), (333, 1001), (7, 5), (1000, 3)])
@pytest.mark.parametrize("most", [(300, 300), (64, 500), (5000, 17), (1, 1)])
def test_sizes_are_rounded_as_pillow_rounds_them(
    have: tuple[int, int], most: tuple[int, int]
) -> None:
    image = Image.new("1", have)
    image.thumbnail(most)
    assert fitted_size(have, most) == image.size


@pytest.mark.parametrize("strip", [1, 100, 250, 10_000])
def test_strips_do_not_show(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = picture(1003, 707)
    heights: list[int] = []

    def read(top: int, rows: int) -> np.ndarray:
        heights.append(rows)
        return pixels[top : top + rows]

    monkeypatch.setattr("msfusion_sdk.slides.stored_tiles.thumbnail._STRIP_PX", 1003 * strip)
    found = shrunk(read, (1003, 707), (90, 90))
    expected = Image.fromarray(pixels)
    expected.thumbnail((90, 90), Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(found, int) - np.asarray(expected, int)).max() <= 1
    assert max(heights) <= max(strip, 5)


@pytest.mark.parametrize("bad", [(3, (5, 5)), (-1, (5, 5)), (0, (-1, 5))])
def test_a_region_that_cannot_be_meant_is_refused(small_slide: Path, bad: Any) -> None:
    with open_slide(small_slide) as slide, pytest.raises(ValueError, match="No region of size"):
        slide.read_region((0, 0), *bad)


def test_a_thumbnail_of_a_plain_image_is_that_of_openslide(photo: Path) -> None:
    with open_slide(photo, mpp=0.5) as slide, openslide.ImageSlide(photo) as other:
        ours, theirs = (np.asarray(one.get_thumbnail((90, 60)), int) for one in (slide, other))
    assert np.abs(ours - theirs).max() <= 1


def test_a_thumbnail_of_nothing_is_refused(small_slide: Path) -> None:
    with open_slide(small_slide) as slide, pytest.raises(ValueError, match="holds nothing"):
        slide.get_thumbnail((0, 100))


def test_real_slides_answer_as_openslide_does(shared: Path) -> None:
    for path in sorted((shared / "data" / "slides").glob("*.svs")):
        with open_slide(path) as slide, openslide.OpenSlide(path) as other:
            place = tuple(edge // 3 for edge in slide.dimensions)
            level = slide.level_count - 1
            ours, theirs = (one.read_region(place, level, (256, 200)) for one in (slide, other))
            assert (rgba(ours) == rgba(theirs)).all()
            thumbs = [np.asarray(one.get_thumbnail((200, 200)), int) for one in (slide, other)]
            assert np.abs(thumbs[0] - thumbs[1]).max() <= 1
