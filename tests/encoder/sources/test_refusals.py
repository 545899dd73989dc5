"""What does not fit is refused, each by its own error, before any slide is read."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.sources import hub_files
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.errors import (
    GatedWeightsError,
    ImageSizeError,
    ModelIdError,
    NetworkFactsError,
    NetworkSpacingError,
    NonFiniteWeightsError,
    ShapeError,
    UnpinnedWeightsError,
    UnsafeWeightsError,
    UntrainedAttentionError,
    WeightsChangedError,
    WeightsCorruptError,
    WeightsMismatchError,
)

from ..networks_made import Pooled, facts, seeded

pytestmark = pytest.mark.slow

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KNOWN = facts("resnet", 64, 512, multiple_px=32)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A ResNet-18 of torchvision."""
    from torchvision.models import resnet18

    save_file(seeded(resnet18()).state_dict(), tmp_path / "resnet.safetensors")
    return tmp_path / "resnet.safetensors"


def encoder(weights: Path, **asked: Any) -> SlideEncoder:
    given = {"facts": KNOWN, "device": "cpu", "precision": "fp32", **asked}
    return SlideEncoder.from_networks("torchvision:resnet18", weights=weights, **given)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"geometry": {"patch_size_px": 100}}, ImageSizeError, "images have 50 px"),
        ({"geometry": {"context_px": 16}}, NetworkFactsError, "greater than or equal to 32"),
        ({"geometry": {"tiles": 3}}, NetworkFactsError, "tiles=3 does not divide"),
        ({"target_mpp": 0.25}, NetworkSpacingError, r"allow_mpp=0\.25"),
        ({"facts": facts("x", 64, 512, mpp=())}, NetworkSpacingError, "Pass target_mpp"),
        ({"facts": facts("x", 64, 500)}, ShapeError, "gives 512 features .* facts say 500"),
        ({"readout": "cls+mean", "facts": facts("x", 64, 512)}, None, ""),
        ({"score": "attention"}, UntrainedAttentionError, "msfusion pretrain tiles"),
        ({"preset": "nobodys-net"}, ModelIdError, "No network 'nobodys-net' is known"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    weights: Path, asked: dict[str, Any], error: type[Exception] | None, message: str
) -> None:
    if error is None:
        assert encoder(weights, **asked).config.vector_length == 2048
        return
    with pytest.raises(error, match=message):
        encoder(weights, **asked)


def test_a_spacing_is_allowed_by_name(weights: Path) -> None:
    found = encoder(weights, target_mpp=0.25, allow_mpp=0.25)
    assert found.config.patches.target_mpp == 0.25


def test_settings_that_no_longer_fit_are_refused_later_too(weights: Path) -> None:
    made = encoder(weights)
    with pytest.raises(ImageSizeError):
        made.with_config(made.config.updated(patches={"patch_size_px": 90}))
    with pytest.raises(UntrainedAttentionError):
        made.with_config(made.config.with_preset("literal"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixel_mean": (0.5,)},
        {"pixel_mean": (123.675, 116.28, 103.53)},  # of 0..255
        {"pixel_std": (58.4, 57.1, 57.4)},
        {"pixel_std": (0.2, 0.0, 0.2)},
        {"mpp": (0.0,)},
    ],
)
def test_facts_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NetworkFactsError, match=next(iter(wrong))):
        NetworkSpec(seeded(Pooled()), facts={**KNOWN.model_dump(), **wrong})


def test_the_edge_of_training_fits_though_it_is_no_multiple() -> None:
    inception = facts("inception", 299, 8, multiple_px=32)
    assert [edge for edge in (288, 299, 300) if inception.takes(edge)] == [288, 299]


