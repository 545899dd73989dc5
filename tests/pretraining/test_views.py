from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from msfusion_sdk.errors import TableError
from msfusion_sdk.pretraining.augment import AugmentConfig
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.pretraining.views import (
    TrainingViews,
    halve,
    plain_view,
    read_tile,
    training_batches,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def views(tile_folder: Path) -> TrainingViews:
    index = read_tile_index(tile_folder)
    paths, labels = index.part("train")
    clusters, augment = index.clusters("train"), AugmentConfig()
    return TrainingViews(
        paths, labels, clusters, scale="detail", view_px=32, zoom=1.0, augment=augment, seed=3
    )


def test_halving_is_the_mean_of_two_by_two() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    wanted = image.reshape(4, 2, 3, 2, 3).astype(float).mean((1, 3))
    assert np.abs(halve(image) - wanted).max() <= 0.51


def test_a_context_view_covers_the_tile_at_half_the_resolution() -> None:
    tile = np.zeros((224, 224, 3), np.uint8)
    # 224 px at 0.3 µm are 67.2 µm: 268.8 px at 0.25 µm, even, and 134 at 0.5 µm.
    assert plain_view(tile, "detail", 0.3, 0.25, 100).shape == (268, 268, 3)
    assert plain_view(tile, "context", 0.3, 0.25, 100).shape == (134, 134, 3)


def test_a_tile_smaller_than_the_encoders_images_is_mirrored_up_to_them() -> None:
    tile = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    whole = plain_view(tile, "detail", 0.25, 0.25, 10)
    # By hand: 4 px in 10, three before and three after, each edge shown once.
    order = [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert (whole == tile[np.ix_(order, order)]).all()
    assert plain_view(tile, "context", 0.25, 0.25, 10).shape == (10, 10, 3)


def test_files_at_the_context_spacing_are_not_made_finer_first() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert (plain_view(image, "context", 0.5, 0.25, 64) == image).all()
    assert plain_view(image, "detail", 0.5, 0.25, 64).shape == (128, 128, 3)


def test_a_damaged_tile_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"not an image")
    with pytest.raises(TableError, match=r"x\.png cannot be read"):
        read_tile(tmp_path / "x.png")


def test_grey_tiles_become_rgb(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), np.full((8, 8), 77, np.uint8))
    assert (read_tile(tmp_path / "x.png") == 77).all()
    assert read_tile(tmp_path / "x.png").shape == (8, 8, 3)


def test_a_view_is_the_same_in_every_run(views: TrainingViews) -> None:
    assert torch.equal(views[(4, 7)][0], views[(4, 7)][0])
    assert not torch.equal(views[(4, 7)][0], views[(5, 7)][0])


def test_an_epoch_shows_every_tile_at_most_once(views: TrainingViews) -> None:
    loader = training_batches(views, batch_size=16, epochs=range(2), workers=0)
    keys = list(loader.batch_sampler)
    assert len(keys) == 2 * (len(views) // 16)
    first = [key for batch in keys[: len(keys) // 2] for key in batch]
    assert len(set(first)) == len(first)
    assert {epoch for epoch, _ in first} == {0}


def test_worker_processes_give_the_same_batches(views: TrainingViews) -> None:
    plain, parallel = (
        next(iter(training_batches(views, batch_size=8, epochs=range(1), workers=n)))
        for n in (0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(plain, parallel, strict=True))
