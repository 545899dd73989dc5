"""The model folder of an encoder.

Weights are checked before they are used: no pickle, the pinned SHA-256, the exact names
and shapes, finite values, and a golden output that they must reproduce.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from msfusion_sdk.config import EncoderConfig, FeatureNetworksConfig, FrozenConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.base_model import Base, base_folder
from msfusion_sdk.encoder.weights.golden import Golden, golden_of, require_golden, versions_of
from msfusion_sdk.encoder.weights.references import Given, Place, carry, find_networks
from msfusion_sdk.errors import (
    NonFiniteWeightsError,
    WeightsCorruptError,
    WeightsMismatchError,
)
from msfusion_sdk.files import making
from msfusion_sdk.storage.model_folder import (
    CONFIG_FILE,
    ENCODER,
    MODEL,
    WEIGHTS_FILE,
    fill_model_folder,
    read_model_config,
    read_weights,
)

__all__ = [
    "Golden",
    "Manifest",
    "load_model_folder",
    "model_fingerprint",
    "read_manifest",
    "weights_bytes",
    "write_model_folder",
]

# The largest finite number of half precision.
HALF_MAX = 65_504.0
REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Manifest(FrozenConfig):
    """What ``config.json`` holds."""

    _added = frozenset({"places", "base"})

    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    golden: Golden
    encoder: EncoderConfig
    places: dict[str, Place] = Field({}, description="where networks by reference are")
    base: Base | None = Field(None, description="the model of the package that this one changes")


def model_fingerprint(weights_sha256: str, config: EncoderConfig) -> str:
    """Return the SHA-256 over weights and settings: equal ones give comparable vectors."""
    return hashlib.sha256(f"{weights_sha256}:{config.digest()}".encode()).hexdigest()


def weights_bytes(model: TwoScaleModel) -> bytes:
    """Return the tensors that belong to a model as a safetensors file."""
    return save({name: _smallest(value.cpu()) for name, value in model.own_state().items()})


def write_model_folder(
    folder: Path,
    model: TwoScaleModel,
    config: EncoderConfig,
    card: str,
    places: Mapping[str, Place] | None = None,
) -> Manifest:
    """Write a model folder and return its manifest.

    Tensors that half precision represents exactly are stored in it; the others as they
    are.

    Parameters
    ----------
    places : mapping, optional
        By scale, where networks from elsewhere are.  Files that may be shared are copied.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """
    is_foreign = isinstance(config.network, FeatureNetworksConfig)
    if not is_foreign:
        # A copy, because the caller's model may be in training, or on a GPU.
        model = copy.deepcopy(model).cpu().eval()
    weights, golden = weights_bytes(model), golden_of(model, config)
    settings = {"golden": golden.model_dump(), "encoder": json.loads(config.model_dump_json())}
    with making(Path(folder), MODEL) as staged:
        placed = carry(staged, config, places or {}) if is_foreign else {}
        if placed:
            settings["places"] = {scale: place.model_dump() for scale, place in placed.items()}
        digest = fill_model_folder(staged, ENCODER, weights, settings, card)
    return Manifest(weights_sha256=digest, golden=golden, encoder=config, places=placed)


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
            "version that wrote it, or correct the file."
        )
        raise WeightsMismatchError(msg) from error


def load_model_folder(
    folder: Path, networks: Given | None = None, *, local_files_only: bool = False
) -> tuple[TwoScaleModel, Manifest]:
    """Load a model folder after all checks, in fp32 on the CPU, ready for inference.

    Parameters
    ----------
    networks : mapping, optional
        By scale, where networks are that the folder holds by reference, or the modules.
    local_files_only : bool
        Never use the network to find them.

    Raises
    ------
    WeightsError
        One of its subclasses, each naming the file and what to do.
    """
    manifest = read_manifest(folder)
    path = Path(folder) / WEIGHTS_FILE
    tensors = _all_tensors(Path(folder), manifest)
    found = dict[str, Any]()
    if isinstance(manifest.encoder.network, FeatureNetworksConfig):
        found, places = find_networks(
            manifest.encoder,
            manifest.places,
            folder=Path(folder),
            given=networks,
            local_files_only=local_files_only,
        )
        manifest = manifest.model_copy(update={"places": places})
    model = TwoScaleModel(manifest.encoder, found)
    _check_names(path, tensors, model.own_state())
    # One NaN would make every vector NaN, and only where a patch reaches it.
    _require_finite(path, tensors)
    # Tensors stored in half precision are widened as they are copied.
    # Not strict where backbones are frozen: they come from elsewhere, the names are checked above.
    model.load_state_dict(tensors, strict=not model.attended())
    model.eval()
    wanted = manifest.golden
    if wanted.versions and wanted.versions == versions_of(manifest.encoder):
        # Weights and programs are the same, and a ViT-L would compute for seconds.
        return model, manifest
    require_golden(path, model, wanted)
    return model if found else model.to(memory_format=torch.channels_last), manifest


def _all_tensors(folder: Path, manifest: Manifest) -> dict[str, Tensor]:
    """Return the tensors of a model, those of its base with them."""
    path, base = folder / WEIGHTS_FILE, manifest.base
    if base is None:
        return _read_tensors(path, read_weights(folder, manifest.weights_sha256))
    changed = _read_tensors(path, read_weights(folder, base.changed_sha256))
    below = base_folder(folder, base)
    tensors = _all_tensors(below, read_manifest(below)) | changed
    # The digest of all of them, as they would stand in one file.
    if hashlib.sha256(save(tensors)).hexdigest() != manifest.weights_sha256:
        msg = f"{path} does not complete {base.model} to the model that its {CONFIG_FILE} pins."
        raise WeightsMismatchError(msg + " Install this version of the SDK again.")
    return tensors


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
    # Exactly or not at all: fewer bytes must not change a vector.
    half = value.half()
    return half if torch.equal(half.float(), value) else value
