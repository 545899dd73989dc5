"""The networks in OpenVINO: on x86 CPUs several times as fast as torch, in bf16 and in fp32."""

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.backends.graph import patch_graph
from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
from msfusion_sdk.encoder.backends.signal_stack import signal_stack_kept
from msfusion_sdk.encoder.networks.model import PatchFeatures, TwoScaleModel

__all__ = ["OpenVinoBackend"]

PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoBackend(Backend):
    """Compute patch by patch; tiles are fused by the same code as in torch.

    One patch is five images, enough to fill the threads, and a larger batch is no faster.
    """

    def __init__(self, model: TwoScaleModel, precision: str) -> None:
        self._model, self._precision = model, precision
        self._requests: dict[int, Any] = {}
        # A request computes one patch at a time.
        self._lock = threading.Lock()

    def features(self, pixels: Tensor) -> PatchFeatures:
        """See ``Backend.features``."""
        images = np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())
        with self._lock:
            request = self._request(images.shape[1])
            rows = [_copied(request.infer([image[None]], share_inputs=True)) for image in images]
        tiles, tile_scores, *rest = (torch.stack(part) for part in zip(*rows, strict=True))
        context, scores = rest or (tiles.new_empty(len(tiles), 0), tile_scores.mean(1))
        return self._model.fuse(context.flatten(1), tiles, scores.flatten(), tile_scores)

    def _request(self, size: int) -> Any:
        """Return what computes patches of this size; compiled when the first one comes."""
        if size not in self._requests:
            settings = {
                "INFERENCE_PRECISION_HINT": PRECISIONS[self._precision],
                # What torch may use: OMP_NUM_THREADS, or a worker's share of the cores.
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                # One patch at a time, computed by all threads; streams would share them out.
                "NUM_STREAMS": 1,
                # Two processes would pin themselves to the same cores.
                "ENABLE_CPU_PINNING": False,
            }
            graph = patch_graph(self._model, size)
            with signal_stack_kept():
                compiled = import_openvino().Core().compile_model(graph, "CPU", settings)
            self._requests[size] = compiled.create_infer_request()
        return self._requests[size]


def _copied(outputs: Any) -> list[Tensor]:
    # The next patch overwrites them.
    return [torch.from_numpy(np.array(output)) for output in outputs.values()]
