"""Without facts of the user's, a model of timm is read as the model itself ends."""

from typing import Any

import pytest
import torch

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.kinds.timm_networks import TimmNetwork, timm_statistics
from msfusion_sdk.encoder.networks.contract import vector_of

from ..networks_made import seeded

pytestmark = pytest.mark.slow

timm = pytest.importorskip("timm")
SMALL = {"depth": 1, "embed_dim": 48, "num_heads": 3}


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("vit_tiny_patch16_224", {"depth": 1}),  # its class token
        ("deit_tiny_distilled_patch16_224", {"depth": 1}),  # the mean of two such tokens
        ("eva02_tiny_patch14_224", {"depth": 1}),  # the mean of places, beside a class token
        ("beit_base_patch16_224", SMALL),
        ("vit_base_patch16_siglip_224", SMALL),  # attention over places, and no class token
        ("mobilenetv3_small_050", {}),  # one more layer behind the mean
        ("hiera_tiny_224", {}),
    ],
)
def test_the_usual_readout_is_the_models_own(architecture: str, arguments: dict[str, Any]) -> None:
    module = seeded(timm.create_model(architecture, num_classes=0, **arguments))
    facts = NetworkFacts(name=architecture, **timm_statistics(module))
    network = TimmNetwork(facts, module).eval()
    images = torch.randint(0, 256, (2, 3, facts.image_px, facts.image_px))
    with torch.inference_mode():
        wanted = module(network.normalise(images))
        found = vector_of(network.maps(images), facts)
    assert wanted.std() > 0.01
    assert torch.allclose(found, wanted, atol=1e-4)
