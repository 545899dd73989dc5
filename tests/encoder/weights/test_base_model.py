"""``lung-tiles-v3`` carries what it changes of ``lung-tiles-v2``, and is whole when it is saved."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.weights import base_model
from msfusion_sdk.encoder.weights.hub import embedded_models
from msfusion_sdk.errors import WeightsCorruptError, WeightsMismatchError
from msfusion_sdk.storage.records import sealed

V2, V3 = embedded_models()["lung-tiles-v2"], embedded_models()["lung-tiles-v3"]


@pytest.fixture(scope="module")
def encoder() -> SlideEncoder:
    return SlideEncoder.from_pretrained("lung-tiles-v3", device="cpu", precision="fp32")


def test_it_is_v2_but_for_the_last_block(encoder: SlideEncoder) -> None:
    carried = load_file(V3 / "model.safetensors")
    places = ("features.stages.4.1.", "features.last_attention.", "head.")
    assert all(name.split(".", 1)[1].startswith(places) for name in carried)
    below = load_file(V2 / "model.safetensors")
    for name, value in encoder.model.state_dict().items():
        assert torch.equal(value.float(), carried.get(name, below[name]).float()), name


def test_it_weighs_by_attention_as_the_method_is_written(encoder: SlideEncoder) -> None:
    assert encoder.config.fusion.score == "attention"
    assert encoder.config.name == "lung-tiles-v3"


def test_what_is_saved_is_whole(
    encoder: SlideEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder.save_pretrained(tmp_path / "saved")
    monkeypatch.setattr(base_model, "embedded_models", dict)
    opened = SlideEncoder.from_pretrained(tmp_path / "saved", device="cpu", precision="fp32")
    assert opened.fingerprint == encoder.fingerprint
    assert "base" not in json.loads((tmp_path / "saved" / "config.json").read_text())


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(V3, tmp_path / "copied"))


def test_a_damaged_file_is_found(copied: Path) -> None:
    data = bytearray((copied / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (copied / "model.safetensors").write_bytes(data)
    with pytest.raises(WeightsCorruptError, match="Copy the model folder again"):
        SlideEncoder.from_pretrained(copied, device="cpu")


def change_base(folder: Path, name: str) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["base"]["model"] = name
    del content["sha256"]
    (folder / "config.json").write_text(sealed(content))


@pytest.mark.parametrize("name", ["lung-tiles-v9", "general-v1"])
def test_another_base_is_refused(copied: Path, name: str) -> None:
    """One that is not there, and one that does not fit."""
    change_base(copied, name)
    with pytest.raises(WeightsMismatchError, match=r"changes the model|does not complete"):
        SlideEncoder.from_pretrained(copied, device="cpu")


def test_a_copy_works_beside_the_package(copied: Path, encoder: SlideEncoder) -> None:
    opened = SlideEncoder.from_pretrained(copied, device="cpu", precision="fp32")
    assert opened.fingerprint == encoder.fingerprint
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 128, 128)))
    with torch.inference_mode():
        assert torch.equal(opened.model(pixels).vectors, encoder.model(pixels).vectors)
