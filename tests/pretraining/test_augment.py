import cv2
import numpy as np

from msfusion_sdk.pretraining.augment import (
    AugmentConfig,
    grey,
    match_stain,
    random_view,
    scale_stain,
    warp,
)
from msfusion_sdk.testing.tissue import he_texture

TILE = np.ascontiguousarray(he_texture(3)[:224, :224])


def density(image: np.ndarray) -> np.ndarray:
    return -np.log((image.astype(float) + 1) / 256)


def test_stain_gains_multiply_optical_density() -> None:
    gain = np.array([0.8, 1.0, 1.2], np.float32)
    wanted = np.clip(256 * np.exp(-density(TILE) * gain) - 1, 0, 255)
    assert np.abs(scale_stain(TILE, gain) - wanted).max() <= 0.51


def test_gain_one_changes_nothing() -> None:
    assert np.array_equal(scale_stain(TILE, np.ones(3, np.float32)), TILE)


def test_matching_brings_the_lab_mean_to_the_target() -> None:
    mean, std = np.array([60, 20, -12], np.float32), np.array([12, 6, 5], np.float32)
    lab = cv2.cvtColor(match_stain(TILE, mean, std).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    # Colours outside RGB are clipped, which moves the mean a little.
    assert np.abs(lab.reshape(-1, 3).mean(0) - mean).max() < 1.5


def test_matching_keeps_the_order_of_lightness() -> None:
    out = match_stain(TILE, np.array([60, 20, -12], np.float32), np.array([12, 6, 5], np.float32))
    a, b = (cv2.cvtColor(i, cv2.COLOR_RGB2GRAY).ravel().astype(float) for i in (TILE, out))
    assert np.corrcoef(a, b)[0, 1] > 0.95


def test_grey_has_three_equal_channels_of_luminance() -> None:
    out = grey(TILE)
    wanted = TILE @ np.array([0.299, 0.587, 0.114])
    assert np.abs(out - wanted[..., None]).max() <= 0.51


def test_warp_without_change_is_the_centre_crop() -> None:
    out = warp(TILE, 100, scale=1.0, angle=0.0, flip=False, centre=(112.0, 112.0))
    assert np.array_equal(out, TILE[62:162, 62:162])


def test_a_flip_mirrors_left_and_right() -> None:
    plain = warp(TILE, 100, scale=1.0, angle=0.0, flip=False, centre=(112.0, 112.0))
    flipped = warp(TILE, 100, scale=1.0, angle=0.0, flip=True, centre=(112.0, 112.0))
    assert np.array_equal(flipped, plain[:, ::-1])


def test_zoom_is_about_the_centre() -> None:
    out = warp(TILE, 64, scale=2.0, angle=0.0, flip=False, centre=(112.0, 112.0))
    assert np.abs(out[::2, ::2].astype(int) - TILE[96:128, 96:128]).max() <= 1


def test_a_view_depends_on_its_generator_alone() -> None:
    views = [
        random_view(TILE, 96, 1.2, AugmentConfig(), np.random.default_rng(seed))
        for seed in (5, 5, 6)
    ]
    assert np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])


def test_views_of_tiles_smaller_than_the_view_are_whole() -> None:
    view = random_view(TILE[:64, :64], 160, 1.0, AugmentConfig(), np.random.default_rng(0))
    assert view.shape == (160, 160, 3)
    assert view.std() > 5
