"""Files of a hub repository at one commit, and what to do where they are not given."""

import re
from pathlib import Path

from msfusion_sdk.errors import (
    GatedWeightsError,
    ModelIdError,
    UnpinnedWeightsError,
    UnsafeWeightsError,
)
from msfusion_sdk.extras import import_extra

__all__ = ["download_network", "require_commit"]

COMMIT = re.compile(r"[0-9a-f]{40}")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
FILES = ["config.json", "model.safetensors"]
WITHOUT_NETWORK = (
    "On a machine without network: download the repository's config.json and model.safetensors "
    "elsewhere, copy the folder here and use local-dir:/its/path."
)


def require_commit(repository: str, revision: str | None) -> str:
    """Raise unless a repository is named as the hub does, with a full commit; return it.

    Raises
    ------
    ModelIdError, UnpinnedWeightsError
    """
    # The text becomes a part of paths and addresses, and the pattern lets dots through.
    if not REPOSITORY.fullmatch(repository) or ".." in repository:
        msg = f"{repository!r} is no hub repository of the form organisation/name."
        raise ModelIdError(msg)
    if revision is None or not COMMIT.fullmatch(revision):
        found = "no commit" if revision is None else f"{revision!r}, which is no full commit"
        msg = (
            f"hf-hub:{repository} is named with {found}, so its weights could change under the "
            f"same name. Write hf-hub:{repository}@<commit>, the 40 digits that the repository's "
            "page shows under Files, History."
        )
        raise UnpinnedWeightsError(msg)
    return revision


def download_network(
    repository: str,
    revision: str,
    *,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """Return a folder with the configuration and the weights of a repository at a commit.

    Raises
    ------
    GatedWeightsError
        When the publisher asks for consent; the message names the page.
    UnsafeWeightsError
        When the repository holds pickled weights only.
    ModelIdError
        When it cannot be had.
    MissingExtraError
        When the extra ``hub`` is not installed.
    """
    # Not with the module: it takes a tenth of the encoder's start, and few download.
    otherwise = "download config.json and model.safetensors and use local-dir:/its/path"
    library = import_extra("huggingface_hub", "hub", "A network of the hub", otherwise)
    faults = import_extra("huggingface_hub.errors", "hub", "A network of the hub", otherwise)

    what = f"hf-hub:{repository}@{revision[:12]}…"
    try:
        folder = Path(
            library.snapshot_download(
                repository,
                revision=revision,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                # Nothing else, pickles above all, reaches this machine.
                allow_patterns=FILES,
            )
        )
    except faults.GatedRepoError as error:
        raise _gated(what, repository) from error
    except faults.HfHubHTTPError as error:
        answer = getattr(error.response, "status_code", None)
        # The hub answers so for a repository that is gated, private, or not there.
        if answer in (401, 403):
            raise _gated(what, repository) from error
        raise _not_had(what, f"the hub answered {answer}") from error
    # The transport under the hub library has errors of its own that share no base class.
    except Exception as error:
        raise _not_had(what, type(error).__name__) from error
    missing = [name for name in FILES if not (folder / name).is_file()]
    if "model.safetensors" in missing:
        msg = (
            f"{what} holds no model.safetensors. Where it has pytorch_model.bin or a .pth, "
            "download that, and make safetensors of it once with msfusion models convert."
        )
        raise UnsafeWeightsError(msg)
    if missing:
        raise _not_had(what, f"{missing[0]} is missing")
    return folder


def _gated(what: str, repository: str) -> GatedWeightsError:
    return GatedWeightsError(
        f"{what} is given only to accounts that its publisher has let in, or is not there. "
        f"Accept the licence on https://huggingface.co/{repository} and log in once with the hub's "
        f"own command (hf auth login); no token passes through this package. {WITHOUT_NETWORK}"
    )


def _not_had(what: str, why: str) -> ModelIdError:
    return ModelIdError(
        f"{what} could not be had ({why}). Check the name, the commit and the network. "
        f"{WITHOUT_NETWORK}"
    )
