"""Networks from elsewhere in OpenVINO, where conversion works and the numbers agree; else torch.

A graph that OpenVINO made of a network's weights is kept in the cache folder, under the SHA-256 of
the weights and the versions of all that made it; of weights that may not be shared nothing is
written anywhere.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from msfusion_sdk.encoder.backends.compiled import CompiledNetwork
from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork, joined
from msfusion_sdk.files import storing

__all__ = ["Converted", "cache_folder", "converted", "difference"]

EXACT = 1e-3
"""Largest relative difference from torch in fp32; what another order of sums makes is 1e-5."""
USABLE = 0.3
"""Largest relative difference of a number format; a conversion that went wrong is far beyond."""
LARGE_BYTES = 10**9
"""Of weights, from which they stay in torch, mapped: workers share one copy of them there, and
each would hold two of its own in OpenVINO, which gains least on such networks."""


@dataclass(frozen=True, eq=False)
class Converted:
    """What computes a network, and how it was chosen."""

    network: FeatureNetwork
    backend: str
    """'openvino' or 'torch'."""
    difference: float
    """Of its vectors from those of torch in fp32, relative; of seeded noise."""
    remark: str = ""
    """Why it is torch."""


def cache_folder() -> Path:
    """Return where converted graphs are kept: ``MSFUSION_CACHE``, or below the user's cache."""
    own = os.environ.get("MSFUSION_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msfusion_sdk"


def converted(network: FeatureNetwork, edge_px: int, precision: str) -> Converted:
    """Return a network ready for the CPU in a precision, in OpenVINO where it agrees with torch.

    Parameters
    ----------
    edge_px : int
        Of the images that it will be given.
    precision : str
        'fp32' or 'bf16'.
    """
    images = probe_images(edge_px)
    if isinstance(network, CompiledNetwork):  # a file of operations, which torch cannot run
        chosen = network.with_precision(precision)
        return Converted(chosen, "openvino", difference(network, chosen, images))
    size = sum(value.nbytes for value in network.parameters())
    if size >= LARGE_BYTES:
        return _torch(network, precision, images, f"{size / 1e9:.1f} GB of weights stay mapped")
    try:
        exact = _in_openvino(network, edge_px)
        found = difference(network, exact, images)
    # Converting fails in as many ways as there are operations.
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
        return _torch(network, precision, images, f"{type(error).__name__}: {reason}")
    # Written so that NaN, which compares with nothing, does not pass.
    if not found <= EXACT:
        return _torch(network, precision, images, f"OpenVINO differs by {found:.2g} in fp32")
    if precision == "fp32":
        return Converted(exact, "openvino", found)
    rounded = exact.with_precision(precision)
    found = difference(network, rounded, images)
    if not found <= USABLE:
        return _torch(network, precision, images, f"OpenVINO differs by {found:.2g} in {precision}")
    return Converted(rounded, "openvino", found)


def probe_images(edge_px: int) -> Tensor:
    """Return three images of seeded noise, bytes: fine grain, and coarse blots as tissue has them.

    One more than a converter is shown, so that a batch that it took for fixed is noticed.
    """
    rng = np.random.default_rng(0)
    fine = rng.integers(0, 256, (2, 3, edge_px, edge_px), dtype=np.uint8)
    blots = torch.from_numpy(rng.integers(60, 250, (1, 3, 8, 8)).astype(np.float32))
    coarse = nn.functional.interpolate(blots, size=(edge_px, edge_px), mode="bilinear")
    return torch.cat([torch.from_numpy(fine), coarse.round().to(torch.uint8)])


@torch.inference_mode()
def difference(first: FeatureNetwork, second: FeatureNetwork, images: Tensor) -> float:
    """Return the largest distance of two networks' vectors of an image over their length."""
    wanted, found = (joined(network.maps(images), network.facts) for network in (first, second))
    return float(((found - wanted).norm(dim=1) / wanted.norm(dim=1).clamp_min(1e-12)).max())


def _torch(network: FeatureNetwork, precision: str, images: Tensor, remark: str) -> Converted:
    found = 0.0
    if precision != "fp32":
        with torch.inference_mode():
            wanted = joined(network.maps(images), network.facts)
            with torch.autocast("cpu", torch.bfloat16):
                rounded = joined(network.maps(images), network.facts)
        found = float(((rounded - wanted).norm(dim=1) / wanted.norm(dim=1)).max())
    return Converted(network, "torch", found, remark)


class _Outputs(nn.Module):
    """A network as a converter wants it: a tuple of what is there."""

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps: FeatureMaps = self.network(images)
        return tuple(value for value in maps if value is not None)


def _in_openvino(network: FeatureNetwork, edge_px: int) -> CompiledNetwork:
    with torch.inference_mode():
        one = network.maps(torch.zeros(1, 3, edge_px, edge_px))
    read = partial(_read, one.map is not None, one.pooled is not None)
    make = _kept(network, edge_px) if network.facts.may_be_shared else _once(network, edge_px)
    return CompiledNetwork(network.facts, make, read, normalises=True)


def _read(has_map: bool, has_pooled: bool, outputs: list[Tensor]) -> FeatureMaps:
    there = iter(outputs)
    return FeatureMaps(next(there) if has_map else None, next(there) if has_pooled else None)


def _once(network: FeatureNetwork, edge_px: int) -> Callable[[], Any]:
    """Return what gives the graph, converted one time in this process."""
    graphs: list[Any] = []

    def make() -> Any:
        if not graphs:
            graphs.append(_convert(network, edge_px))
        return graphs[0]

    return make


def _kept(network: FeatureNetwork, edge_px: int) -> Callable[[], Any]:
    """Return what gives the graph: from the cache folder, where it is put the first time."""
    names = ("torch", "openvino", *({network.facts.source} & {"timm", "torchvision"}))
    versions = {name: version(name) for name in names}
    key = json.dumps([network.facts.identity(), edge_px, versions], sort_keys=True)
    path = cache_folder() / "graphs" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.xml"

    def make() -> Any:
        openvino = import_openvino()
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The weights first: the .xml is what says that both are there.
            with storing(path.with_suffix(".bin")) as weights, storing(path) as program:
                # By default OpenVINO rounds the weights to half precision.
                openvino.save_model(_convert(network, edge_px), program, compress_to_fp16=False)
                program.with_suffix(".bin").replace(weights)
        return openvino.Core().read_model(path)

    return make


def _convert(network: FeatureNetwork, edge_px: int) -> Any:
    openvino = import_openvino()
    # Two images: from a batch of one a tracer may conclude that it is always one.
    example = torch.zeros(2, 3, edge_px, edge_px)
    with warnings.catch_warnings(), torch.no_grad():
        # Tracing warns of each size that it takes for fixed, and only the batch is not.
        warnings.simplefilter("ignore")
        return openvino.convert_model(
            _Outputs(network).eval(), example_input=example, input=[-1, 3, edge_px, edge_px]
        )
