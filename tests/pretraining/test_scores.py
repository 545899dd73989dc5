from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from msfusion_sdk.config import NetworkConfig
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.scores import (
    CONDITIONS,
    colour_floor,
    colour_statistics,
    group_interval,
    score_network,
    summarise,
    tile_probabilities,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def classifier() -> ImageClassifier:
    return ImageClassifier(NetworkConfig(classes=("dots", "stripes")))


def test_probabilities_do_not_depend_on_the_batch(
    tile_folder: Path, classifier: ImageClassifier
) -> None:
    paths, _ = read_tile_index(tile_folder).part("test")
    one, many = (
        tile_probabilities(classifier, paths, "detail", tile_mpp=0.25, image_px=48, batch_size=n)
        for n in (1, 16)
    )
    assert np.allclose(one, many, atol=1e-5)
    assert np.allclose(one.sum(1), 1, atol=1e-5)


def test_every_condition_is_scored(tile_folder: Path, classifier: ImageClassifier) -> None:
    index = read_tile_index(tile_folder)
    scores = score_network(classifier, "context", index, "test", tile_mpp=0.25, image_px=48)
    assert list(scores["condition"]) == list(CONDITIONS)
    assert set(scores["groups"]) == {len(index.groups("test"))}


def test_the_summary_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 40)
    probabilities = rng.dirichlet(np.ones(3), 120) + 0.4 * np.eye(3)[truth]
    probabilities /= probabilities.sum(1, keepdims=True)
    groups = np.array([f"g{i // 5}" for i in range(120)], object)
    found = summarise(truth, probabilities.astype(np.float32), groups)
    wanted = roc_auc_score(truth, probabilities, multi_class="ovr")
    assert found["auroc"] == pytest.approx(wanted, abs=1e-6)
    assert found["balanced_accuracy"] == balanced_accuracy_score(truth, probabilities.argmax(1))
    assert found["low"] <= found["balanced_accuracy"] <= found["high"]


def test_copies_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1], 30)
    guess = np.where(rng.random(60) < 0.8, truth, 1 - truth)
    groups = np.arange(60).astype(object)
    once = group_interval(truth, guess, groups, seed=0, rounds=300)
    # The same 60 independent units, each shown ten times.
    often = group_interval(
        np.repeat(truth, 10), np.repeat(guess, 10), np.repeat(groups, 10), seed=0, rounds=300
    )
    assert often == pytest.approx(once, abs=0.03)


def test_colour_statistics_are_blind_to_where_pixels_are() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    mirrored = colour_statistics(np.ascontiguousarray(image[::-1]))
    assert colour_statistics(image) == pytest.approx(mirrored)
    assert len(mirrored) == 13


def test_the_colour_floor_of_the_lung_tiles_is_what_others_measured(shared: Path) -> None:
    # The data's README gives 0.926 by five-fold cross-validation with the same statistics.
    whole = read_tile_index(shared / "data" / "tiles" / "lc25000")
    # Two of the five copies of every photograph: the others add time and no information.
    index = TileIndex(whole.root, whole.table.groupby("group").head(2), whole.classes)
    assert colour_floor(index, "test") == pytest.approx(0.926, abs=0.04)
