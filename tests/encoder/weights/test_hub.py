"""Names of models.  No test here uses the network."""

import sys
from pathlib import Path
from typing import NoReturn

import huggingface_hub
import pytest
from huggingface_hub.errors import CorruptedCacheException, LocalEntryNotFoundError

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.weights import hub
from msfusion_sdk.encoder.weights.hub import locate_model
from msfusion_sdk.errors import MissingExtraError, ModelIdError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def no_download(*_: object, **__: object) -> NoReturn:
    pytest.fail("the hub was asked")


BAD_NAMES = [
    "../../etc-that-is-not-there",
    "C:\\x",
    "a/b/c",
    "org/name\n",
    "org/..",
    "org/na..me",
    "-org/name",
    "name",
    "https://host/org/name",
    "org/na me",
    "a\0b/c",
    "x" * 5000,
    "org/" + "x" * 97,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_no_hub_ids_are_refused_before_any_download(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_download)
    with pytest.raises(ModelIdError, match="organisation/name"):
        SlideEncoder.from_pretrained(name, device="cpu")


def test_without_the_library_of_the_hub_only_the_hub_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert locate_model(tmp_path) == tmp_path
    assert locate_model() == hub.embedded_models()[hub.DEFAULT_MODEL]
    with pytest.raises(MissingExtraError, match=r'pip install "msfusion-sdk\[hub\]", or download'):
        locate_model("org/name", revision=COMMIT)


def test_a_path_is_never_a_hub_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_download)
    with pytest.raises(ModelIdError, match="it is no folder"):
        locate_model(Path("org/name"))


def test_a_branch_is_warned_of_and_a_commit_is_not(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, tmp_path: Path
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    assert locate_model("org/name", revision=COMMIT) == tmp_path
    assert not recwarn.list
    with pytest.warns(UserWarning, match="not pinned to a commit"):
        locate_model("org/name", revision="main")


def test_the_download_takes_the_files_of_a_model_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, object] = {}

    def note(*_: object, **options: object) -> str:
        asked.update(options)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", note)
    locate_model("org/name", revision=COMMIT, cache_dir=tmp_path, local_files_only=True)
    assert asked == {
        "revision": COMMIT,
        "cache_dir": tmp_path,
        "local_files_only": True,
        "allow_patterns": [
            "config.json",
            "model.safetensors",
            "attention.safetensors",
            "README.md",
            "detail.safetensors",
            "context.safetensors",
        ],
    }


class ReadTimeout(Exception):  # noqa: N818
    """As the transports have them: neither an OSError nor a ValueError."""


FAILURES = [
    LocalEntryNotFoundError("offline"),
    CorruptedCacheException("half a file"),
    ReadTimeout("slow"),
    OSError(28, "No space left on device"),
    ValueError("bad"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failed_download_says_what_to_do_offline(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise failure

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelIdError, match=f"{type(failure).__name__}.*pass its path"):
        locate_model("org/name", revision=COMMIT)


def test_a_missing_default_model_is_a_plain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "embedded_models", dict)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_download)
    with pytest.raises(ModelIdError, match=hub.DEFAULT_MODEL):
        locate_model()


def test_a_network_that_is_known_is_no_model_and_says_how_it_becomes_one() -> None:
    with pytest.raises(ModelIdError, match=r"msfusion models show uni2-h .*\.from_networks"):
        locate_model("uni2-h")