def damaged(path: Path, how: str) -> None:
    tensors = load_file(path)
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
        return
    if how == "foreign":
        tensors = {"a.weight": torch.ones(2)}
    elif how == "of another shape":
        tensors["conv1.weight"] = torch.ones(3, 3)
    else:
        tensors["conv1.weight"].view(-1)[3] = float("nan")
    save_file(tensors, path)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("truncated", WeightsCorruptError),
        ("foreign", WeightsMismatchError),
        ("of another shape", WeightsMismatchError),
        ("not finite", NonFiniteWeightsError),
    ],
)
def test_weights_that_cannot_be_used_are_refused(
    weights: Path, how: str, error: type[Exception]
) -> None:
    damaged(weights, how)
    with pytest.raises(error, match=r"resnet\.safetensors"):
        encoder(weights)


def test_a_pickle_is_refused_and_the_command_that_converts_it_is_named(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "net.pth")
    with pytest.raises(UnsafeWeightsError, match="msfusion models convert"):
        encoder(tmp_path / "net.pth")


def test_weights_that_were_changed_under_the_same_name_are_noticed(
    weights: Path, tmp_path: Path
) -> None:
    private = facts("resnet", 64, 512, multiple_px=32, licence=None)
    folder = encoder(weights, facts=private).save_pretrained(tmp_path / "model")
    tensors = load_file(weights)
    tensors["conv1.weight"] *= 1.001
    save_file(tensors, weights)
    with pytest.raises(WeightsChangedError, match="changed or replaced under the same name"):
        SlideEncoder.from_pretrained(folder)


