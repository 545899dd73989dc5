"""Give a model to others by the Hugging Face hub: only what may be shared, and no path of ours."""

from collections.abc import Mapping
from pathlib import Path

from msfusion_sdk.config import EncoderConfig, FeatureNetworksConfig
from msfusion_sdk.encoder.weights.hub import HUB_ID, MODEL_FILES
from msfusion_sdk.encoder.weights.references import Place
from msfusion_sdk.errors import ModelIdError, WeightsError, WeightsLicenceError
from msfusion_sdk.extras import import_extra

__all__ = ["public_places", "push_folder", "require_hub_id", "require_sharable"]

REACHABLE = ("hf-hub:", "timm:", "torchvision:")
"""Sources that lead somewhere on every machine."""


def require_sharable(config: EncoderConfig) -> None:
    """Raise unless the licence of every network from elsewhere lets copies be given to others.

    Raises
    ------
    WeightsLicenceError
        Also where the licence is not known, and for what was learned on top of such a network.
    """
    if not isinstance(config.network, FeatureNetworksConfig):
        return
    for facts in config.network.facts().values():
        if facts.may_be_shared:
            continue
        licence = facts.licence
        why = (
            "its licence is not known"
            if licence is None
            else f"its licence, {licence.name}, does not say that copies may be given to others"
        )
        terms = f" ({licence.url})" if licence is not None and licence.url else ""
        msg = (
            f"{facts.name} may not be shared: {why}{terms}. Others can make the same encoder of "
            "their own copy: SlideEncoder.from_networks. Where the publisher allows it, say so in "
            "the facts: licence={'name': …, 'may_be_shared': True}."
        )
        raise WeightsLicenceError(msg)


def require_hub_id(hub_id: str) -> None:
    """Raise unless a text is ``organisation/name``.

    Raises
    ------
    ModelIdError
    """
    if not HUB_ID.fullmatch(hub_id) or ".." in hub_id:
        msg = f"{hub_id!r} is no hub id of the form organisation/name."
        raise ModelIdError(msg)


def public_places(config: EncoderConfig, places: Mapping[str, Place]) -> dict[str, Place]:
    """Return where networks are, without paths of this machine.

    Raises
    ------
    WeightsError
        When a network would be found on this machine alone.
    """
    found = {}
    for scale, place in places.items():
        is_reachable = place.source is not None and place.source.startswith(REACHABLE)
        assert isinstance(config.network, FeatureNetworksConfig)
        weights = config.network.facts()[scale].weights
        is_carried = weights is not None and weights.carried and place.file is not None
        if not (is_reachable or is_carried):
            msg = (
                f"The {scale} network is a module or a program on this machine, which others do "
                "not have. Make the encoder of hf-hub:, timm:, torchvision: or local-dir: sources."
            )
            raise WeightsError(msg)
        source = place.source if is_reachable else None
        found[scale] = (
            place.model_copy(update={"source": source}) if is_carried else Place(source=source)
        )
    return found


def push_folder(folder: Path, hub_id: str, *, private: bool, message: str) -> str:
    """Send a model folder to a repository, made if it is not there; return the commit.

    Raises
    ------
    ModelIdError
        When the hub does not take it.
    MissingExtraError
        Without the extra ``[hub]``.
    """
    purpose, otherwise = "Sending a model to the hub", "send the folder of save_pretrained by hand"
    api = import_extra("huggingface_hub", "hub", purpose, otherwise).HfApi()
    try:
        api.create_repo(hub_id, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=hub_id,
            folder_path=folder,
            commit_message=message,
            allow_patterns=MODEL_FILES,
            # Of an earlier version, which had others.
            delete_patterns=["*.safetensors"],
        )
    # As in ``locate_model``: the transport has errors of its own.
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        msg = (
            f"{hub_id} could not be written on the hub: {said} Log in with the hub's own tools "
            "(hf auth login, or HF_TOKEN), and check that the account may write there."
        )
        raise ModelIdError(msg) from error
    return str(commit.oid)
