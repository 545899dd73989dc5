"""Weights that may not be shared are in no file that is written; those that may are carried."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.config import Licence, NetworkFacts

from ..networks_made import OPEN, facts, seeded

pytestmark = pytest.mark.slow

PRIVATE = Licence(
    name="CC-BY-NC-ND-4.0", url="https://example.org/net", gated=True, citation="Doe et al., 2025"
)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    from torchvision.models import resnet18

    save_file(seeded(resnet18()).state_dict(), tmp_path / "resnet.safetensors")
    return tmp_path / "resnet.safetensors"


def encoder(weights: Path, licence: Licence | None) -> SlideEncoder:
    known: NetworkFacts = facts("private-net", 64, 512, multiple_px=32, licence=licence)
    return SlideEncoder.from_networks(
        "torchvision:resnet18", weights=weights, facts=known, device="cpu", precision="fp32"
    )


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("licence", [PRIVATE, None])
def test_a_network_that_may_not_be_shared_is_in_no_written_file(
    weights: Path, tiny_slide: Path, tmp_path: Path, licence: Licence | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    written = tmp_path / "written"
    monkeypatch.setenv("MSFUSION_CACHE", str(written / "cache"))
    made = encoder(weights, licence)
    made.save_pretrained(written / "model")
    patients = pd.DataFrame({"patient_id": ["p"]})
    slides = pd.DataFrame({"slide_id": ["s"], "patient_id": ["p"], "path": [str(tiny_slide)]})
    cohort = Cohort.create(written / "cohort", patients=patients, slides=slides)
    cohort.encode(made, patches=True)
    cohort.export(written / "export.parquet", level="slide")
    found = every_byte(written)
    for name in ("conv1.weight", "layer4.1.conv2.weight"):
        tensor = load_file(weights)[name]
        for values in (tensor, tensor.half()):
            assert values.numpy().tobytes()[:256] not in found


def test_card_and_export_name_the_licence(weights: Path, tiny_slide: Path, tmp_path: Path) -> None:
    made = encoder(weights, PRIVATE)
    card = (made.save_pretrained(tmp_path / "model") / "README.md").read_text()
    assert all(text in card for text in (PRIVATE.name, PRIVATE.url, PRIVATE.citation))
    result = made.encode(tiny_slide).to_parquet(tmp_path / "one.parquet")
    metadata = pd.read_parquet(result).shape  # any reader opens it
    assert metadata == (1, 10)
    assert PRIVATE.name.encode() in result.read_bytes()


def test_no_path_of_this_machine_is_in_a_result(
    weights: Path, tiny_slide: Path, tmp_path: Path
) -> None:
    result = encoder(weights, PRIVATE).encode(tiny_slide)
    assert str(tmp_path) not in result.provenance.model_dump_json()


def test_weights_that_may_be_shared_go_with_the_model(weights: Path, tmp_path: Path) -> None:
    made = encoder(weights, OPEN)
    folder = made.save_pretrained(tmp_path / "model")
    assert (folder / "detail.safetensors").read_bytes() == weights.read_bytes()
    weights.unlink()
    moved = folder.rename(tmp_path / "moved")
    again = SlideEncoder.from_pretrained(moved, device="cpu", precision="fp32")
    assert again.fingerprint == made.fingerprint


def test_the_fingerprint_knows_content_and_not_names_or_places(
    weights: Path, tmp_path: Path
) -> None:
    first = encoder(weights, PRIVATE).fingerprint
    other = weights.rename(tmp_path / "elsewhere.safetensors")
    assert encoder(other, OPEN).fingerprint == first
    tensors = load_file(other)
    tensors["conv1.weight"][0] *= np.float32(1.01)
    save_file(tensors, other)
    assert encoder(other, PRIVATE).fingerprint != first


@pytest.mark.parametrize(
    "asked",
    [
        {"readout": "mean"},
        {"target_mpp": 0.25, "allow_mpp": 0.25},
        {"geometry": {"tiles": 4, "patch_size_px": 256}},
        {"facts": facts("private-net", 64, 512, multiple_px=32, pixel_mean=(0.5, 0.5, 0.5))},
        {"summary": "channel"},
    ],
)
def test_the_fingerprint_changes_with_what_changes_a_vector(
    weights: Path, asked: dict[str, object]
) -> None:
    known = facts("private-net", 64, 512, multiple_px=32)
    given = {"facts": known, **asked}
    other = SlideEncoder.from_networks("torchvision:resnet18", weights=weights, **given)
    assert other.fingerprint != encoder(weights, OPEN).fingerprint
