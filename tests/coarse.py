"""Networks that see every fourth pixel: a sixteenth of the work, and all else is as it was.

For tests of what is done with vectors; what the networks say of an image is tested without it.
"""

from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from msfusion_sdk.encoder.networks.model import PatchFeatures
from msfusion_sdk.encoder.networks.network import AttendedResNet

__all__ = ["coarse_networks"]

STEP, LEAST_PX = 4, 128
normalise = AttendedResNet.normalise


def coarse_networks(patch: pytest.MonkeyPatch) -> None:
    """Make the networks of this process coarse, and those of its forks."""
    patch.setattr(AttendedResNet, "normalise", _of_every_fourth)
    if find_spec("openvino"):
        from msfusion_sdk.encoder.backends.with_openvino import OpenVinoBackend

        patch.setattr(OpenVinoBackend, "features", _in_torch)


def _of_every_fourth(network: AttendedResNet, images: Tensor) -> Tensor:
    if min(images.shape[-2:]) >= LEAST_PX:
        images = images[..., ::STEP, ::STEP]
    return normalise(network, images)


@torch.inference_mode()
def _in_torch(backend: object, pixels: Tensor) -> PatchFeatures:
    features: PatchFeatures = backend._model(pixels)  # type: ignore[attr-defined]
    return features
