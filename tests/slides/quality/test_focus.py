from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from msfusion_sdk.config import QualityConfig
from msfusion_sdk.slides.quality.focus import FOCUS_MPP, focus
from msfusion_sdk.testing.tissue import he_texture

pytestmark = pytest.mark.slow

MPP = 0.25


def defocused(pixels: np.ndarray, sigma_um: float) -> np.ndarray:
    """The picture at 0.5 µm per pixel, blurred by a known sigma before it was made small."""
    if sigma_um:
        pixels = cv2.GaussianBlur(pixels, (0, 0), sigma_um / MPP)
    size = (round(pixels.shape[1] * MPP / FOCUS_MPP), round(pixels.shape[0] * MPP / FOCUS_MPP))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def pale(pixels: np.ndarray, share: float) -> np.ndarray:
    return np.rint(243 - (243.0 - pixels) * share).clip(0, 255).astype(np.uint8)


def real_tiles(shared: Path) -> list[np.ndarray]:
    files = sorted((shared / "data" / "tiles" / "lc25000_768").glob("*/*.jp*g"))[::2]
    return [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]


@pytest.mark.parametrize("sigma_um", [0.75, 1.0, 2.0, 3.0])
def test_real_tiles_out_of_focus_are_told_from_sharp_ones(shared: Path, sigma_um: float) -> None:
    tiles = real_tiles(shared)
    values = [focus(defocused(tile, s)) for s in (0.0, sigma_um) for tile in tiles]
    is_sharp = [True] * len(tiles) + [False] * len(tiles)
    assert roc_auc_score(is_sharp, values) >= 0.95


def test_real_tiles_are_on_the_right_side_of_the_limit(shared: Path) -> None:
    limit = QualityConfig().min_focus
    for tile in real_tiles(shared):
        assert focus(defocused(tile, 0)) > limit > focus(defocused(tile, 1.0))


def test_focus_falls_with_defocus() -> None:
    values = [focus(defocused(he_texture(0), sigma)) for sigma in (0, 0.5, 1, 2)]
    assert values == sorted(values, reverse=True)


def test_pale_tissue_in_focus_is_not_called_blurred(shared: Path) -> None:
    limit = QualityConfig().min_focus
    assert not any(focus(defocused(pale(t, 0.5), 0)) < limit for t in real_tiles(shared))


def test_of_glass_nothing_can_be_told() -> None:
    assert np.isnan(focus(np.full((576, 576, 3), 243, np.uint8)))


def test_glass_beside_tissue_does_not_blur_it() -> None:
    picture = defocused(he_texture(0), 0)
    whole = focus(picture)
    picture[:, 100:] = 243
    assert focus(picture) > 0.9 * whole
