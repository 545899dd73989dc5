"""What of an encoder is sent to another process: settings and references, not large weights.

A worker maps the file of a network's weights itself, and so all workers of a machine share one
copy in memory.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from safetensors.torch import load

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import weights_bytes
from msfusion_sdk.encoder.weights.references import Place, find_networks

__all__ = ["model_received", "model_to_send", "own_sha256"]


def own_sha256(model: TwoScaleModel) -> str:
    """Return the SHA-256 of the weights that a model would be saved with."""
    return hashlib.sha256(weights_bytes(model)).hexdigest()


def model_to_send(model: TwoScaleModel, places: Mapping[str, Place]) -> Any:
    """Return what stands for a model in a pickle: itself, where all of it is its own."""
    if not places:
        return model
    # A module that only its owner has travels as it is.
    modules = {
        scale: network.backbone
        for scale, network in model.attended().items()
        if places[scale].source is None
    }
    return {"own": weights_bytes(model), "modules": modules}


def model_received(sent: Any, config: EncoderConfig, places: Mapping[str, Place]) -> TwoScaleModel:
    """Return the model that ``model_to_send`` stands for, on the CPU."""
    if isinstance(sent, TwoScaleModel):
        return sent
    networks, _ = find_networks(config, places, given=sent["modules"])
    model = TwoScaleModel(config, networks)
    # The backbones are in place already; the rest is what was sent.
    model.load_state_dict(load(sent["own"]), strict=False)
    return model.eval()
