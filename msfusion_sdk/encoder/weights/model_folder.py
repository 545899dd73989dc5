"""The model folder of an encoder.

Weights are checked before they are used: no pickle, the pinned SHA-256, the exact names
and shapes, finite values, and a golden output that they must reproduce.
"""

import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from msfusion_sdk.config import EncoderConfig, FrozenConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.errors import (
    NonFiniteWeightsError,
    WeightsCorruptError,
    WeightsMismatchError,
)
from msfusion_sdk.files import made_folder
from msfusion_sdk.storage.model_folder import (
    CONFIG_FILE,
    ENCODER,
    WEIGHTS_FILE,
    read_model_config,
    read_weights,
    write_model,
)

__all__ = [
    "Golden",
    "Manifest",
    "load_model_folder",
    "model_fingerprint",
    "read_manifest",
    "write_model_folder",
]

HALF_MAX = 65_504.0
REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Golden(FrozenConfig):
    """An input made from a seed, and the first numbers the weights must answer with."""

    seed: int = Field(0, ge=0)
    size_px: int = Field(128, ge=64, le=2048, multiple_of=2)
    vector_head: tuple[float, ...] = Field(min_length=8, max_length=8)


class Manifest(FrozenConfig):
    """What ``config.json`` holds."""

    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    golden: Golden
    encoder: EncoderConfig


def model_fingerprint(weights_sha256: str, config: EncoderConfig) -> str:
    """Return the SHA-256 over weights and settings: equal ones give comparable vectors."""
    return hashlib.sha256(f"{weights_sha256}:{config.digest()}".encode()).hexdigest()


def golden_vector(model: TwoScaleModel, seed: int, size_px: int) -> list[float]:
    """Return the first eight numbers of the patch vector of a seeded noise patch, in fp32."""
    noise = np.random.default_rng(seed).integers(0, 256, (1, 3, size_px, size_px), dtype=np.uint8)
    with torch.inference_mode():
        vector = model(torch.from_numpy(noise)).vectors[0]
    return [float(v) for v in vector[:8]]


def write_model_folder(
    folder: Path, model: TwoScaleModel, config: EncoderConfig, card: str
) -> Manifest:
    """Write a model folder and return its manifest.

    Tensors that half precision represents exactly are stored in it; the others as they
    are.  The configuration is written last, so a folder that has one is complete.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """
    folder = made_folder(Path(folder))
    # A copy, because the caller's model may be in training, or on a GPU.
    model = copy.deepcopy(model).cpu().eval()
    weights = save({name: _smallest(value) for name, value in model.state_dict().items()})
    golden = Golden(vector_head=tuple(golden_vector(model, 0, 128)))
    settings = {"golden": golden.model_dump(), "encoder": json.loads(config.model_dump_json())}
    digest = write_model(folder, ENCODER, weights, settings, card)
    return Manifest(weights_sha256=digest, golden=golden, encoder=config)


def read_manifest(folder: Path) -> Manifest:
    """Read and check ``config.json``.

    Raises
    ------
    ModelIdError
        When the folder holds no model.
    UnsafeWeightsError
        When it holds pickled weights only.
    WeightsMismatchError
        When the configuration has unknown or impossible values.
    """
    folder = Path(folder)
    config = read_model_config(folder, ENCODER)
    try:
        return Manifest.model_validate_json(json.dumps(config))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]
        )
        msg = (
            f"{folder / CONFIG_FILE} does not fit this version of the SDK ({problems}). Use the "
            "version that wrote it, or mend the file."
        )
        raise WeightsMismatchError(msg) from error


def load_model_folder(folder: Path) -> tuple[TwoScaleModel, Manifest]:
    """Load a model folder after all checks, in fp32 on the CPU, ready for inference.

    Raises
    ------
    WeightsError
        One of its subclasses, each naming the file and what to do.
    """
    manifest = read_manifest(folder)
    path = Path(folder) / WEIGHTS_FILE
    tensors = _read_tensors(path, read_weights(Path(folder), manifest.weights_sha256))
    model = TwoScaleModel(manifest.encoder)
    _check_names(path, tensors, model.state_dict())
    _require_finite(path, tensors)
    # Tensors stored in half precision are widened as they are copied.
    model.load_state_dict(tensors)
    model.eval()
    wanted = manifest.golden
    found = golden_vector(model, wanted.seed, wanted.size_px)
    if not np.allclose(found, wanted.vector_head, rtol=1e-3, atol=1e-4):
        msg = (
            f"{path} does not reproduce its golden output: expected {wanted.vector_head[:2]}..., "
            f"got {found[:2]}... The configuration belongs to other weights; copy the folder again."
        )
        raise WeightsMismatchError(msg)
    return model.to(memory_format=torch.channels_last), manifest


def _read_tensors(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        return load(data)
    except SafetensorError as error:
        msg = f"{path} is not a valid safetensors file ({error}). Copy the model folder again."
        raise WeightsCorruptError(msg) from error


def _require_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    bad = [name for name, value in tensors.items() if not value.isfinite().all()]
    if bad:
        msg = (
            f"{path} holds NaN or infinity in {len(bad)} tensors (first: {bad[0]}). Train or copy "
            "it again."
        )
        raise NonFiniteWeightsError(msg)


def _check_names(path: Path, found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    missing = sorted(set(wanted) - set(found))
    unknown = sorted(set(found) - set(wanted))
    kinds = [
        f"{name} {_kind(found[name])} instead of {_kind(wanted[name])}"
        for name in sorted(set(wanted) & set(found))
        if _kind(found[name]) != _kind(wanted[name])
    ]
    if missing or unknown or kinds:
        msg = (
            f"{path} does not fit its {CONFIG_FILE}: {len(missing)} tensors missing {missing[:5]}, "
            f"{len(unknown)} unknown {unknown[:5]}, {len(kinds)} of another kind {kinds[:5]}."
        )
        raise WeightsMismatchError(msg)


def _kind(tensor: Tensor) -> str:
    """Return what must agree: the shape, and whether the numbers are real or whole."""
    return f"{'real' if tensor.dtype in REAL else tensor.dtype} {tuple(tensor.shape)}"


def _smallest(value: Tensor) -> Tensor:
    value = value.detach().contiguous()
    if not value.is_floating_point() or value.abs().max() > HALF_MAX:
        return value
    half = value.half()
    return half if torch.equal(half.float(), value) else value
