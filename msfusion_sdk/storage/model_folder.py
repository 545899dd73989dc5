"""A model folder: ``config.json``, ``model.safetensors``, ``README.md`` (the model card).

Of an encoder and of a fusion estimator alike.  The configuration is sealed and pins the SHA-256
of the weights, which are safetensors and never a pickle.  The two formats of version 0.1.0 are
read for ever.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msfusion_sdk.errors import (
    ModelIdError,
    UnsafeWeightsError,
    WeightsCorruptError,
    WeightsMismatchError,
)
from msfusion_sdk.files import (
    FolderKind,
    entries_of,
    making,
    read_bytes,
    require_finished,
    store_bytes,
    store_text,
)
from msfusion_sdk.storage.records import RecordErrors, read_content, sealed

__all__ = [
    "CARD_FILE",
    "CONFIG_FILE",
    "ENCODER",
    "MODEL",
    "MODEL_ERRORS",
    "WEIGHTS_FILE",
    "fill_model_folder",
    "read_model_config",
    "read_model_format",
    "read_weights",
    "write_model",
]

CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "model.safetensors", "README.md"
MODEL = FolderKind(
    "model",
    (
        CONFIG_FILE,
        WEIGHTS_FILE,
        CARD_FILE,
        "training.json",
        "training_profile.parquet",
        "classifier.json",
        "context.safetensors",
        "detail.safetensors",
        "encoder",
    ),
    CONFIG_FILE,
    b'"weights_sha256"',
)
FORMAT = 2
ENCODER = "encoder"
"""The kind of model that makes slide vectors; the others are named by their class."""
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
# The zip archive that ``torch.save`` writes, and the pickle protocols 2 to 5.
PICKLE_MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
MODEL_ERRORS = RecordErrors(
    "Copy the model folder again.", damaged=WeightsCorruptError, newer=WeightsMismatchError
)


def write_model(
    folder: Path, kind: str, weights: bytes, config: Mapping[str, Any], card: str | None = None
) -> str:
    """Write a model folder, over the model in it if there is one; return the weights' SHA-256.

    Parameters
    ----------
    kind : str
        ``encoder``, or the class of an estimator.
    weights : bytes
        Safetensors.
    config : mapping
        Plain JSON: what else is needed to load the model.
    card : str, optional
        Markdown.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """
    with making(folder, MODEL) as staged:
        return fill_model_folder(staged, kind, weights, config, card)


def fill_model_folder(
    staged: Path, kind: str, weights: bytes, config: Mapping[str, Any], card: str | None = None
) -> str:
    """Write the files of a model where ``making`` prepares its folder; as ``write_model``."""
    digest = hashlib.sha256(weights).hexdigest()
    store_bytes(staged / WEIGHTS_FILE, weights)
    if card is not None:
        store_text(staged / CARD_FILE, card)
    content = {"format": FORMAT, "kind": kind, "weights_sha256": digest, **config}
    store_text(staged / CONFIG_FILE, sealed(content))
    return digest


def read_model_config(folder: Path, kind: str) -> dict[str, Any]:
    """Return what was given as ``config``, and ``weights_sha256``, verified.

    Raises
    ------
    ModelIdError
        When the folder holds no model.
    UnsafeWeightsError
        When it holds pickled weights only.
    WeightsCorruptError
        When the configuration is damaged.
    WeightsMismatchError
        When it is of another kind of model, or of a newer version.
    """
    require_finished(folder, WeightsCorruptError)
    path = folder / CONFIG_FILE
    if not (folder / WEIGHTS_FILE).is_file():
        pickles = [p.name for p in entries_of(folder) if p.suffix in PICKLE_SUFFIXES]
        # Before the configuration is read: a pickle is what its owner has to know of first.
        if pickles:
            raise _unsafe(folder / pickles[0])
    try:
        content = read_content(path, MODEL_ERRORS, version=FORMAT)
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = (
            f"{folder} is not a model folder: it has no {CONFIG_FILE}. Pass a folder made by "
            "save_pretrained, save, msfusion pretrain or msfusion train."
        )
        raise ModelIdError(msg) from error
    found = _kind(content)
    if found != kind:
        msg = f"{folder} holds {_named(found)}, and {_named(kind)} is needed. Pass its folder."
        raise WeightsMismatchError(msg)
    return {name: value for name, value in content.items() if name not in ("format", "kind")}


def read_model_format(folder: Path) -> int:
    """Return the format of a model folder; version 0.1.0 wrote format 1."""
    content = read_content(folder / CONFIG_FILE, MODEL_ERRORS, version=FORMAT)
    return int(content.get("format", 1))


def read_weights(folder: Path, sha256: object) -> bytes:
    """Return the weights, which must be those that the configuration pins.

    Raises
    ------
    UnsafeWeightsError, WeightsCorruptError
    """
    path = folder / WEIGHTS_FILE
    try:
        data = read_bytes(path)
    except FileNotFoundError as error:
        msg = f"{path} is missing. Copy the model folder again."
        raise WeightsCorruptError(msg) from error
    # Safetensors begins with eight bytes of any value and a brace; a pickle has none there.
    if data.startswith(PICKLE_MAGIC) and data[8:9] != b"{":
        raise _unsafe(path)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        msg = (
            f"{path} has SHA-256 {found[:12]}…, and {CONFIG_FILE} pins {str(sha256)[:12]}…. Copy "
            "the model folder again."
        )
        raise WeightsCorruptError(msg)
    return data


def _kind(content: Mapping[str, Any]) -> object:
    """Return the kind of model; format 1 says it by the keys it has."""
    if content.get("format", 1) > 1:
        return content.get("kind")
    return content.get("estimator", ENCODER if "encoder" in content else None)


def _named(kind: object) -> str:
    if kind is None:
        return "something else than a model"
    return "an encoder" if kind == ENCODER else f"a {kind}"


def _unsafe(path: Path) -> UnsafeWeightsError:
    return UnsafeWeightsError(
        f"{path} is a pickle, which can run any code when it is loaded, so it is refused. Ask its "
        "author for model.safetensors, or convert it where you trust it."
    )
