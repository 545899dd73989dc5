"""Networks from elsewhere, computed by OpenVINO where it agrees with torch."""

import torch
from torch import Tensor

from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.backends.converting import Converted, converted
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.model import PatchFeatures, TwoScaleModel

__all__ = ["NetworksBackend"]


class NetworksBackend(Backend):
    """The model itself, its backbones exchanged; attention and fusion are torch's."""

    def __init__(self, model: TwoScaleModel, runtime: Runtime) -> None:
        edges = {
            "detail": model.geometry.tile_size_px,
            "context": model.geometry.context_size_px,
        }
        networks = model.attended()
        made: dict[tuple[int, int], Converted] = {}
        for scale, network in networks.items():
            # Both scales may share a network, which is then converted once if the sizes agree.
            key = (id(network.backbone), edges[scale])
            if key not in made:
                made[key] = converted(network.backbone, edges[scale], runtime.precision)
        chosen = {
            scale: made[id(network.backbone), edges[scale]] for scale, network in networks.items()
        }
        self._model = model.with_networks(
            {scale: exchanged(networks[scale], found) for scale, found in chosen.items()}
        )
        self._images_per_pass = runtime.images_per_pass
        self._is_torch = any(found.backend == "torch" for found in chosen.values())
        self._precision = runtime.precision
        self.name = "torch" if self._is_torch else "openvino"
        self.difference = max(found.difference for found in chosen.values())
        self.remark = "; ".join(sorted({found.remark for found in chosen.values() if found.remark}))

    def features(self, pixels: Tensor) -> PatchFeatures:
        """See ``Backend.features``."""
        is_rounded = self._is_torch and self._precision != "fp32"
        with torch.autocast("cpu", torch.bfloat16, enabled=is_rounded):
            features: PatchFeatures = self._model(pixels, self._images_per_pass)
        return features


def exchanged(network: AttendedNetwork, found: Converted) -> AttendedNetwork:
    """Return an attention over what computes its backbone now."""
    return network.with_backbone(found.network)
