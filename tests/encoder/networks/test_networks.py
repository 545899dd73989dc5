"""Attention, the feature network and the two-scale model."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from msfusion_sdk import EncoderConfig, SlideEncoder
from msfusion_sdk.config import NetworkConfig
from msfusion_sdk.encoder.networks.attention import SpatialAttention, attention_map
from msfusion_sdk.encoder.networks.model import TwoScaleModel, split_scales
from msfusion_sdk.encoder.networks.network import AttendedResNet, ImageClassifier
from msfusion_sdk.encoder.networks.resnet import resnet18_stages, resnet18_stem

pytestmark = pytest.mark.slow


def noise(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def slow_attention(features: torch.Tensor, weight: torch.Tensor, row: int, column: int) -> float:
    """Return the map at one place of one image: equation 3 of CBAM, term by term."""
    _, height, width = features.shape
    logit = 0.0
    for dy in range(-3, 4):
        for dx in range(-3, 4):
            if 0 <= row + dy < height and 0 <= column + dx < width:
                here = features[:, row + dy, column + dx].tolist()
                mean, highest = sum(here) / len(here), max(here)
                kernel = weight[0, :, dy + 3, dx + 3].tolist()
                logit += kernel[0] * mean + kernel[1] * highest
    return 1 / (1 + math.exp(-logit))


def test_the_attention_map_is_equation_3_at_every_place() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 5, 6, 4, generator=generator)
    weight = 0.1 * torch.randn(1, 2, 7, 7, generator=generator)
    found = attention_map(features, weight)
    for image in range(2):
        for row in range(6):
            for column in range(4):
                expected = slow_attention(features[image], weight, row, column)
                assert found[image, 0, row, column].item() == pytest.approx(expected, abs=1e-6)


def test_attention_returns_the_product_and_the_map() -> None:
    features = torch.randn(2, 5, 6, 4, generator=torch.Generator().manual_seed(0))
    attended, weights = SpatialAttention()(features)
    assert weights.shape == (2, 1, 6, 4)
    assert torch.equal(attended, features * weights)


@pytest.mark.parametrize("size", [32, 33, 96])
def test_a_network_gives_512_features_and_a_score_in_the_unit_interval(size: int) -> None:
    with torch.inference_mode():
        features = AttendedResNet(NetworkConfig()).eval()(noise(3, 3, size, size))
    assert features.vectors.shape == (3, 512)
    assert features.scores.shape == (3,)
    assert ((features.scores > 0) & (features.scores < 1)).all()


def test_the_stages_are_torchvisions_resnet18() -> None:
    from torchvision.models import resnet18

    theirs, stem, stages = resnet18().eval(), resnet18_stem().eval(), resnet18_stages().eval()
    layers = (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4)
    stem.load_state_dict(nn.Sequential(theirs.conv1, theirs.bn1).state_dict())
    stages.load_state_dict(nn.Sequential(theirs.maxpool, *layers).state_dict())
    theirs.avgpool, theirs.fc = nn.Identity(), nn.Identity()
    images = noise(2, 3, 97, 64).float()
    with torch.inference_mode():
        assert torch.equal(stages(stem(images)).flatten(1), theirs(images))


@pytest.mark.parametrize("layer", ["1.0.conv1", "4.1.conv2", "3.0.downsample.0"])
def test_random_weights_are_as_wide_as_torchvisions(layer: str) -> None:
    from torchvision.models import resnet18

    theirs = dict(resnet18().named_modules())["layer" + layer].weight.std().item()
    ours = dict(resnet18_stages().named_modules())[layer].weight.std().item()
    assert ours == pytest.approx(theirs, rel=0.05)


def test_pixels_are_normalised_as_torchvision_does() -> None:
    from torchvision.transforms.v2.functional import normalize, to_dtype

    config, images = NetworkConfig(), noise(2, 3, 32, 32)
    wanted = normalize(
        to_dtype(images, torch.float32, scale=True), list(config.pixel_mean), list(config.pixel_std)
    )
    assert torch.allclose(AttendedResNet(config).normalise(images), wanted, atol=1e-5)


def test_class_probabilities_sum_to_one() -> None:
    classifier = ImageClassifier(NetworkConfig(classes=("a", "b", "c", "d"))).eval()
    found = classifier.probabilities(noise(2, 3, 32, 32))
    assert found.shape == (2, 4)
    assert torch.allclose(found.sum(1), torch.ones(2))


def test_the_scales_are_exact_means_and_quadrants() -> None:
    patches = noise(2, 3, 12, 12)
    context, tiles = split_scales(patches)
    pixels = patches.numpy()
    assert np.array_equal(context, pixels.reshape(2, 3, 6, 2, 6, 2).astype(float).mean((3, 5)))
    corners = [(0, 0), (0, 6), (6, 0), (6, 6)]
    for number, (y, x) in enumerate(corners):
        assert np.array_equal(tiles[:, number], pixels[:, :, y : y + 6, x : x + 6])


@pytest.mark.parametrize("images_per_pass", [1, 3, 8])
def test_passes_do_not_change_what_the_model_says(
    random_encoder: SlideEncoder, images_per_pass: int
) -> None:
    patches = noise(3, 3, 64, 64)
    with torch.inference_mode():
        whole = random_encoder.model(patches)
        parts = random_encoder.model(patches, images_per_pass)
    for a, b in zip(whole, parts, strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_names_of_the_weights_stay_as_trained_models_have_them() -> None:
    names = set(TwoScaleModel(EncoderConfig()).state_dict())
    for network in ("context", "detail"):
        assert f"{network}.features.stem.0.weight" in names
        assert f"{network}.features.stages.4.1.bn2.running_var" in names
        assert f"{network}.features.last_attention.conv.weight" in names
        assert f"{network}.head.2.bias" in names
