"""The golden output of a model: what its weights must answer to seeded noise."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from msfusion_sdk.config import EncoderConfig, FeatureNetworksConfig, FrozenConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.errors import WeightsMismatchError

__all__ = ["Golden", "golden_of", "golden_vector", "require_golden", "versions_of"]

CONFIG_FILE = "config.json"


class Golden(FrozenConfig):
    """An input made from a seed, and the first numbers the weights must answer with."""

    _added = frozenset({"versions"})

    seed: int = Field(0, ge=0)
    size_px: int = Field(128, ge=32, le=2048, multiple_of=2)
    vector_head: tuple[float, ...] = Field(min_length=8, max_length=8)
    versions: dict[str, str] = Field({}, description="that computed it")


def golden_vector(model: TwoScaleModel, seed: int, size_px: int) -> list[float]:
    """Return the first eight numbers of the vector of seeded noise, in fp32.

    Of the patch vector in a model of the method; of a tile's vector where a network is from
    elsewhere, whose five images of a patch may take a minute.
    """
    noise = np.random.default_rng(seed).integers(0, 256, (1, 3, size_px, size_px), dtype=np.uint8)
    seen = model.detail.features if model.attended() else model
    images = torch.from_numpy(noise).to(next(seen.buffers()).device)
    with torch.inference_mode():
        vector = seen(images).vectors[0]
    return [float(v) for v in vector[:8]]


def require_golden(path: Path, model: TwoScaleModel, wanted: Golden) -> None:
    """Raise unless a model answers seeded noise with its golden output.

    Raises
    ------
    WeightsMismatchError
    """
    found = _padded(golden_vector(model, wanted.seed, wanted.size_px))
    # Wide enough for another order of sums on another processor, too narrow for other weights.
    if not np.allclose(found, wanted.vector_head, rtol=1e-3, atol=1e-4):
        msg = (
            f"{path} does not reproduce its golden output: expected {wanted.vector_head[:2]}..., "
            f"got {found[:2]}... The configuration belongs to other weights; copy the folder again."
        )
        raise WeightsMismatchError(msg)


def golden_of(model: TwoScaleModel, config: EncoderConfig) -> Golden:
    """Return the golden output of a model: what ``require_golden`` asks for when it is loaded."""
    if not model.attended():
        return Golden(vector_head=tuple(golden_vector(model, 0, 128)))
    edge = config.patches.tile_size_px
    head = _padded(golden_vector(model.eval(), 0, edge))
    return Golden(size_px=edge, vector_head=head, versions=versions_of(config))


def _padded(head: list[float]) -> tuple[float, ...]:
    """Return eight numbers, as the manifest wants: a network may have fewer features."""
    return (*head, *[0.0] * (8 - len(head)))


def versions_of(config: EncoderConfig) -> dict[str, str]:
    """Return the versions of what computes networks from elsewhere; none in a model of ours."""
    if not isinstance(config.network, FeatureNetworksConfig):
        return {}
    sources = {facts.source for facts in config.network.facts().values()}
    names = ["torch", *sorted(sources & {"timm", "torchvision"})]
    if "program" in sources:
        names.append("openvino")
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
