from pathlib import Path

import cv2
import numpy as np
import pytest

from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.figures.slides.overlay import draw_overlay, write_overlay
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.overview import read_overview
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slide(tmp_path_factory.mktemp("overlay") / "case.svs", 3000, 2400, coverage=0.5)


def test_the_overlay_is_a_picture_of_useful_size(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    path = write_overlay(slide, small_encoder.encode(slide), tmp_path / "case.png")
    image = cv2.imread(str(path))
    assert min(image.shape[:2]) > 600
    assert image.std() > 10


def test_every_patch_is_drawn_at_its_place(small_encoder: SlideEncoder, slide: Path) -> None:
    result = small_encoder.encode(slide)
    with open_slide(slide) as opened:
        overview = read_overview(opened, 0.25, 4.0)
    axes = draw_overlay(overview, result).axes[0]
    boxes = [path.get_extents().min for path in axes.collections[1].get_paths()]
    wanted = np.stack([result.patches["x"].to_numpy(), result.patches["y"].to_numpy()], 1)
    assert np.array_equal(np.asarray(boxes), wanted)


def test_a_slide_without_tissue_is_drawn_too(small_encoder: SlideEncoder, tmp_path: Path) -> None:
    blank = make_slide(tmp_path / "blank.svs", 1200, 900, tissue="none")
    result = small_encoder.encode(blank)
    assert write_overlay(blank, result, tmp_path / "blank.png").stat().st_size > 1000


def test_a_given_spacing_is_used_again(small_encoder: SlideEncoder, tmp_path: Path) -> None:
    bare = make_slide(tmp_path / "bare.svs", 1600, 1200, mpp=None)
    result = small_encoder.encode(bare, mpp=0.25)
    assert write_overlay(bare, result, tmp_path / "bare.png").is_file()
