"""Where networks from elsewhere are: found again, verified, carried along or left where they are.

Weights that may not be shared are never copied: a model folder names them by repository, commit
and SHA-256, and holds the attention and the classifier alone.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from msfusion_sdk.config import EncoderConfig, FeatureNetworksConfig, FrozenConfig, NetworkFacts
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.contract import FeatureNetwork
from msfusion_sdk.encoder.sources.assembling import attend
from msfusion_sdk.encoder.sources.hub_files import download_network
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.encoder.sources.opening import Opened, build_from_file, open_network
from msfusion_sdk.encoder.sources.weight_files import file_sha256
from msfusion_sdk.errors import ModelIdError, WeightsChangedError
from msfusion_sdk.files import storing

__all__ = ["Place", "carry", "find_networks", "place_of"]

Given = Mapping[str, NetworkSpec | str | Path | nn.Module]


class Place(FrozenConfig):
    """Where a network was opened from, on this machine; no part of its identity."""

    source: str | None = None
    """As ``NetworkSpec`` takes it; None for a module, which only its owner has."""
    file: str | None = None
    """The file of weights, absolute, or relative to the model folder that carries it."""
    size_bytes: int = 0
    mtime_ns: int = 0

    def is_as_it_was(self, file: Path) -> bool:
        """Return whether the file has the size and the time that it had when it was hashed."""
        status = file.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size_bytes, self.mtime_ns)


def place_of(opened: Opened) -> Place:
    """Return where a network is."""
    if opened.file is None:
        source = opened.source
        is_path = source is not None and Path(source).is_file()
        return Place(source=str(Path(source).absolute()) if is_path and source else source)
    status = opened.file.stat()
    return Place(
        source=opened.source,
        file=str(opened.file.absolute()),
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
    )


def carry(folder: Path, config: EncoderConfig, places: Mapping[str, Place]) -> dict[str, Place]:
    """Copy the files of weights that may be shared into a model folder; return the new places.

    Raises
    ------
    StoreError
        When they cannot be written.
    """
    assert isinstance(config.network, FeatureNetworksConfig)
    found: dict[str, Place] = {}
    for scale, facts in config.network.facts().items():
        place = places[scale]
        if facts.weights is None or not facts.weights.carried or place.file is None:
            found[scale] = place
        elif scale == "context" and config.network.shared:
            found[scale] = _copied(folder, "detail", place)
        else:
            found[scale] = _copied(folder, scale, place)
    return found


def _copied(folder: Path, scale: str, place: Place) -> Place:
    assert place.file is not None
    target = folder / f"{scale}.safetensors"
    # Saving a model into the folder it was loaded from would copy a file onto itself.
    if not (target.exists() and target.samefile(place.file)):
        with storing(target) as temporary:
            shutil.copyfile(place.file, temporary)
    return Place(source=place.source, file=target.name)


def find_networks(
    config: EncoderConfig,
    places: Mapping[str, Place],
    *,
    folder: Path | None = None,
    given: Given | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> tuple[dict[str, AttendedNetwork], dict[str, Place]]:
    """Return the networks of a configuration, each verified, and where they were found.

    Parameters
    ----------
    folder : Path, optional
        Of the model, to which the places of carried files are relative.
    given : mapping, optional
        By scale, where the caller says a network is, or the module itself.

    Raises
    ------
    WeightsChangedError
        When what is found has other weights.
    WeightsError
        When it is not found.
    """
    network = config.network
    assert isinstance(network, FeatureNetworksConfig)
    where: dict[str, Any] = {"cache_dir": cache_dir, "local_files_only": local_files_only}
    backbones: dict[str, FeatureNetwork] = {}
    now: dict[str, Place] = {}
    for scale, facts in sorted(network.facts().items(), reverse=True):  # detail first
        if scale == "context" and network.shared:
            backbones[scale], now[scale] = backbones["detail"], now["detail"]
            continue
        if given and scale in given:
            opened = _given(given[scale], facts, where)
            backbones[scale], now[scale] = opened.network, place_of(opened)
        else:
            place = places.get(scale, Place())
            backbones[scale], now[scale] = _found(scale, facts, place, folder, where)
    return attend(backbones, config), now


def _given(given: NetworkSpec | str | Path | nn.Module, facts: NetworkFacts, where: Any) -> Opened:
    spec = given if isinstance(given, NetworkSpec) else NetworkSpec(given)
    # By the facts of the model, not by what the source tells of itself today.
    opened = open_network(NetworkSpec(spec.source, spec.weights, facts), **where)
    _require_weights(facts, opened.facts)
    opened.network.facts = facts
    return opened


def _found(
    scale: str, facts: NetworkFacts, place: Place, folder: Path | None, where: Any
) -> tuple[FeatureNetwork, Place]:
    file = None if place.file is None else (folder or Path()) / place.file
    if file is not None and not file.is_file():
        file = _downloaded(facts, where)
    if file is not None and facts.source in ("timm", "torchvision"):
        # Gigabytes are hashed only when size or time have changed.
        if not place.is_as_it_was(file) and file_sha256(file) != _sha256(facts):
            raise _changed(facts)
        network = build_from_file(facts, file)
        return network, place_of(Opened(network, place.source, file))
    if place.source is None or place.file is not None:
        msg = (
            f"The weights of {facts.name}, the {scale} network, are not here: the model holds them "
            f"by reference (SHA-256 {_sha256(facts)[:12]}…). Say where they are: "
            f"SlideEncoder.from_pretrained(…, networks={{'{scale}': 'local-dir:/path'}}), or the "
            "module itself."
        )
        raise ModelIdError(msg)
    opened = open_network(NetworkSpec(place.source, None, facts), **where)
    _require_weights(facts, opened.facts)
    opened.network.facts = facts
    return opened.network, place


def _downloaded(facts: NetworkFacts, where: Any) -> Path | None:
    weights = facts.weights
    if weights is None or weights.revision is None or not weights.origin.startswith("hf-hub:"):
        return None
    repository = weights.origin.removeprefix("hf-hub:")
    return download_network(repository, weights.revision, **where) / "model.safetensors"


def _require_weights(wanted: NetworkFacts, found: NetworkFacts) -> None:
    if _sha256(wanted) != _sha256(found):
        raise _changed(wanted, found)


def _sha256(facts: NetworkFacts) -> str:
    return facts.weights.sha256 if facts.weights else ""


def _changed(wanted: NetworkFacts, found: NetworkFacts | None = None) -> WeightsChangedError:
    others = f" ({_sha256(found)[:12]}… instead)" if found else ""
    return WeightsChangedError(
        f"The weights of {wanted.name} are not those that the model was made with, SHA-256 "
        f"{_sha256(wanted)[:12]}…{others}: they were changed or replaced under the same name. "
        "Bring the old ones back, or make a model of the new ones: SlideEncoder.from_networks."
    )
