"""Two networks, a geometry and an attention become a model and its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError

from msfusion_sdk.config import (
    AttentionConfig,
    AttentionFusionConfig,
    EncoderConfig,
    FeatureNetworksConfig,
    NetworkFacts,
    PatchConfig,
    Readout,
    Score,
    Summary,
)
from msfusion_sdk.encoder.networks.attended import AttendedNetwork, MapAttention
from msfusion_sdk.encoder.networks.contract import FeatureNetwork
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.sources.checks import require_fitting, require_spacing
from msfusion_sdk.encoder.sources.known import known_network
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.encoder.sources.opening import Opened, open_network
from msfusion_sdk.encoder.sources.probing import Probe, length_of, probe
from msfusion_sdk.errors import NetworkFactsError

__all__ = ["Assembled", "Assembly", "assemble", "attend"]

SMALL_GRID = 14
"""Places per edge below which the attention's window is 3 and not 7."""


@dataclass(frozen=True, eq=False)
class Assembly:
    """What ``SlideEncoder.from_networks`` was asked for, apart from the networks.

    Its arguments of these names say what each is.
    """

    preset: str | None = None
    target_mpp: float | None = None
    allow_mpp: float | None = None
    geometry: Mapping[str, object] | None = None
    readout: Readout | None = None
    score: Score = "none"
    summary: Summary = "projected"
    name: str | None = None


@dataclass(frozen=True, eq=False)
class Assembled:
    """A model, its settings, and the networks as they were opened, by scale."""

    model: TwoScaleModel
    config: EncoderConfig
    opened: dict[str, Opened]


def assemble(
    detail: NetworkSpec,
    context: NetworkSpec | None,
    asked: Assembly,
    *,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Assembled:
    """Open the networks, check that everything fits, and put the model together.

    Parameters
    ----------
    context : NetworkSpec, optional
        Its source may be 'same': the network of the tiles.

    Raises
    ------
    WeightsError
        One of its subclasses, each with what to do.
    ShapeError
        When a network does not give what its facts say.
    """
    preset = known_network(asked.preset) if asked.preset else None
    where: dict[str, Any] = {"cache_dir": cache_dir, "local_files_only": local_files_only}
    known = preset.facts() if preset else None
    opened = {"detail": open_network(detail, known=known, **where)}
    is_shared = context is not None and context.source == "same"
    if is_shared:
        opened["context"] = opened["detail"]
    elif context is not None:
        opened["context"] = open_network(context, known=known, **where)
    if asked.readout is not None:
        opened = _with_readout(opened, asked.readout)
    facts = opened["detail"].facts
    mpp = require_spacing(facts, asked.target_mpp, asked.allow_mpp)
    patches = _geometry(facts, opened.get("context"), mpp, asked.geometry)
    probes = {
        scale: probe(found.network, _edge(patches, scale, found.facts))
        for scale, found in opened.items()
    }
    # The sizes are looked up by running shapes, not trusted: facts can be wrong.
    config = _config(opened, probes, patches, asked, is_shared=is_shared)
    require_fitting(config)
    networks = attend({scale: found.network for scale, found in opened.items()}, config, probes)
    return Assembled(TwoScaleModel(config, networks).eval(), config, opened)


def attend(
    backbones: Mapping[str, FeatureNetwork],
    config: EncoderConfig,
    probes: Mapping[str, Probe] | None = None,
) -> dict[str, AttendedNetwork]:
    """Return each backbone with an attention that was not trained, the same in every process."""
    network = config.network
    assert isinstance(network, FeatureNetworksConfig)
    found = {}
    # The caller's own random numbers go on as if nothing had been drawn here.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # In a fixed order, since the weights are drawn one after the other.
        for scale in sorted(backbones):
            edge = _edge(config.patches, scale, backbones[scale].facts)
            sizes = probes[scale] if probes else probe(backbones[scale], edge)
            channels = sizes.channels
            attention = None if channels is None else MapAttention(channels, network.attention)
            found[scale] = AttendedNetwork(backbones[scale], attention)
    return found


def _with_readout(opened: dict[str, Opened], readout: Readout) -> dict[str, Opened]:
    """Change the readout of all networks, and the lengths that follow from it."""
    # Each once: both scales may share a network.
    for found in dict.fromkeys(opened.values()):
        network = found.network
        network.facts = network.facts.model_copy(update={"readout": readout})
        length = length_of(network, network.facts.image_px)
        network.facts = network.facts.model_copy(update={"features": length})
    return opened


def _edge(patches: PatchConfig, scale: str, facts: NetworkFacts) -> int:
    edge = patches.tile_size_px if scale == "detail" else patches.context_size_px
    # A size that does not fit is refused later, with a better message than the network's.
    return edge if facts.takes(edge) else facts.image_px


def _geometry(
    facts: NetworkFacts, context: Opened | None, mpp: float, given: Mapping[str, object] | None
) -> PatchConfig:
    edge = facts.image_px if context is None else 2 * facts.image_px
    usual: dict[str, object] = {"patch_size_px": edge, "target_mpp": mpp}
    if context is None:
        usual |= {"tiles": 1, "single_scale": True}
    elif not context.facts.takes(facts.image_px) and edge % context.facts.image_px == 0:
        usual["context_px"] = context.facts.image_px
    fields = {**usual, **(given or {})}
    # Side by side: the stride of the method belongs to the patch size of the method.
    fields.setdefault("stride_px", fields["patch_size_px"])
    try:
        return PatchConfig.model_validate(fields)
    except ValidationError as error:
        msg = f"The geometry {dict(fields)} cannot be used: {_problems(error)}"
        raise NetworkFactsError(msg) from error


def _problems(error: ValidationError) -> str:
    return "; ".join(str(f["msg"]).removeprefix("Value error, ") for f in error.errors()[:3])


def _config(
    opened: Mapping[str, Opened],
    probes: Mapping[str, Probe],
    patches: PatchConfig,
    asked: Assembly,
    *,
    is_shared: bool,
) -> EncoderConfig:
    grids = [sizes.grid for sizes in probes.values() if sizes.grid is not None]
    # A window of 7 over a small grid would see nothing but its border.
    kernel: Literal[3, 7] = 3 if not grids or min(grids) < SMALL_GRID else 7
    detail, context = opened["detail"].facts, opened.get("context")
    network = FeatureNetworksConfig(
        detail=detail,
        context=None if context is None else context.facts,
        shared=is_shared,
        attention=AttentionConfig(summary=asked.summary, kernel=kernel),
    )
    # Built field by field: an untrained attention is refused by its own error.
    fusion = AttentionFusionConfig(score=asked.score)
    name = asked.name or detail.name
    try:
        return EncoderConfig(name=name, patches=patches, network=network, fusion=fusion)
    except ValidationError as error:
        msg = f"{name} cannot be put together as asked: {_problems(error)}"
        raise NetworkFactsError(msg) from error
