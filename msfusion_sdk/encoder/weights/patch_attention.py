"""Attention over patches in the model folder of an encoder: ``attention.safetensors``."""

import hashlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from msfusion_sdk.bags.learned import LearnedAttention
from msfusion_sdk.config import PatchAttentionConfig
from msfusion_sdk.errors import NonFiniteWeightsError, WeightsCorruptError, WeightsMismatchError
from msfusion_sdk.files import read_bytes, store_bytes

__all__ = ["ATTENTION_FILE", "attention_config", "read_attention", "write_attention"]

ATTENTION_FILE = "attention.safetensors"


def attention_config(attention: LearnedAttention) -> PatchAttentionConfig:
    """Return the settings by which an encoder knows its attention again."""
    digest = hashlib.sha256(_bytes(attention)).hexdigest()
    return PatchAttentionConfig(head=attention.kind, sha256=digest)


def write_attention(folder: Path, attention: LearnedAttention) -> None:
    """Write the file into a model folder.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    store_bytes(folder / ATTENTION_FILE, _bytes(attention))


def read_attention(folder: Path, config: PatchAttentionConfig) -> LearnedAttention:
    """Return the attention of a model folder.

    Raises
    ------
    WeightsCorruptError
        When the file is missing, or not the one that the configuration pins.
    WeightsMismatchError, NonFiniteWeightsError
        When it does not hold such an attention.
    """
    path = folder / ATTENTION_FILE
    try:
        data = read_bytes(path)
    except FileNotFoundError as error:
        msg = f"{path} is missing. Copy the model folder again."
        raise WeightsCorruptError(msg) from error
    found = hashlib.sha256(data).hexdigest()
    if found != config.sha256:
        msg = (
            f"{path} has SHA-256 {found[:12]}…, and config.json pins {config.sha256[:12]}…. Copy "
            "the model folder again."
        )
        raise WeightsCorruptError(msg)
    try:
        arrays = load(data)
        attention = LearnedAttention.from_arrays(config.head, arrays)
    except (SafetensorError, KeyError, RuntimeError) as error:
        msg = f"{path} holds no attention with a {config.head!r} head ({error})."
        raise WeightsMismatchError(msg) from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        msg = f"{path} holds NaN or infinity. Train the attention again."
        raise NonFiniteWeightsError(msg)
    return attention


def _bytes(attention: LearnedAttention) -> bytes:
    data: bytes = save({n: np.ascontiguousarray(v) for n, v in attention.arrays().items()})
    return data
