from pathlib import Path

import numpy as np
import pytest

from msfusion_sdk.config import EncoderConfig, TissueConfig
from msfusion_sdk.errors import SlideCorruptError, SlideResolutionError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.tissue import overview
from msfusion_sdk.slides.tissue.mask import find_tissue
from msfusion_sdk.slides.tissue.overview import read_overview
from msfusion_sdk.slides.tissue.survey import survey_slide
from msfusion_sdk.testing import damage_stored_tile, make_slide

pytestmark = pytest.mark.slow

CONFIG = TissueConfig()


@pytest.fixture
def one_level(tmp_path: Path) -> Path:
    return make_slide(tmp_path / "flat.svs", 2000, 1600, downsamples=(1,))


def test_an_overview_of_eight_microns_is_a_thirty_second_of_the_slide(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        view = read_overview(slide, 0.25, 8.0)
    assert view.pixels.shape == (156, 188, 3)  # 5000 / 32 and 6000 / 32
    assert view.l0_step == pytest.approx((32, 32), rel=0.01)


def test_an_overview_reads_under_one_percent_of_a_pyramid(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        assert read_overview(slide, 0.25, 8.0).px_read < 0.01 * 6000 * 5000


def test_the_mask_does_not_depend_on_the_size_of_the_blocks(
    small_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = []
    for block_px in (4_000_000, 9_000):
        monkeypatch.setattr(overview, "BLOCK_PX", block_px)
        with open_slide(small_slide) as slide:
            masks.append(find_tissue(read_overview(slide, 0.25, 8.0), CONFIG).mask)
    one, other = masks
    assert (one & other).sum() > 0.99 * (one | other).sum()


def test_the_tissue_of_a_made_slide_covers_what_was_asked_for(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        assert find_tissue(read_overview(slide, 0.25, 8.0), CONFIG).share == pytest.approx(
            0.4, abs=0.03
        )


def test_a_blank_slide_is_empty_with_the_reason(blank_slide: Path) -> None:
    with open_slide(blank_slide) as slide:
        survey = survey_slide(slide, EncoderConfig())
    assert survey.empty_reason == "no tissue found"


def test_a_slide_without_spacing_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "x.svs", 300, 200, mpp=None, downsamples=(1,))
    with open_slide(path) as slide, pytest.raises(SlideResolutionError, match="never guessed"):
        survey_slide(slide, EncoderConfig())


def test_one_damaged_stored_tile_costs_only_its_neighbourhood(one_level: Path) -> None:
    x, y, width, height = damage_stored_tile(one_level, 1000, 800)
    with open_slide(one_level) as slide:
        view = read_overview(slide, 0.25, 8.0)
    lost = sum(w * h for _, _, w, h in view.bad_blocks)
    assert any(bx <= x + width and by <= y + height for bx, by, _, _ in view.bad_blocks)
    assert width * height <= lost < 0.25 * 2000 * 1600
    assert "could not be decoded" in view.warnings[0]


def test_a_damaged_block_is_an_error_on_request(one_level: Path) -> None:
    damage_stored_tile(one_level, 1000, 800)
    with open_slide(one_level) as slide, pytest.raises(SlideCorruptError):
        read_overview(slide, 0.25, 8.0, on_bad_region="raise")


def test_a_slide_of_which_nothing_can_be_decoded_is_corrupt(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "x.svs", 400, 300, downsamples=(1,))
    for x in (0, 256):
        for y in (0, 256):
            damage_stored_tile(path, x, y)
    with open_slide(path) as slide, pytest.raises(SlideCorruptError):
        read_overview(slide, 0.25, 8.0)


def test_a_large_slide_without_a_pyramid_is_a_warning(
    one_level: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "SLOW_PX", 1_000_000)
    with open_slide(one_level) as slide:
        assert "no small pyramid level" in read_overview(slide, 0.25, 8.0).warnings[0]


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (5000, 3), (3, 5000)])
def test_slides_of_odd_shape_have_an_overview(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make_slide(tmp_path / "x.svs", *size, tissue="full", downsamples=(1,))
    with open_slide(path) as slide:
        view = read_overview(slide, 0.25, 8.0)
    assert view.pixels.shape[:2] == view.missing.shape
    assert not view.missing.any()


def test_the_overview_lines_up_with_level_zero(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        view = read_overview(slide, 0.25, 8.0)
        for column, row in [(20, 30), (94, 78), (150, 120)]:
            x, y = (
                round(place * step) for place, step in zip((column, row), view.l0_step, strict=True)
            )
            truth = slide.read((x, y), 0, (320, 320)).pixels.mean((0, 1))
            seen = view.pixels[row : row + 10, column : column + 10].mean((0, 1))
            assert np.abs(seen - truth).max() < 6