def test_weights_that_are_gone_are_asked_for(weights: Path, tmp_path: Path) -> None:
    private = facts("resnet", 64, 512, multiple_px=32, licence=None)
    folder = encoder(weights, facts=private).save_pretrained(tmp_path / "model")
    weights.rename(tmp_path / "elsewhere.safetensors")
    with pytest.raises(ModelIdError, match=r"networks=\{'detail'"):
        SlideEncoder.from_pretrained(folder)
    moved = NetworkSpec("torchvision:resnet18", tmp_path / "elsewhere.safetensors")
    again = SlideEncoder.from_pretrained(folder, networks={"detail": moved}, device="cpu")  # type: ignore[dict-item]
    assert again.config.network.detail.weights.carried is False


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("hf-hub:MahmoodLab/UNI2-h", UnpinnedWeightsError, "no commit"),
        ("hf-hub:MahmoodLab/UNI2-h@main", UnpinnedWeightsError, "no full commit"),
        (f"hf-hub:../UNI@{COMMIT}", ModelIdError, "no hub repository"),
        ("timm:resnet18.a1_in1k", UnpinnedWeightsError, "no commit"),
        ("torchvision:resnet18", UnpinnedWeightsError, "weights="),
        ("uni2-h", ModelIdError, r"hf-hub:MahmoodLab/UNI2-h@<commit>"),
        ("nonsense", ModelIdError, "none of hf-hub:organisation/name@<commit>"),
        ("net.safetensors", NetworkFactsError, "which architecture"),
        ("local-dir:/nowhere", WeightsCorruptError, "has no config.json"),
        ("/nowhere/net.onnx", NetworkFactsError, "facts=NetworkFacts"),
    ],
)
def test_sources_that_name_no_fixed_weights_are_refused(
    source: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SlideEncoder.from_networks(source)


def test_a_module_without_facts_is_asked_for_them() -> None:
    with pytest.raises(NetworkFactsError, match="does not say what images it takes"):
        SlideEncoder.from_networks(Pooled())


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for a repository that is gated, or is not there."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        code = 403 if "Gated" in self.path else 401 if "Private" in self.path else 404
        self.send_response(code)
        if code == 403:
            self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of our own that stands in for the hub."""
    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield address
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("repository", "error", "message"),
    [
        ("Lab/Gated", GatedWeightsError, "Accept the licence on https://huggingface.co/Lab/Gated"),
        ("Lab/Private", GatedWeightsError, "local-dir:/its/path"),
        ("Lab/Nothing", ModelIdError, "could not be had"),
    ],
)
def test_a_gate_names_the_page_and_the_way_without_network(
    hub: str, tmp_path: Path, repository: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SlideEncoder.from_networks(f"hf-hub:{repository}@{COMMIT}", cache_dir=tmp_path)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A downloaded repository as timm writes it."""
    timm = pytest.importorskip("timm")
    folder = tmp_path / "repository"
    folder.mkdir()
    module = seeded(timm.create_model("resnet18", num_classes=0))
    save_file(module.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": "resnet18",
        "num_classes": 0,
        "pretrained_cfg": {
            "mean": [0.6, 0.5, 0.6], "std": [0.2, 0.2, 0.2], "license": "cc-by-nc-nd-4.0",
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_folder_says_what_it_holds(repository: Path) -> None:
    made = SlideEncoder.from_networks(f"local-dir:{repository}", target_mpp=0.5, device="cpu")
    found = made.config.network.detail
    assert (found.architecture, found.pixel_mean) == ("resnet18", (0.6, 0.5, 0.6))
    assert (found.licence.name, found.may_be_shared) == ("cc-by-nc-nd-4.0", False)
    assert (found.weights.origin, found.features) == ("folder", 512)


def test_a_hub_repository_is_known_by_its_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def download(name: str, revision: str, **_: object) -> Path:
        asked[name] = revision
        return repository

    monkeypatch.setattr("msfusion_sdk.encoder.sources.opening.download_network", download)
    made = SlideEncoder.from_networks(f"hf-hub:lab/net@{COMMIT}", target_mpp=0.5, device="cpu")
    weights = made.config.network.detail.weights
    assert asked == {"lab/net": COMMIT}
    assert (weights.origin, weights.revision) == ("hf-hub:lab/net", COMMIT)


def test_a_folder_of_another_library_says_how_to_go_on(repository: Path) -> None:
    (repository / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(NetworkFactsError, match="pass the module with facts="):
        SlideEncoder.from_networks(f"local-dir:{repository}")


def test_files_that_are_asked_of_the_hub_hold_no_code() -> None:
    assert hub_files.FILES == ["config.json", "model.safetensors"]


class Places(torch.nn.Module):
    """Answers with its map, passed through a function."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.cut, self.answer = torch.nn.Conv2d(3, 16, 8, 8), answer

    def forward(self, images: torch.Tensor) -> Any:
        return self.answer(self.cut(images))


def test_a_network_of_several_maps_is_asked_which() -> None:
    several = Places(lambda found: [found, found[..., ::2, ::2]])
    with pytest.raises(NetworkFactsError, match="several maps"):
        SlideEncoder.from_networks(several, facts=facts("x", 64, 16))


def test_a_network_without_numbers_is_refused() -> None:
    with pytest.raises(WeightsMismatchError, match="no numbers"):
        SlideEncoder.from_networks(Pooled().to("meta"), facts=facts("x", 64, 16))


def test_evidence_without_a_background_is_refused() -> None:
    with pytest.raises(NetworkFactsError, match="background"):
        SlideEncoder.from_networks(seeded(Pooled()), facts=facts("x", 64, 16), score="evidence")


@pytest.mark.parametrize("number", [torch.float64, torch.bfloat16])
def test_a_network_of_another_number_format_is_given_its_own(number: torch.dtype) -> None:
    module = seeded(Pooled()).to(number)
    made = SlideEncoder.from_networks(module, facts=facts("x", 64, 16), device="cpu")
    images = torch.randint(0, 256, (2, 3, 64, 64))
    network = made.model.detail.features.backbone
    with torch.inference_mode():
        found = network.maps(images).pooled
        wanted = module(network.normalise(images).to(number))
    assert torch.equal(found, wanted)


def test_a_context_network_of_smaller_images_is_given_them() -> None:
    context = NetworkSpec(seeded(Pooled()), facts=facts("small", 32, 16))
    made = SlideEncoder.from_networks(seeded(Pooled()), context, facts=facts("x", 64, 16))
    assert (made.config.patches.patch_size_px, made.config.patches.context_px) == (128, 32)
