"""Save and restore a training run, without pickle.

A checkpoint is one safetensors file: network, running average and optimiser state as
tensors, the rest as JSON in its header.  It is written after every epoch, atomically.
"""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from msfusion_sdk.errors import WeightsMismatchError
from msfusion_sdk.files import storing

__all__ = ["TrainingState", "load_checkpoint", "save_checkpoint"]


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
    """A row per epoch: epoch, rate, loss, validation_loss, validation (balanced accuracy)."""


Parts = dict[str, dict[str, Tensor]]


def save_checkpoint(
    path: Path,
    state: TrainingState,
    modules: dict[str, nn.Module],
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write modules, optimiser and state to ``path``."""
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for index, slots in optimiser.state_dict()["state"].items():
        for slot, value in slots.items():
            tensors[f"optimiser.{index}.{slot}"] = value.detach().cpu().contiguous()
    with storing(path) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(asdict(state))})


def load_checkpoint(
    path: Path, settings: str, modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> TrainingState:
    """Restore modules and optimiser in place and return the state.

    Raises
    ------
    WeightsMismatchError
        When the checkpoint belongs to a run with other settings.
    """
    with safe_open(path, framework="pt") as file:
        state = TrainingState(**json.loads(file.metadata()["state"]))
        if state.settings != settings:
            msg = (
                f"{path} belongs to a run with other settings or other data. Give another --out "
                "folder, or remove this one to start again."
            )
            raise WeightsMismatchError(msg)
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
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
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": slots, "param_groups": groups})
    return state
