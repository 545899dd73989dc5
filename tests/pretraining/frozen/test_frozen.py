"""Attention and classifier over frozen networks learn from maps that are computed once."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEncoder
from msfusion_sdk.config import AttentionConfig
from msfusion_sdk.encoder import FeatureNetwork
from msfusion_sdk.encoder.networks.attended import AttendedNetwork, MapAttention
from msfusion_sdk.errors import NetworkFactsError, StoreFullError, UntrainedAttentionError
from msfusion_sdk.pretraining.frozen.config import FrozenTrainConfig
from msfusion_sdk.pretraining.frozen.maps import cache_maps, tile_image
from msfusion_sdk.pretraining.frozen.run import LabelledImages, pretrain_frozen
from msfusion_sdk.pretraining.index import read_tile_index

from .conftest import Edges

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FeatureNetwork]:
    """A model whose attention was not trained."""
    network = Edges()
    encoder = SlideEncoder.from_networks(network, None, device="cpu", precision="fp32")
    return encoder.save_pretrained(tmp_path_factory.mktemp("edges")), network


def plain_attention(config: AttentionConfig) -> AttendedNetwork:
    return AttendedNetwork(Edges(), MapAttention(8, config))


@pytest.mark.parametrize("summary", ["channel", "projected"])
def test_an_attention_that_was_not_trained_is_the_plain_mean(summary: str) -> None:
    network = plain_attention(AttentionConfig(summary=summary))
    images = torch.randint(0, 256, (2, 3, 64, 64))
    features = network(images)
    assert torch.allclose(features.vectors, network.maps(images).map.mean((2, 3)), atol=1e-6)
    assert (features.scores == 0.5).all()


def test_the_attention_gets_gradients_and_the_backbone_none() -> None:
    network = plain_attention(AttentionConfig())
    with torch.no_grad():
        network.attention.conv.weight.add_(0.1)
    network(torch.randint(0, 256, (2, 3, 64, 64))).vectors[:, 0].sum().backward()
    assert network.attention.summary.weight.grad.abs().sum() > 0
    assert all(value.grad is None for value in network.backbone.parameters())


@pytest.fixture(scope="module")
def trained(
    tile_folder: Path, tmp_path_factory: pytest.TempPathFactory, registered: None
) -> SlideEncoder:
    network = Edges()
    out = tmp_path_factory.mktemp("frozen")
    start = SlideEncoder.from_networks("edges", None, device="cpu").save_pretrained(out / "start")
    del network
    config = FrozenTrainConfig(tile_mpp=0.5, epochs=60, patience=60, batch_size=16, peak_rate=0.01)
    folder = pretrain_frozen(tile_folder, out / "model", start, config, about="Dots, stripes.")
    return SlideEncoder.from_pretrained(folder, device="cpu", precision="fp32")


def test_it_learns_and_then_weighs_by_attention(trained: SlideEncoder) -> None:
    config = trained.config
    assert config.network.attention.trained
    assert config.fusion.score == "attention"
    assert "Dots, stripes." in trained._card
    images = torch.randint(0, 256, (4, 3, 64, 64))
    scores = trained.model.detail.features(images).scores
    assert scores.std() > 0
    assert not torch.allclose(scores, torch.full_like(scores, 0.5))


def test_the_classifier_tells_dots_from_stripes(trained: SlideEncoder, tile_folder: Path) -> None:
    right = []
    for number, kind in enumerate(("dots", "stripes")):
        for path in sorted((tile_folder / kind).glob("*.png")):
            image = torch.from_numpy(tile_image(path, 0.5, 0.5, 64))
            chances = trained.model.detail.probabilities(image.permute(2, 0, 1)[None])
            right.append(int(chances.argmax()) == number)
    assert np.mean(right) >= 0.85


def test_a_model_of_the_method_is_not_for_this(tile_folder: Path, small_model: Path) -> None:
    with pytest.raises(NetworkFactsError, match="--start instead of --network"):
        pretrain_frozen(tile_folder, small_model, small_model, FrozenTrainConfig(tile_mpp=0.5))


def test_maps_are_not_taken_for_those_of_other_files_or_sizes(tile_folder: Path) -> None:
    index = read_tile_index(tile_folder, seed=0)
    before = LabelledImages(index, 0.5).digest()
    assert LabelledImages(index, 0.5).digest() == before
    assert LabelledImages(index, 0.25).digest() != before
    path = LabelledImages(index, 0.5).paths[0]
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert LabelledImages(index, 0.5).digest() != before


@pytest.mark.parametrize("said", ["", "half", "99", "-1"])
def test_maps_are_computed_again_where_it_is_not_said_how_many_are_done(
    tmp_path: Path, said: str
) -> None:
    (tmp_path / "done.txt").write_text(said)
    paths, network = [Path("a"), Path("b")], plain_attention(AttentionConfig())
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    seen: list[int] = []
    maps = cache_maps(
        network, paths, lambda _: image, tmp_path, limit_gb=1, progress=lambda n, _: seen.append(n)
    )
    assert seen == [2]
    assert (tmp_path / "done.txt").read_text() == "2"
    assert np.abs(np.asarray(maps.maps[1])).max() > 0


@pytest.mark.usefixtures("registered")
def test_maps_beyond_the_limit_are_refused_before_any_is_computed(
    tile_folder: Path, tmp_path: Path
) -> None:
    start = SlideEncoder.from_networks("edges", None, device="cpu").save_pretrained(tmp_path / "s")
    config = FrozenTrainConfig(tile_mpp=0.5, cache_gb=1e-6)
    with pytest.raises(StoreFullError, match="cache_gb"):
        pretrain_frozen(tile_folder, tmp_path / "out", start, config)


def test_scores_by_attention_before_training_name_the_command(
    edges: tuple[Path, FeatureNetwork],
) -> None:
    folder, network = edges
    encoder = SlideEncoder.from_pretrained(folder, networks={"detail": network}, device="cpu")
    with pytest.raises(UntrainedAttentionError, match="msfusion pretrain tiles"):
        encoder.with_config(encoder.config.updated(fusion={"score": "attention"}))
