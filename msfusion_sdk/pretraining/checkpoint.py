"""Save and restore a training run, without pickle.

A checkpoint is one safetensors file: network, running average and optimiser state as
tensors, the rest as JSON in its header, which also holds a digest of the whole file.  It is
written after every epoch, all at once; the one of the epoch before stays beside it, and serves
when the last is damaged.
"""

import hashlib
import json
import math
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from msfusion_sdk.errors import MsfusionWarning, WeightsCorruptError, WeightsMismatchError
from msfusion_sdk.files import read_bytes, store_bytes, store_error

__all__ = [
    "CheckpointWarning",
    "TrainingState",
    "has_checkpoint",
    "load_checkpoint",
    "save_checkpoint",
]

FORMAT = "2"
UNSEALED = b"0" * 64
"""Stands in the header for the digest while it is taken."""


class CheckpointWarning(MsfusionWarning, UserWarning):
    """The last checkpoint is damaged, and the one before was taken."""


@dataclass
class TrainingState:
    """What a run has to remember beside its tensors."""

    settings: str
    """Digest of everything that must be equal for a run to be continued."""
    epoch: int = 0
    """Epochs finished."""
    best_epoch: int = 0
    best_loss: float = math.inf
    """Cross-entropy on the validation groups at the best epoch."""
    best_score: float = 0.0
    """Balanced accuracy there."""
    history: list[dict[str, float]] = field(default_factory=list)
    """A row per epoch: epoch, rate, loss, validation_loss, validation (balanced accuracy), and
    where attention learns from findings attention_loss."""


def save_checkpoint(
    path: Path,
    state: TrainingState,
    modules: dict[str, nn.Module],
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write modules, optimiser and state to ``path``; what was there stays as the one before.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written.
    """
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for index, slots in optimiser.state_dict()["state"].items():
        for slot, value in slots.items():
            tensors[f"optimiser.{index}.{slot}"] = value.detach().cpu().contiguous()
    own = {"state": json.dumps(asdict(state)), "format": FORMAT, "sha256": UNSEALED.decode()}
    data = bytearray(save(tensors, own))
    place = data.index(UNSEALED)
    data[place : place + len(UNSEALED)] = hashlib.sha256(data).hexdigest().encode()
    try:
        if path.is_file():
            path.replace(_before(path))
    except OSError as error:
        raise store_error(path, error) from error
    store_bytes(path, data)


def has_checkpoint(path: Path) -> bool:
    """Return whether there is a checkpoint at ``path``, or the one before it."""
    return path.is_file() or _before(path).is_file()


def load_checkpoint(
    path: Path, settings: str, modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> TrainingState:
    """Restore modules and optimiser in place and return the state.

    Raises
    ------
    WeightsMismatchError
        When the checkpoint belongs to a run with other settings.
    WeightsCorruptError
        When it is damaged, and so is the one before, if there is one.

    Warns
    -----
    CheckpointWarning
        When the one before is taken.
    """
    try:
        state, tensors = _read(path)
    except (FileNotFoundError, WeightsCorruptError) as error:
        if not _before(path).is_file():
            raise
        state, tensors = _read(_before(path))
        found = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
        msg = f"{path} {found}: training goes on from the epoch before, {state.epoch}."
        warnings.warn(msg, CheckpointWarning, stacklevel=3)
    if state.settings != settings:
        msg = (
            f"{path} belongs to a run with other settings or other data. Give another --out "
            "folder, or remove this one to start again."
        )
        raise WeightsMismatchError(msg)
    try:
        _restore(tensors, modules, optimiser)
    # Of a file that was damaged before version 0.2, which had no digest.
    except (RuntimeError, LookupError, ValueError) as error:
        raise _corrupt(path, str(error)) from error
    return state


def _read(path: Path) -> tuple[TrainingState, dict[str, Tensor]]:
    data = read_bytes(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
        _require_sealed(path, data, header)
        state = TrainingState(**json.loads(header["state"]))
        return state, load(data)
    except WeightsCorruptError:
        raise
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        raise _corrupt(path, str(error)) from error


def _require_sealed(path: Path, data: bytes, header: dict[str, str]) -> None:
    """Raise when the bytes are not those that were written; version 0.1.0 wrote no digest."""
    if "format" not in header and "sha256" not in header:
        return
    if header.get("format") != FORMAT or len(header.get("sha256", "")) != len(UNSEALED):
        raise _corrupt(path, "its header is not legible")
    bare = data.replace(header["sha256"].encode(), UNSEALED, 1)
    if hashlib.sha256(bare).hexdigest() != header["sha256"]:
        raise _corrupt(path, "its content does not have the digest it states")


def _restore(
    tensors: dict[str, Tensor], modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> None:
    for name, module in modules.items():
        prefix = f"{name}."
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, slot = key.split(".")
            parameter = parameters[int(index)]
            # A fused optimiser walks parameter and moments in step, so both need one layout.
            is_moment = value.shape == parameter.shape
            moment = torch.empty_like(parameter).copy_(value) if is_moment else value
            slots.setdefault(int(index), {})[slot] = moment.detach()
    # Rates are set at every step, so only the moments have to come back.
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": slots, "param_groups": groups})


def _before(path: Path) -> Path:
    return path.with_name(f"{path.stem}.before{path.suffix}")


def _corrupt(path: Path, why: str) -> WeightsCorruptError:
    return WeightsCorruptError(
        f"{path} is damaged ({why}). Bring it back from a copy, or remove {path.parent} to train "
        "again."
    )
