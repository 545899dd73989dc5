"""Attention and classifier over frozen networks learn from maps that are computed once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from msfusion_sdk import SlideEncoder
from msfusion_sdk.config import AttentionConfig
from msfusion_sdk.encoder import FeatureMaps, FeatureNetwork, NetworkFacts
from msfusion_sdk.encoder.networks.attended import AttendedNetwork, MapAttention
from msfusion_sdk.errors import NetworkFactsError, StoreFullError, UntrainedAttentionError
from msfusion_sdk.pretraining.frozen.config import FrozenTrainConfig
from msfusion_sdk.pretraining.frozen.maps import tile_image
from msfusion_sdk.pretraining.frozen.run import pretrain_frozen


class Edges(FeatureNetwork):
    """What an image has of lines in eight directions, place by place; no weights to speak of."""

    def __init__(self) -> None:
        facts = NetworkFacts(
            name="edges", image_px=64, multiple_px=8, mpp=(0.5,), pixel_mean=(0.7,) * 3,
            pixel_std=(0.2,) * 3, readout="attended", features=8,
        )  # fmt: skip
        super().__init__(facts)
        self.conv = nn.Conv2d(3, 8, 5, 2, 2, bias=False)
        with torch.no_grad():
            generator = torch.Generator().manual_seed(1)
            self.conv.weight.copy_(torch.randn(self.conv.weight.shape, generator=generator))

    def maps(self, images: Tensor) -> FeatureMaps:
        answer = self.conv(self.normalise(images)).abs()
        return FeatureMaps(nn.functional.avg_pool2d(answer, 4), None)


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


@pytest.fixture(scope="module")
def registered() -> "pytest.Generator[None, None, None]":  # type: ignore[name-defined]
    """The network as an installed package would bring it."""
    from msfusion_sdk.encoder.sources import naming, opening

    patch = pytest.MonkeyPatch()
    patch.setattr(naming, "list_networks", lambda: {"edges": "acme 0.1"})
    patch.setattr(opening, "load_network", lambda name: Edges())
    yield
    patch.undo()


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
