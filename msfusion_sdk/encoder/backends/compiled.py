"""A feature network that OpenVINO computes: a program in a file, or a converted torch module."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
from msfusion_sdk.encoder.backends.signal_stack import signal_stack_kept
from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork

__all__ = ["PRECISIONS", "CompiledNetwork", "compiled"]

PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f32"}
"""What a precision is called; fp16 is for GPUs, and a CPU computes it in full."""

Reading = Callable[[list[Tensor]], FeatureMaps]


def compiled(model: Any, precision: str) -> Any:
    """Return an OpenVINO model made ready for this CPU."""
    settings = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        # What torch may use: OMP_NUM_THREADS, or a worker's share of the cores.
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        # One batch at a time, computed by all threads; streams would share them out.
        "NUM_STREAMS": 1,
        # Two processes would pin themselves to the same cores.
        "ENABLE_CPU_PINNING": False,
    }
    with signal_stack_kept():
        return import_openvino().Core().compile_model(model, "CPU", settings)


class CompiledNetwork(FeatureNetwork):
    """A network whose numbers come from OpenVINO, on the CPU.

    Parameters
    ----------
    make : callable
        Returns the OpenVINO model; called in each process when the first image comes.
    read : callable
        Turns the list of outputs into a map and a vector.
    precision : str
        'fp32' or 'bf16'.
    normalises : bool
        Whether the OpenVINO model takes pixels of 0..255; files take normalised ones.
    """

    def __init__(
        self,
        facts: NetworkFacts,
        make: Callable[[], Any],
        read: Reading,
        *,
        precision: str = "fp32",
        normalises: bool = False,
    ) -> None:
        super().__init__(facts)
        self._make, self._read = make, read
        self._precision, self._normalises = precision, normalises
        self._request: Any = None
        self._batch = -1
        # A request computes one batch at a time.
        self._lock = threading.Lock()

    def maps(self, images: Tensor) -> FeatureMaps:
        """See ``FeatureNetwork.maps``."""
        ready = images.float() if self._normalises else self.normalise(images)
        pixels = ready.cpu().contiguous().numpy()
        with self._lock:
            request = self._ready()
            parts = [pixels] if self._batch < 0 else np.split(pixels, len(pixels) // self._batch)
            answers = [
                # The next batch overwrites them.
                [torch.from_numpy(np.array(output)) for output in request.infer([part]).values()]
                for part in parts
            ]
        found = [torch.cat(parts).to(images.device) for parts in zip(*answers, strict=True)]
        return self._read(found)

    def with_precision(self, precision: str) -> "CompiledNetwork":
        """Return the same network computed in another precision."""
        return CompiledNetwork(
            self.facts,
            self._make,
            self._read,
            precision=precision,
            normalises=self._normalises,
        )

    def _ready(self) -> Any:
        if self._request is None:
            program = compiled(self._make(), self._precision)
            first = program.inputs[0].partial_shape[0]
            # A file may be made for one image at a time.
            self._batch = first.get_length() if first.is_static else -1
            self._request = program.create_infer_request()
        return self._request

    def __getstate__(self) -> dict[str, Any]:
        # What is compiled belongs to the process that did it.
        return {**self.__dict__, "_request": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_lock": threading.Lock()})  # type: ignore[no-untyped-call]
