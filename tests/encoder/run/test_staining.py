"""A model that was trained on one slide's colours sees all slides in them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEncoder
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.stain import StainNormalizer, slide_profile
from msfusion_sdk.slides.tissue.patch_reading import read_patch
from msfusion_sdk.slides.tissue.survey import survey_slide

pytestmark = pytest.mark.slow

# Haematoxylin and eosin as published by Ruifrok and Johnston (2001), at unit length.
HAEMATOXYLIN, EOSIN = (0.651, 0.701, 0.290), (0.070, 0.991, 0.110)
STAIN = {
    "method": "macenko",
    "basis": (HAEMATOXYLIN, EOSIN),
    "strength": (1.5, 1.0),
}


@pytest.fixture(scope="module")
def encoder(small_encoder: SlideEncoder) -> SlideEncoder:
    return small_encoder.with_config(small_encoder.config.updated(stain=STAIN))


@pytest.fixture(scope="module")
def blue_image(tiny_slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny slide in shades of one blue: there are no two stains to be found."""
    with open_slide(tiny_slide) as slide:
        pixels = slide.read((0, 0), 0, slide.dimensions).pixels
    path = tmp_path_factory.mktemp("blue") / "blue.png"
    shades = pixels[..., 1:2] * np.array([1.0, 0.8, 0.6])  # blue, green, red
    cv2.imwrite(str(path), shades.astype(np.uint8))
    return path


def test_every_patch_is_given_the_colours_of_the_target(
    encoder: SlideEncoder, small_encoder: SlideEncoder, tiny_slide: Path
) -> None:
    result = encoder.encode(tiny_slide)
    assert result.provenance.stain.is_applied
    with open_slide(tiny_slide) as slide:
        survey = survey_slide(slide, encoder.config)
        found = slide_profile(slide, survey, method="macenko")
        normalizer = StainNormalizer.model_validate({"target": STAIN})
        x, y = (int(v) for v in survey.grid.locations[0])
        pixels = normalizer.transform(read_patch(slide, (x, y), survey.plan).pixels, found)
    batch = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
    with torch.inference_mode():
        wanted = small_encoder.model(torch.from_numpy(batch)).vectors[0].numpy()
    assert np.allclose(result.patches["vector"][0].as_py(), wanted, rtol=1e-4, atol=1e-5)


def test_a_slide_that_is_not_h_and_e_keeps_its_colours_and_says_so(
    encoder: SlideEncoder, blue_image: Path
) -> None:
    config = encoder.config.updated(tissue={"drop_pen": False})
    without = config.model_copy(update={"stain": None})
    result, plain = (encoder.with_config(c).encode(blue_image, mpp=0.25) for c in (config, without))
    assert not result.provenance.stain.is_applied
    assert "colours were not normalised" in result.reason
    assert str(blue_image.parent) not in result.reason
    assert np.array_equal(result.vector, plain.vector)


def test_a_model_without_a_target_has_nothing_to_tell(
    small_encoder: SlideEncoder, tiny_slide: Path
) -> None:
    assert small_encoder.encode(tiny_slide).provenance.stain is None


def test_the_target_is_part_of_the_fingerprint_and_its_absence_is_not(
    encoder: SlideEncoder, small_encoder: SlideEncoder
) -> None:
    assert encoder.fingerprint != small_encoder.fingerprint
    assert "stain" not in small_encoder.config.model_dump(exclude_none=True)
