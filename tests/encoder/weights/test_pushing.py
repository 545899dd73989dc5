"""A model that may be shared reaches the hub as it is, and no other does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import save_file

from msfusion_sdk import SlideEncoder
from msfusion_sdk.config import Licence
from msfusion_sdk.errors import ModelIdError, WeightsError, WeightsLicenceError

from ..networks_made import OPEN, facts, seeded
from .hub_server import Hub, hub

pytestmark = pytest.mark.slow

constants = pytest.importorskip("huggingface_hub.constants", reason="needs the extra [hub]")

PRIVATE = Licence(name="CC-BY-NC-ND-4.0", url="https://example.org/net", gated=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub() as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.address)
        template = f"{found.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_TOKEN", "hf_a_token")
        yield found


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    from torchvision.models import resnet18

    save_file(seeded(resnet18()).state_dict(), tmp_path / "resnet.safetensors")
    return tmp_path / "resnet.safetensors"


def foreign(weights: Path, licence: Licence | None) -> SlideEncoder:
    known = facts("some-net", 64, 512, multiple_px=32, licence=licence)
    return SlideEncoder.from_networks(
        "torchvision:resnet18", weights=weights, facts=known, device="cpu", precision="fp32"
    )


def test_what_was_pushed_is_loaded_by_its_commit(
    server: Hub, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    commit = small_encoder.push_to_hub("lab/small")
    back = SlideEncoder.from_pretrained(
        "lab/small", revision=commit, cache_dir=tmp_path, device="cpu"
    )
    assert back.fingerprint == small_encoder.fingerprint
    assert commit == server.commit("lab/small")
    assert server.private == {"lab/small": True}
    assert server.authorization == {"Bearer hf_a_token"}


def test_pushing_again_replaces_what_an_earlier_version_had(
    server: Hub, small_encoder: SlideEncoder
) -> None:
    server.repositories["lab/small"] = {"attention.safetensors": b"old", "notes.txt": b"kept"}
    small_encoder.push_to_hub("lab/small", message="Again")
    assert set(server.repositories["lab/small"]) == {
        "notes.txt",
        "config.json",
        "model.safetensors",
        "README.md",
    }


@pytest.mark.parametrize("licence", [PRIVATE, None])
def test_weights_that_may_not_be_shared_are_refused_before_anything_is_sent(
    licence: Licence | None, server: Hub, weights: Path
) -> None:
    with pytest.raises(WeightsLicenceError, match="some-net may not be shared") as refused:
        foreign(weights, licence).push_to_hub("lab/theirs")
    assert (licence.name if licence else "is not known") in str(refused.value)
    assert not server.repositories
    assert not server.authorization


def test_weights_that_may_be_shared_go_along_without_a_path_of_this_machine(
    server: Hub, weights: Path, tmp_path: Path
) -> None:
    made = foreign(weights, OPEN)
    commit = made.push_to_hub("lab/open", private=False)
    files = server.repositories["lab/open"]
    assert files["detail.safetensors"] == weights.read_bytes()
    assert str(tmp_path).encode() not in b"".join(files.values())
    weights.unlink()
    back = SlideEncoder.from_pretrained(
        "lab/open", revision=commit, cache_dir=tmp_path / "cache", device="cpu"
    )
    assert back.fingerprint == made.fingerprint


def test_a_folder_of_this_machine_is_carried_and_not_named(
    server: Hub, weights: Path, tmp_path: Path
) -> None:
    folder = foreign(weights, OPEN).save_pretrained(tmp_path / "model")
    SlideEncoder.from_pretrained(folder, device="cpu").push_to_hub("lab/again")
    config = json.loads(server.repositories["lab/again"]["config.json"])
    assert str(tmp_path) not in json.dumps(config)
    assert "detail.safetensors" in server.repositories["lab/again"]


def test_a_module_that_nobody_else_has_is_refused(server: Hub) -> None:
    from torchvision.models import resnet18

    known = facts("mine", 64, 1000, multiple_px=32, licence=OPEN)
    made = SlideEncoder.from_networks(seeded(resnet18()), facts=known, device="cpu")
    with pytest.raises(WeightsError, match="others do not have"):
        made.push_to_hub("lab/mine")
    assert not server.repositories


@pytest.mark.parametrize("name", ["small", "../x", "a/b/c", "https://host/a/b"])
def test_what_is_no_hub_id_is_refused(name: str, small_encoder: SlideEncoder) -> None:
    with pytest.raises(ModelIdError, match="organisation/name"):
        small_encoder.push_to_hub(name)


def test_a_hub_that_refuses_says_how_to_log_in_and_shows_no_token(
    server: Hub, small_encoder: SlideEncoder
) -> None:
    server.may_write = False
    with pytest.raises(ModelIdError, match="hf auth login") as refused:
        small_encoder.push_to_hub("lab/small")
    assert "hf_a_token" not in f"{refused.value}{refused.value.__cause__}"
