from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from msfusion_sdk.slides.quality.bubbles import bubble_mask
from msfusion_sdk.slides.quality.dust import dust_share
from msfusion_sdk.slides.quality.tissue_folds import fold_mask
from msfusion_sdk.testing.tissue import he_texture

GLASS = 243


@cache
def piece() -> tuple[np.ndarray, np.ndarray]:
    """An ellipse of synthetic tissue on glass at 8 µm per pixel, and where it is."""
    # Seen from afar, tissue is smoother than the texture, which is made for 0.25 µm.
    small = cv2.blur(cv2.resize(he_texture(0), (32, 32), interpolation=cv2.INTER_AREA), (5, 5))
    tissue = cv2.ellipse(np.zeros((256, 320), np.uint8), (160, 128), (130, 100), 0, 0, 360, 1, -1)
    pixels = np.where(tissue[..., None] > 0, np.tile(small, (8, 10, 1)), GLASS)
    return pixels.astype(np.uint8), tissue > 0


def with_fold(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A second layer of the tissue in a band: optical densities add up (Beer and Lambert)."""
    band = cv2.line(np.zeros(pixels.shape[:2], np.uint8), (90, 90), (210, 150), 1, 12)
    twice = (pixels.astype(float) / GLASS) ** 2 * GLASS
    return np.where(band[..., None] > 0, twice, pixels).astype(np.uint8), band > 0


def with_bubble(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A dark outline around a disc, thin as total reflection at its edge makes it."""
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    distance = np.hypot(columns - 170, rows - 120)
    ring = 0.85 * np.exp(-0.5 * ((distance - 50) / 1.2) ** 2)[..., None]
    return (pixels * (1 - ring) + 30 * ring).astype(np.uint8), distance <= 50


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_a_fold_is_found_where_it_is() -> None:
    pixels, tissue = piece()
    folded, truth = with_fold(pixels)
    assert overlap(fold_mask(folded, tissue, 8.0), truth) > 0.7


def test_a_bubble_is_found_with_its_inside() -> None:
    bubbled, truth = with_bubble(piece()[0])
    assert overlap(bubble_mask(bubbled, 8.0), truth) > 0.9


def nothing(pixels: np.ndarray) -> np.ndarray:
    return pixels


def a_straight_edge(pixels: np.ndarray) -> np.ndarray:
    """The edge of a coverslip: dark, thin, and no circle."""
    return np.asarray(cv2.line(pixels.copy(), (0, 40), (319, 60), (60, 60, 60), 3))


@pytest.mark.parametrize("change", [nothing, a_straight_edge])
def test_tissue_without_them_has_neither(change: Callable[[np.ndarray], np.ndarray]) -> None:
    pixels, tissue = change(piece()[0]), piece()[1]
    assert not bubble_mask(pixels, 8.0).any()
    assert fold_mask(pixels, tissue, 8.0).mean() < 0.01


def test_glass_has_no_fold() -> None:
    pixels, tissue = np.full((64, 64, 3), GLASS, np.uint8), np.zeros((64, 64), bool)
    assert not fold_mask(pixels, tissue, 8.0).any()


def test_the_share_of_dust_is_that_of_its_specks() -> None:
    picture = np.asarray(cv2.resize(he_texture(0), (256, 256), interpolation=cv2.INTER_AREA))
    clean = dust_share(picture)
    picture[100:120, 100:120] = (40, 42, 41)
    assert clean == 0
    assert dust_share(picture) == pytest.approx(400 / 256**2, rel=0.05)


def test_dark_nuclei_are_no_dust() -> None:
    assert dust_share(np.full((256, 256, 3), (60, 30, 90), np.uint8)) == 0
