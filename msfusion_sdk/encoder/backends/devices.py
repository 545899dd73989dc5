"""Which device and which number format the networks run in.

In a forked process torch computes with one thread: the threads of the parent's OpenMP pool
do not survive the fork, and the first parallel loop would wait for them for ever.
"""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from msfusion_sdk.errors import DeviceError, SettingError

__all__ = ["Runtime", "choose_runtime"]

DEVICE = re.compile(r"(cpu|mps|cuda)(?::([0-9]{1,3}))?", re.ASCII)

if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


@dataclass(frozen=True)
class Runtime:
    """A device and a precision that this machine has."""

    device: str
    """As torch names it: 'cpu', 'cuda:0', 'mps'."""
    precision: str
    """'fp32', 'bf16' or, on a CUDA device, 'fp16'."""
    backend: str = "torch"
    """What computes the networks when slides are encoded: 'torch' or 'openvino'."""

    @property
    def images_per_pass(self) -> int:
        """Images that go through a network at once: bounds memory, not results."""
        return 8 if self.device == "cpu" else 128

    def patches_per_batch(self, images_per_patch: int) -> int:
        """Return the default patches per batch, counted by the images that they come to."""
        # Two patches of the method, or 32: each comes to five images.
        images = 10 if self.device == "cpu" else 160
        return max(1, images // images_per_patch)

    @property
    def reading_threads(self) -> int:
        """Default threads that read patches: a GPU waits for them, a CPU needs its cores itself."""
        return 1 if self.device == "cpu" else torch.get_num_threads()

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Compute in this precision inside the block."""
        kind, cudnn = self.device.split(":")[0], torch.backends.cudnn
        # Left alone, cuDNN rounds the factors of fp32 convolutions to ten bits (TF32).
        ieee = cudnn.flags(
            enabled=cudnn.enabled,
            benchmark=cudnn.benchmark,
            deterministic=cudnn.deterministic,
            allow_tf32=False,
        )
        half = torch.float16 if self.precision == "fp16" else torch.bfloat16
        with ieee, torch.autocast(kind, half, enabled=self.precision != "fp32"):
            yield


def choose_runtime(device: str = "auto", precision: str = "auto") -> Runtime:
    """Return the runtime that was asked for.

    Parameters
    ----------
    device : 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'
        'auto' takes a GPU when there is one.
    precision : 'auto', 'fp32', 'bf16', or 'fp16' on a CUDA device
        'auto' takes bf16 where the processor or the GPU computes in it, else fp32.

    Notes
    -----
    On an x86 CPU the networks are computed by OpenVINO when it is installed and the precision
    is the processor's own.  A precision that was asked for and that is not, and fp32 by name,
    are torch's: the reference.

    Raises
    ------
    DeviceError
        When the device is not there.  Never falls back in silence.
    SettingError
        When a word is unknown.
    """
    name = _resolve_device(device)
    is_cuda = name.startswith("cuda")
    if precision not in ("auto", "fp32", "bf16", *(["fp16"] if is_cuda else [])):
        msg = f"No precision {precision!r} (known: auto, fp32, bf16, and fp16 on a CUDA device)."
        raise SettingError(msg)
    if precision in ("fp32", "fp16"):
        return Runtime(name, precision)
    # Only bf16 and "auto" are left: what follows depends on the processor.
    is_fast = _computes_bf16(name)
    backend = "torch"
    if name == "cpu" and (is_fast or precision == "auto") and _has_openvino():
        backend = "openvino"
    if precision == "auto":
        precision = "bf16" if is_fast else "fp32"
    return Runtime(name, precision, backend)


def _has_openvino() -> bool:
    """Return whether OpenVINO is installed and made for this kind of processor."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return is_x86 and find_spec("openvino") is not None


def _resolve_device(device: str) -> str:
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    match = DEVICE.fullmatch(device)
    if match is None or (match[2] and match[1] != "cuda"):
        msg = f"No device {device!r} (known: auto, cpu, cuda, cuda:N, mps)."
        raise SettingError(msg)
    kind, number = match[1], int(match[2] or 0)
    count = {"cpu": 1, "mps": int(torch.backends.mps.is_available())}.get(
        kind, torch.cuda.device_count()
    )
    if number >= count:
        msg = (
            f"device={device!r} was asked for, and this machine has {count} of kind {kind!r}. Use "
            "device='auto' (--device auto)."
        )
        raise DeviceError(msg)
    return f"cuda:{number}" if kind == "cuda" else kind


def _computes_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        # By default torch counts emulation too, which is slower than fp32.
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        # Without these instructions bf16 is emulated, slower than fp32.
        # Older torch cannot tell, and fp32 is always right.
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return False
