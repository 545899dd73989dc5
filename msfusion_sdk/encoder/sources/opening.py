"""A source of a network to the network itself, with all its facts and its weights checked."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from msfusion_sdk.config import Licence, NetworkFacts, WeightsFacts
from msfusion_sdk.encoder.kinds.modules import ModuleNetwork
from msfusion_sdk.encoder.kinds.programs import open_program, program_sha256
from msfusion_sdk.encoder.kinds.skipped_init import skipped_init
from msfusion_sdk.encoder.kinds.timm_networks import TimmNetwork, build_timm, timm_statistics
from msfusion_sdk.encoder.kinds.torchvision_networks import (
    TorchvisionNetwork,
    build_torchvision,
    torchvision_statistics,
)
from msfusion_sdk.encoder.networks.contract import FeatureNetwork
from msfusion_sdk.encoder.sources.hub_files import download_network, require_commit
from msfusion_sdk.encoder.sources.known import known_by_hub
from msfusion_sdk.encoder.sources.naming import (
    Named,
    NetworkSpec,
    checked_facts,
    name_of_source,
)
from msfusion_sdk.encoder.sources.registry import load_network
from msfusion_sdk.encoder.sources.weight_files import (
    file_sha256,
    load_weights,
    module_sha256,
    require_safetensors,
)
from msfusion_sdk.errors import NetworkFactsError, UnpinnedWeightsError, WeightsCorruptError

__all__ = ["Opened", "build_from_file", "open_network"]

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@dataclass(frozen=True, eq=False)
class Opened:
    """A network with its facts, and where it can be had again."""

    network: FeatureNetwork
    source: str | None
    """As in ``NetworkSpec``; None for a module, which only its owner has."""
    file: Path | None
    """The file of weights; None where the network is no such file."""

    @property
    def facts(self) -> NetworkFacts:
        """The facts of the network, its weights among them."""
        return self.network.facts


def open_network(
    spec: NetworkSpec,
    *,
    known: NetworkFacts | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Opened:
    """Return a network ready for inference on the CPU, in the precision of its weights.

    Parameters
    ----------
    known : NetworkFacts, optional
        What a preset says; ``spec.facts`` come first, then these, then the source's own.

    Raises
    ------
    WeightsError
        One of its subclasses, each with what to do.
    MissingExtraError
        When a library is not installed.
    """
    # The caller's word goes before a preset's.
    facts = spec.facts or known
    if isinstance(spec.source, nn.Module):
        return Opened(_of_module(spec.source, facts), None, None)
    named = name_of_source(spec.source)
    if named.kind == "plugin":
        network = load_network(named.name)
        return Opened(_with_weights(network, "installed package"), str(spec.source), None)
    if named.kind == "program":
        return _of_program(Path(named.name), facts)
    if named.kind in ("hub", "timm") and (named.revision or spec.weights is None):
        return _of_hub(named, facts, cache_dir, local_files_only)
    if named.kind == "folder":
        return _of_folder(Path(named.name), facts, str(spec.source), "folder", None)
    if spec.weights is None:
        msg = f"{spec.source} names an architecture. Give its weights, a safetensors file: weights="
        raise UnpinnedWeightsError(msg)
    file = require_safetensors(Path(spec.weights))
    given = {} if facts is None else facts.model_dump(exclude_none=True)
    architecture = {"source": named.kind, "architecture": named.name}
    network = _built({**given, **architecture}, file, "file", None)
    return Opened(network, str(spec.source), file)


def _of_module(module: nn.Module, facts: NetworkFacts | None) -> FeatureNetwork:
    if isinstance(module, FeatureNetwork):
        return _with_weights(module, "module")
    if facts is None:
        msg = (
            f"A {type(module).__name__} does not say what images it takes. Pass facts=NetworkFacts("
            "name=…, image_px=…, pixel_mean=…, pixel_std=…, features=…, readout=…, mpp=…)."
        )
        raise NetworkFactsError(msg)
    facts = facts.model_copy(update={"source": "module"})
    return _with_weights(ModuleNetwork(facts, module.eval()), "module")


def _with_weights(network: FeatureNetwork, origin: str) -> FeatureNetwork:
    """Note the SHA-256 of a network's tensors in its facts, unless its author has stated one."""
    if network.facts.weights is None:
        weights = WeightsFacts(sha256=module_sha256(network), origin=origin)
        network.facts = network.facts.model_copy(update={"weights": weights})
    return network.eval()


