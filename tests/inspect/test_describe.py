from pathlib import Path

import pytest

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import SlideNotFoundError
from msfusion_sdk.inspect.describe import describe_slide
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow


def test_a_slide_is_described_with_its_patches(tmp_path: Path) -> None:
    slide = make_slide(tmp_path / "case.svs", 5000, 4000, coverage=0.5)
    found = describe_slide(slide, EncoderConfig())
    assert (found.dimensions, found.mpp, found.magnification) == ((5000, 4000), 0.25, 40)
    assert found.encodable
    assert found.n_patches
    # Half of 1250 x 1000 µm.
    assert found.tissue_area_mm2 == pytest.approx(0.625, rel=0.05)


def test_a_slide_without_spacing_is_described_as_far_as_it_goes(tmp_path: Path) -> None:
    slide = make_slide(tmp_path / "case.svs", 2000, 1600, mpp=None)
    found = describe_slide(slide, EncoderConfig())
    assert not found.encodable
    assert "--mpp" in found.problem
    assert found.n_patches is None


def test_a_given_spacing_makes_it_encodable(tmp_path: Path) -> None:
    slide = make_slide(tmp_path / "case.svs", 5000, 4000, mpp=None)
    assert describe_slide(slide, EncoderConfig(), mpp=0.25).encodable


def test_a_blank_slide_is_not_encodable_and_says_why(tmp_path: Path) -> None:
    slide = make_slide(tmp_path / "case.svs", 2000, 1600, tissue="none")
    assert describe_slide(slide, EncoderConfig()).problem == "no tissue found"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SlideNotFoundError):
        describe_slide(tmp_path / "nowhere.svs", EncoderConfig())
