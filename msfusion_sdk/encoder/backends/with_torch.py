"""The networks in torch: on every device, and the reference for the other back ends."""

import torch
from torch import Tensor

from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.backends.folding import folded
from msfusion_sdk.encoder.networks.model import PatchFeatures, TwoScaleModel
from msfusion_sdk.errors import DeviceError

__all__ = ["TorchBackend"]


class TorchBackend(Backend):
    """In fp32 the model itself, untouched; in bf16 a copy with folded batch-norm."""

    def __init__(self, model: TwoScaleModel, runtime: Runtime) -> None:
        self._runtime = runtime
        # fp32 is what all else is compared with, so nothing about it is rearranged.
        is_ours = not model.attended()
        is_folded = is_ours and runtime.precision == "bf16"
        self._model = folded(model, torch.bfloat16) if is_folded else model
        self._images_per_pass = runtime.images_per_pass

    def features(self, pixels: Tensor) -> PatchFeatures:
        """See ``Backend.features``; after full memory, computes in smaller passes for good."""
        if self._runtime.device.startswith("cuda"):
            # Only from pinned memory does the copy go on while the GPU computes.
            pixels = pixels.pin_memory()
        while True:
            try:
                with self._runtime.autocast():
                    there = pixels.to(self._runtime.device, non_blocking=True)
                    features: PatchFeatures = self._model(there, self._images_per_pass)
            except torch.OutOfMemoryError as error:
                if self._images_per_pass == 1:
                    msg = (
                        f"{self._runtime.device} has no memory for one image. Free it, or use "
                        "device='cpu'."
                    )
                    raise DeviceError(msg) from error
                self._images_per_pass //= 2
            else:
                return features
