"""Networks that see few pixels, or have few weights, and all else is as it was.

For tests of what is done with vectors and checkpoints; what the networks say of an image is
tested without it.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.networks import network
from msfusion_sdk.encoder.networks.model import PatchFeatures, TwoScaleModel
from msfusion_sdk.encoder.networks.network import AttendedResNet
from msfusion_sdk.encoder.networks.resnet import BasicBlock
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder

__all__ = ["NARROWED", "coarse_networks", "narrow_model", "narrow_networks"]

EDGE_PX = 64
"""Of what coarse networks see of an image; those of golden outputs are as large and seen whole."""
NARROWED = f"""
import sys
from pytest import MonkeyPatch
sys.path.insert(0, {str(Path(__file__).parent)!r})
from coarse import coarse_networks, narrow_networks
coarse_networks(MonkeyPatch())
narrow_networks(MonkeyPatch())
"""
"""How a program begins whose networks are those of the fixture ``narrow``."""
normalise = AttendedResNet.normalise


def coarse_networks(patch: pytest.MonkeyPatch) -> None:
    """Make the networks of this process coarse, and those of its forks."""
    patch.setattr(AttendedResNet, "normalise", _of_few_pixels)
    if find_spec("openvino"):
        from msfusion_sdk.encoder.backends.with_openvino import OpenVinoBackend

        patch.setattr(OpenVinoBackend, "features", _in_torch)


def narrow_networks(patch: pytest.MonkeyPatch) -> None:
    """Give the networks that are made from now on 64 channels: 0.3 million weights, not 11.

    Weights that are trained elsewhere do not fit them.
    """
    patch.setattr(network, "resnet18_stages", _narrow_stages)


def narrow_model(folder: Path, patches: PatchConfig | None = None) -> Path:
    """Write a model folder with narrow random weights, where networks are narrow."""
    config = EncoderConfig(name="begun-elsewhere", patches=patches or PatchConfig())
    write_model_folder(folder, TwoScaleModel(config), config, "# Random weights\n")
    return folder


def _narrow_stages() -> nn.Sequential:
    blocks = [BasicBlock(64, 64, stride) for stride in (1, 2, 2, 2)]
    return nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), *blocks, nn.Conv2d(64, 512, 1))


def _of_few_pixels(resnet: AttendedResNet, images: Tensor) -> Tensor:
    step = max(1, min(images.shape[-2:]) // EDGE_PX)
    return normalise(resnet, images[..., ::step, ::step])


@torch.inference_mode()
def _in_torch(backend: object, pixels: Tensor) -> PatchFeatures:
    features: PatchFeatures = backend._model(pixels)  # type: ignore[attr-defined]
    return features
