"""Find a model by name: inside the package, in a folder, or on the Hugging Face hub."""

import os
import re
import warnings
from pathlib import Path

from msfusion_sdk.encoder.sources.known import known_networks
from msfusion_sdk.encoder.weights.patch_attention import ATTENTION_FILE
from msfusion_sdk.errors import ModelIdError, MsfusionWarning
from msfusion_sdk.extras import import_extra
from msfusion_sdk.storage.model_folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE

__all__ = ["DEFAULT_MODEL", "UnpinnedWeightsWarning", "embedded_models", "locate_model"]

DEFAULT_MODEL = "lung-tiles-v2"
EMBEDDED = Path(__file__).parents[1] / "embedded"
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# Those of networks that a model carries too.
MODEL_FILES = [
    CONFIG_FILE,
    WEIGHTS_FILE,
    ATTENTION_FILE,
    CARD_FILE,
    "detail.safetensors",
    "context.safetensors",
]
COMMIT = re.compile(r"[0-9a-f]{40}")


class UnpinnedWeightsWarning(MsfusionWarning, UserWarning):
    """A repository is named without a commit, so that its weights can change."""


def embedded_models() -> dict[str, Path]:
    """Map the name of every model inside the package to its folder."""
    return {path.parent.name: path.parent for path in sorted(EMBEDDED.glob(f"*/{CONFIG_FILE}"))}


def locate_model(
    model: str | Path | None = None,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """Return the folder of a model, downloading it only when ``model`` is a hub id.

    Parameters
    ----------
    model : str or Path, optional
        None for the default model inside the package; the name of an embedded model; a
        folder; or a hub id ``organisation/name``.
    revision : str, optional
        Commit of the hub repository.  Without a full commit id a warning is given,
        because the weights behind a branch can change.
    cache_dir : path, optional
        Where downloads are kept; the hub library's own cache by default.
    local_files_only : bool
        Use the cache and never the network.

    Raises
    ------
    ModelIdError
        When the name is none of these, or the hub model cannot be obtained.
    MissingExtraError
        When the model is on the hub, and the extra ``hub`` is not installed.

    Warns
    -----
    UnpinnedWeightsWarning
        When ``revision`` is not a full commit id.
    """
    embedded = embedded_models()
    if model is None:
        model = DEFAULT_MODEL
    # Before folders: a folder of the same name here must not replace the model of the package.
    if str(model) in embedded:
        return embedded[str(model)]
    if os.path.isdir(model):  # noqa: PTH112  Path.is_dir raises on names too long for a file
        return Path(model)
    # The pattern is checked before the text is used as a path or an address.
    if not isinstance(model, str) or not HUB_ID.fullmatch(model) or ".." in model:
        msg = (
            f"No model {str(model)!r}: it is no folder, no hub id of the form organisation/name, "
            f"and none of the models in the package ({', '.join(embedded) or 'none'})."
        )
        raise ModelIdError(msg + _of_network(str(model)))
    if revision is None or not COMMIT.fullmatch(revision):
        warnings.warn(
            f"{model} is not pinned to a commit, so its weights can change. Pass the 40-digit "
            "commit id as revision.",
            UnpinnedWeightsWarning,
            stacklevel=3,
        )
    # Not with the module: it takes a tenth of the encoder's start, and few download.
    otherwise = "download the folder elsewhere and pass its path"
    library = import_extra("huggingface_hub", "hub", "A model of the hub", otherwise)
    try:
        folder = library.snapshot_download(
            model,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            # Nothing else, pickles above all, reaches this machine.
            allow_patterns=MODEL_FILES,
        )
    # The transport under the hub library (requests or httpx, by version) has errors of its
    # own that share no base class, and every one of them means that there is no model.
    except Exception as error:
        where = "in the local cache" if local_files_only else "on the hub"
        msg = (
            f"{model} (revision {revision or 'main'}) could not be had {where}: "
            f"{type(error).__name__}. Check the id and the network, or download the folder "
            "elsewhere and pass its path."
        )
        raise ModelIdError(msg) from error
    return Path(folder)


def _of_network(name: str) -> str:
    """Return how a network that is known becomes a model; '' for other names."""
    if name not in known_networks():
        return ""
    return (
        f" {name} is a network that is known, whose weights are not in the package: msfusion "
        f"models show {name} says where they are, and docs/networks.md how "
        "SlideEncoder.from_networks makes a model of them, whose folder can then be given."
    )
