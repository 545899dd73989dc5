"""What is decided of a slide before the first patch is read."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.errors import SlideCorruptError, SlidePixelTypeError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.tissue import survey as survey_module
from msfusion_sdk.slides.tissue.survey import Survey, survey_slide

from ..pictures import TILED, picture

CONFIG = EncoderConfig(patches=PatchConfig(patch_size_px=128, stride_px=128))


def survey(path: Path, config: EncoderConfig = CONFIG) -> Survey:
    with open_slide(path, mpp=0.5) as slide:
        return survey_slide(slide, config)


def write_rgba(path: Path, alpha: np.ndarray) -> Path:
    image = np.dstack([picture(640, 640), alpha])
    options = {**TILED, "compression": "deflate", "compressionargs": None}
    tifffile.imwrite(path, image, extrasamples=["unassalpha"], **options)
    return path


def test_a_file_without_pixels_is_corrupt_and_not_without_tissue(tmp_path: Path) -> None:
    path = write_rgba(tmp_path / "x.tif", np.zeros((640, 640), np.uint8))
    with pytest.raises(SlideCorruptError, match="holds no pixels"):
        survey(path)


def test_without_tissue_the_share_that_is_missing_is_said(tmp_path: Path) -> None:
    alpha = np.zeros((640, 640), np.uint8)
    alpha[:160, :160] = 255  # glass only
    assert "lacks 94 % of its pixels" in survey(write_rgba(tmp_path / "x.tif", alpha)).empty_reason


@pytest.fixture(params=["every pixel", "every fourth or so"])
def looked_at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large slides not every pixel is asked whether it is dark."""
    if request.param != "every pixel":
        monkeypatch.setattr(survey_module, "ENOUGH_PX", 300)


@pytest.mark.usefixtures("looked_at")
def test_fluorescence_is_told_from_brightfield(tmp_path: Path) -> None:
    cells = np.zeros((640, 640, 3), np.uint8)
    cells[200:300, 200:300] = (10, 40, 220)
    tifffile.imwrite(tmp_path / "x.tif", cells, **TILED)
    with pytest.raises(SlidePixelTypeError, match="as in fluorescence"):
        survey(tmp_path / "x.tif")


@pytest.mark.usefixtures("looked_at")
def test_black_padding_is_not_fluorescence(tmp_path: Path) -> None:
    padded = np.zeros((640, 1600, 3), np.uint8)
    padded[:, :640] = picture(640, 640)
    tifffile.imwrite(tmp_path / "x.tif", padded, **TILED)
    assert len(survey(tmp_path / "x.tif").grid.locations)


@pytest.mark.parametrize(("width", "rule"), [(90, "area"), (600, "vertices")])
def test_auto_takes_the_area_rule_where_the_vertex_rule_keeps_too_little(
    width: int, rule: str, tmp_path: Path
) -> None:
    image = np.full((1400, 1400, 3), 244, np.uint8)
    image[200:1200, 150 : 150 + width] = (200, 110, 170)
    tifffile.imwrite(tmp_path / "x.tif", image, **TILED)
    found = survey(tmp_path / "x.tif", CONFIG.with_preset("auto")).grid
    alone = survey(tmp_path / "x.tif", CONFIG.updated(patches={"keep_rule": rule})).grid
    assert found.keep_rule == rule
    np.testing.assert_array_equal(found.locations, alone.locations)


def test_auto_is_part_of_the_fingerprint() -> None:
    assert CONFIG.with_preset("auto").digest() != CONFIG.digest()