def _of_program(path: Path, facts: NetworkFacts | None) -> Opened:
    if facts is None:
        msg = f"{path.name} does not say how its pixels are normalised. Pass facts=NetworkFacts(…)."
        raise NetworkFactsError(msg)
    # A program is its operations as well: both are in the digest.
    weights = WeightsFacts(sha256=program_sha256(path), origin="file")
    facts = facts.model_copy(update={"source": "program", "weights": weights})
    return Opened(open_program(path, facts), str(path), None)


def _of_hub(
    named: Named, facts: NetworkFacts | None, cache_dir: str | Path | None, local_only: bool
) -> Opened:
    repository = named.name if named.kind == "hub" else f"timm/{named.name}"
    revision = require_commit(repository, named.revision)
    folder = download_network(
        repository, revision, cache_dir=cache_dir, local_files_only=local_only
    )
    known = known_by_hub(repository)
    facts = facts or (known.facts() if known else None)
    source = f"hf-hub:{repository}@{revision}"
    return _of_folder(folder, facts, source, f"hf-hub:{repository}", revision)


def _of_folder(
    folder: Path, facts: NetworkFacts | None, source: str, origin: str, revision: str | None
) -> Opened:
    """Open a folder as timm writes it: ``config.json`` and ``model.safetensors``."""
    config = _config(folder)
    known = {} if facts is None else facts.model_dump(exclude_none=True)
    arguments = {**config.get("model_args", {}), **known.get("arguments", {})}
    pretrained = config.get("pretrained_cfg", {})
    stated = {
        "pixel_mean": pretrained.get("mean"),
        "pixel_std": pretrained.get("std"),
        "licence": _licence(pretrained.get("license"), origin),
    }
    fields = {
        **{name: value for name, value in stated.items() if value is not None},
        # What a preset or the caller says goes before what the folder says of itself.
        **known,
        "source": "timm",
        "architecture": known.get("architecture") or config["architecture"],
        "arguments": arguments,
    }
    file = require_safetensors(folder / WEIGHTS)
    return Opened(_built(fields, file, origin, revision), source, file)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        msg = (
            f"{folder} has no {CONFIG}, so nothing says what its weights are. Write timm:NAME or "
            "torchvision:NAME with weights= and the file of weights."
        )
        raise WeightsCorruptError(msg)
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        msg = f"{path} is damaged ({error}). Copy the folder again."
        raise WeightsCorruptError(msg) from error
    if "architecture" not in config:
        kind = config.get("model_type", "another kind")
        msg = (
            f"{path} describes {kind} and names no architecture of timm. Load it with its own "
            "library, transformers say, and pass the module with facts=."
        )
        raise NetworkFactsError(msg)
    return config


def _licence(name: Any, origin: str) -> dict[str, Any] | None:
    url = f"https://huggingface.co/{origin.removeprefix('hf-hub:')}" if ":" in origin else ""
    # What a licence allows is not read from its name: unknown is no.
    return Licence(name=str(name), url=url).model_dump() if name else None


def _built(
    fields: dict[str, Any],
    file: Path,
    origin: str,
    revision: str | None,
) -> FeatureNetwork:
    """Build an architecture, map the weights of a file into it and complete its facts."""
    architecture, is_timm = fields["architecture"], fields["source"] == "timm"
    module = _module(is_timm, architecture, fields.get("arguments", {}))
    own = timm_statistics(module) if is_timm else torchvision_statistics(architecture, module)
    load_weights(module, file)
    weights = WeightsFacts(sha256=file_sha256(file), origin=origin, revision=revision)
    # From the least to the most reliable: later ones replace earlier ones.
    facts = checked_facts({"name": architecture, **own, **fields, "weights": weights})
    # Copies go with a model only where the licence says that they may.
    carried = weights.model_copy(update={"carried": facts.may_be_shared})
    facts = facts.model_copy(update={"weights": carried})
    return (TimmNetwork if is_timm else TorchvisionNetwork)(facts, module).eval()


def _module(is_timm: bool, architecture: str, arguments: dict[str, Any]) -> nn.Module:
    with skipped_init():
        return (build_timm if is_timm else build_torchvision)(architecture, arguments)


def build_from_file(facts: NetworkFacts, file: Path) -> FeatureNetwork:
    """Return a network whose facts are complete, with the weights of a file that was verified."""
    is_timm = facts.source == "timm"
    module = _module(is_timm, facts.architecture, facts.arguments)
    load_weights(module, file)
    return (TimmNetwork if is_timm else TorchvisionNetwork)(facts, module).eval()
