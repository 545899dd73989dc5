"""The mask beside tissue that was outlined by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from msfusion_sdk.config import EncoderConfig, TissueConfig
from msfusion_sdk.slides.tissue.mask import find_tissue
from msfusion_sdk.slides.tissue.overview import Overview
from tests.slides.tissue.outlined import CHANGES, filled, known, overlap, picture_of

pytestmark = pytest.mark.slow

CASES = [
    *((name, change) for name in ("skin", "frozen", "biopsy") for change in CHANGES),
    *((name, change) for name in ("four pieces", "resection", "kidney") for change in CHANGES),
    # So small that a stroke across leaves nothing that is not dust.
    *((name, c) for name in ("crop with edges", "crop without") for c in CHANGES if "pen" not in c),
    *((name, "as it is") for name in ("pen red", "pen green", "pen blue", "coverslip edge")),
]
# Of fat, of which one sees little but membranes, and of small pieces that are stained half as
# much, part is missed.
LOW = {
    ("pen green", "as it is"): 0.55,
    ("coverslip edge", "as it is"): 0.73,
    ("biopsy", "pale"): 0.74,
    ("kidney", "pale"): 0.46,
}


@pytest.mark.parametrize(("name", "change"), CASES)
def test_the_mask_is_the_tissue_that_was_outlined(shared: Path, name: str, change: str) -> None:
    assert overlap(shared, name, change) >= LOW.get((name, change), 0.8)


def test_the_median_overlap_is_high(shared: Path) -> None:
    assert np.median([overlap(shared, *case) for case in CASES]) >= 0.92


@pytest.mark.parametrize(("name", "change"), CASES)
def test_the_preset_for_pale_tissue_finds_what_the_default_misses(
    shared: Path, name: str, change: str
) -> None:
    pale_tissue = EncoderConfig().with_preset("pale").tissue
    low = {("pen green", "as it is"): 0.59, ("kidney", "pale"): 0.75}
    assert overlap(shared, name, change, pale_tissue) >= low.get((name, change), 0.8)
    # Elsewhere it costs an edge of glass, about half a mask pixel wide.
    usual = overlap(shared, name, change)
    assert overlap(shared, name, change, pale_tissue) >= usual - 0.04


@pytest.mark.parametrize("hue", [172, 176, 0])
@pytest.mark.parametrize("name", ["skin", "biopsy", "crop without"])
def test_a_strong_red_stain_is_not_ink(shared: Path, name: str, hue: int) -> None:
    # As picrosirius red has it: the hues of the tissue around red, more saturated.
    pixels = picture_of(shared, name)
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV).astype(int)
    hsv[..., 0] = (hsv[..., 0] + hue - int(np.median(hsv[..., 0][hsv[..., 1] > 40]))) % 180
    hsv[..., 1] = np.minimum(1.5 * hsv[..., 1], 255)
    red = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    overview = Overview(red, np.zeros(red.shape[:2], bool), (1.0, 1.0), known(name)["mpp"], 1)
    ink = find_tissue(overview, TissueConfig()).ink
    assert ink is not None
    assert ink[filled(name, "tissue", red.shape)].mean() <= 0.02


@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("glass", [0, 4, 9])
def test_pale_tissue_that_is_most_of_the_slide_is_not_taken_for_glass(
    share: float, glass: int
) -> None:
    # Of a saturation under that of any tissue that is sure: 28 of 255.
    pixels = np.full((200, 300, 3), 240, np.uint8)
    pixels[..., 1] = np.round(240 * (1 - glass / 255))
    tissue = np.zeros((200, 300), bool)
    tissue[:, : round(300 * share)] = True
    pixels[tissue] = (230, 205, 225)
    # Brightness differs more from place to place in tissue than on glass.
    noise = np.random.default_rng(0).normal(size=(200, 300, 1)) * np.where(tissue, 6, 1)[..., None]
    pixels = np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
    overview = Overview(pixels, np.zeros_like(tissue), (1.0, 1.0), 8.0, 1)
    found = find_tissue(overview, TissueConfig()).mask
    assert (found == tissue).mean() > 0.97


@pytest.mark.parametrize(("name", "change"), CASES)
def test_pale_tissue_that_is_left_out_is_said(shared: Path, name: str, change: str) -> None:
    pixels, _ = CHANGES[change](picture_of(shared, name))
    overview = Overview(pixels, np.zeros(pixels.shape[:2], bool), (1.0, 1.0), known(name)["mpp"], 1)
    is_said = any("--preset pale" in w for w in find_tissue(overview, TissueConfig()).warnings)
    # By eye: of these four, stained half as much, a part is missed.
    faint = ("biopsy", "four pieces", "resection", "kidney")
    assert is_said == (change == "pale" and name in faint)
    config = EncoderConfig().with_preset("pale").tissue
    assert not any("--preset pale" in w for w in find_tissue(overview, config).warnings)
