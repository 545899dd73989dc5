"""Weights in files: safetensors alone, mapped into memory, known by their SHA-256.

A pickle is never loaded here; ``convert_pickle`` makes safetensors of one, once, on demand.
"""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from msfusion_sdk.errors import (
    NonFiniteWeightsError,
    UnsafeWeightsError,
    WeightsCorruptError,
    WeightsMismatchError,
)
from msfusion_sdk.files import storing

__all__ = [
    "convert_pickle",
    "file_sha256",
    "load_weights",
    "module_sha256",
    "require_safetensors",
]

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".tar")
WRAPPERS = ("state_dict", "model", "teacher", "model_state_dict", "net")
"""Names under which training programs put the weights beside other things."""


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def module_sha256(module: nn.Module) -> str:
    """Return the SHA-256 over names, types, shapes and numbers of a module's tensors, by name.

    Raises
    ------
    WeightsMismatchError
        When a tensor has no numbers, as on the device ``meta``.
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if value.is_meta:
            msg = f"{name} of the network has a shape and no numbers. Load its weights first."
            raise WeightsMismatchError(msg)
        value = value.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # Bytes, because numpy has no bfloat16; a tensor without axes cannot be viewed so.
        digest.update(value.view(torch.uint8).numpy() if value.ndim else value.numpy().tobytes())
    return digest.hexdigest()


def require_safetensors(path: Path) -> Path:
    """Raise unless a file is there and is no pickle; return it.

    Raises
    ------
    WeightsCorruptError, UnsafeWeightsError
    """
    if not path.is_file():
        msg = f"{path} is not there. Check the path, or download the weights again."
        raise WeightsCorruptError(msg)
    if path.suffix in PICKLES:
        msg = (
            f"{path} is a pickle, which can run any code when it is loaded, so it is refused. Make "
            f"safetensors of it once: msfusion models convert {path} {path.with_suffix('')}"
            ".safetensors"
        )
        raise UnsafeWeightsError(msg)
    return path


def load_weights(module: nn.Module, path: Path) -> None:
    """Give a module the weights of a safetensors file, mapped and not copied where types agree.

    Raises
    ------
    WeightsCorruptError
        When the file is truncated or no safetensors.
    WeightsMismatchError
        When names or shapes are not the module's.
    NonFiniteWeightsError
        When a number is NaN or infinite.
    """
    try:
        # Mapped: processes that use one file share its memory.
        tensors = load_file(require_safetensors(path))
    except (SafetensorError, OSError, ValueError) as error:
        msg = f"{path} is truncated or no safetensors file ({error}). Copy or download it again."
        raise WeightsCorruptError(msg) from error
    wanted = module.state_dict()
    # The classifier of a network that is used for its features.
    spare = {name for name in tensors if name not in wanted and name.split(".")[0] in HEADS}
    tensors = {name: value for name, value in tensors.items() if name not in spare}
    _require_names(path, tensors, wanted)
    bad = [name for name, value in tensors.items() if not value.isfinite().all()]
    if bad:
        msg = f"{path} holds NaN or infinity in {len(bad)} tensors (first: {bad[0]})."
        raise NonFiniteWeightsError(msg)
    kept = {name: value.to(wanted[name].dtype) for name, value in tensors.items()}
    # Assigned, not copied: the mapped tensors take the place of the module's own.
    module.load_state_dict(kept, assign=True)


HEADS = ("head", "fc", "classifier", "heads")


def _require_names(path: Path, found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    missing = sorted(set(wanted) - set(found))
    unknown = sorted(set(found) - set(wanted))
    shapes = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in sorted(set(wanted) & set(found))
        if found[name].shape != wanted[name].shape
    ]
    if missing or unknown or shapes:
        msg = (
            f"{path} holds other weights than the architecture has: {len(missing)} tensors missing "
            f"{missing[:3]}, {len(unknown)} unknown {unknown[:3]}, {len(shapes)} of another shape "
            f"{shapes[:3]}. Correct the architecture or its arguments."
        )
        raise WeightsMismatchError(msg)


def convert_pickle(source: Path, target: Path) -> int:
    """Write the tensors of a pickle as safetensors and return how many; runs no code of it.

    Parameters
    ----------
    source : Path
        ``.bin``, ``.pt`` or ``.pth``: a table of tensors, perhaps below ``state_dict``, ``model``
        or ``teacher``.
    target : Path
        Written atomically.

    Raises
    ------
    WeightsCorruptError, UnsafeWeightsError, WeightsMismatchError
    """
    if not source.is_file():
        msg = f"{source} is not there."
        raise WeightsCorruptError(msg)
    try:
        # ``weights_only``: torch's own unpickler, which builds tensors and nothing else.
        found = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        msg = f"{source} is damaged or no file of torch ({error}). Download it again."
        raise WeightsCorruptError(msg) from error
    except Exception as error:  # torch wraps what its unpickler refuses in an error of pickle
        msg = (
            f"{source} holds more than tensors ({str(error).splitlines()[0]}), which could run "
            "code. Ask its author for safetensors."
        )
        raise UnsafeWeightsError(msg) from error
    tensors = _table_of(found)
    if not tensors:
        msg = f"{source} holds no table of tensors."
        raise WeightsMismatchError(msg)
    with storing(target) as temporary:
        # A copy: safetensors refuses tensors that share memory.
        save_file({name: value.detach().clone() for name, value in tensors.items()}, temporary)
    return len(tensors)


def _table_of(found: object) -> dict[str, Tensor]:
    # Wrappers lie in one another: a checkpoint, its model, the state of that.
    while isinstance(found, dict):
        tensors = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
        inner = next((found[name] for name in WRAPPERS if isinstance(found.get(name), dict)), None)
        if tensors and inner is None:
            return tensors
        found = inner
    return {}
