"""Model folders that must not be loaded, and those that must come back as they were."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights import golden
from msfusion_sdk.encoder.weights.encoder_folder import load_model_folder
from msfusion_sdk.errors import (
    ModelIdError,
    NonFiniteWeightsError,
    StoreError,
    UnsafeWeightsError,
    WeightsCorruptError,
    WeightsError,
    WeightsMismatchError,
)
from msfusion_sdk.storage.records import sealed

pytestmark = pytest.mark.slow

STEM = "detail.features.stem.0.weight"
Tensors = dict[str, torch.Tensor]


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """A model folder that a test may spoil."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    del config["sha256"]
    change(config)
    path.write_text(sealed(config))


def pin(folder: Path) -> None:
    """State the SHA-256 of the weights that lie there, as a hostile author would."""
    sha = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    change_config(folder, lambda config: config.update(weights_sha256=sha))


def change_tensors(folder: Path, change: Callable[[Tensors], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    pin(folder)


def test_a_folder_with_a_pickle_only_is_unsafe(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnsafeWeightsError, match=r"pytorch_model\.bin is a pickle"):
        load_model_folder(folder)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickle_by_another_name_is_unsafe_and_is_not_run(folder: Path, is_zip: bool) -> None:
    weights = folder / "model.safetensors"
    torch.save({"a": torch.ones(1)}, weights, _use_new_zipfile_serialization=is_zip)
    pin(folder)
    with pytest.raises(UnsafeWeightsError, match="can run any code"):
        load_model_folder(folder)


DAMAGES = {
    "truncated": lambda data: data[:-1000],
    "one byte more": lambda data: data + b"\0",
    "one bit flipped": lambda data: data[:-5000] + bytes([data[-5000] ^ 1]) + data[-4999:],
    "empty": lambda _: b"",
    "a header of a terabyte": lambda data: (2**40).to_bytes(8, "little") + data[8:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_corrupt(folder: Path, damage: str) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(DAMAGES[damage](weights.read_bytes()))
    with pytest.raises(WeightsCorruptError, match="Copy the model folder again"):
        load_model_folder(folder)


@pytest.mark.parametrize(
    "damage", ["truncated", "one byte more", "empty", "a header of a terabyte"]
)
def test_weights_that_are_no_safetensors_are_corrupt_though_pinned(
    folder: Path, damage: str
) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(DAMAGES[damage](weights.read_bytes()))
    pin(folder)
    with pytest.raises(WeightsCorruptError, match="not a valid safetensors file"):
        load_model_folder(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsCorruptError, match=r"model\.safetensors is missing"):
        load_model_folder(folder)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(folder: Path, value: float) -> None:
    change_tensors(folder, lambda tensors: tensors[STEM].view(-1)[7:8].fill_(value))
    with pytest.raises(NonFiniteWeightsError, match="NaN or infinity in 1 tensors"):
        load_model_folder(folder)


MISFITS: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "a missing tensor": (lambda t: t.pop(STEM), f"1 tensors missing \\['{STEM}'\\]"),
    "an unknown tensor": (lambda t: t.update(x=torch.ones(1)), r"1 unknown \['x'\]"),
    "a wrong shape": (lambda t: t.update({STEM: torch.ones(2, 3)}), "real \\(2, 3\\) instead of"),
    "whole numbers": (lambda t: t.update({STEM: t[STEM].int()}), "int32 .* instead of real"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_weights_of_another_architecture_are_a_mismatch(folder: Path, misfit: str) -> None:
    change, message = MISFITS[misfit]
    change_tensors(folder, change)
    with pytest.raises(WeightsMismatchError, match=message):
        load_model_folder(folder)


def test_other_weights_under_a_true_sha_do_not_reproduce_the_golden_output(folder: Path) -> None:
    change_tensors(folder, lambda t: t["context.features.stem.0.weight"].mul_(1.1))
    with pytest.raises(WeightsMismatchError, match="golden output"):
        load_model_folder(folder)


SETTINGS: dict[str, Callable[[dict[str, Any]], object]] = {
    "pixel_mean": lambda c: c["encoder"]["network"].update(pixel_mean=[0.5, 0.5, 0.5]),
    "pixel_std": lambda c: c["encoder"]["network"].update(pixel_std=[0.25, 0.25, 0.25]),
    "pixel_std of zero": lambda c: c["encoder"]["network"].update(pixel_std=[0, 1, 1]),
}


def test_a_golden_output_of_three_features_is_compared_as_three(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(golden, "golden_vector", lambda *_: [1.0, 2.0, 3.0])
    same = golden.Golden(vector_head=(1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    golden.require_golden(Path("m"), cast(TwoScaleModel, None), same)
    other = golden.Golden(vector_head=(1.0, 2.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    with pytest.raises(WeightsMismatchError, match="golden output"):
        golden.require_golden(Path("m"), cast(TwoScaleModel, None), other)


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_other_weights_do_not_reproduce_the_golden_output(
    folder: Path, setting: str
) -> None:
    change_config(folder, SETTINGS[setting])
    with pytest.raises(WeightsMismatchError, match="golden output"):
        load_model_folder(folder)


CONFIGS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown key": (lambda c: c["encoder"].update(colour=1), "encoder.colour: Extra inputs"),
    "newer version": (lambda c: c["encoder"].update(config_version=2), "config_version"),
    "no golden output": (lambda c: c.pop("golden"), "golden: Field required"),
    "huge golden patch": (lambda c: c["golden"].update(size_px=10**6), r"golden\.size_px"),
    "short sha": (lambda c: c.update(weights_sha256="00"), "weights_sha256"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_configuration_that_is_not_understood_is_refused(folder: Path, case: str) -> None:
    change, message = CONFIGS[case]
    change_config(folder, change)
    with pytest.raises(WeightsMismatchError, match=message):
        load_model_folder(folder)


def test_a_configuration_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\xff{")
    with pytest.raises(WeightsCorruptError, match=r"config\.json is damaged .*it is not JSON"):
        load_model_folder(folder)


def test_a_configuration_that_was_changed_by_hand_is_damaged(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"vertices"', '"area"', 1))
    with pytest.raises(WeightsCorruptError, match="does not have the digest it states"):
        load_model_folder(folder)


def test_a_newer_format_asks_for_an_upgrade(folder: Path) -> None:
    change_config(folder, lambda config: config.update(format=3))
    with pytest.raises(WeightsMismatchError, match="Upgrade msfusion-sdk"):
        load_model_folder(folder)


def test_an_estimator_is_no_encoder(folder: Path) -> None:
    change_config(folder, lambda config: config.update(kind="FusionSurvival"))
    with pytest.raises(WeightsMismatchError, match="holds a FusionSurvival, and an encoder is"):
        load_model_folder(folder)


def test_a_folder_without_configuration_is_no_model(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(ModelIdError, match=r"has no config\.json"):
        SlideEncoder.from_pretrained(folder)


def test_every_refusal_is_a_weights_error_and_a_value_error() -> None:
    assert issubclass(WeightsError, ValueError)


def test_saving_and_loading_keeps_weights_and_vector(
    small_encoder: SlideEncoder, made_slide: Path, tmp_path: Path
) -> None:
    folder = small_encoder.save_pretrained(tmp_path / "saved")
    loaded = SlideEncoder.from_pretrained(folder, device="cpu", precision="fp32")
    assert loaded.fingerprint == small_encoder.fingerprint
    first, second = (e.encode(made_slide).vector for e in (small_encoder, loaded))
    assert np.array_equal(first, second)


def test_trained_weights_survive_in_full_precision_and_get_their_own_fingerprint(
    model_folder: Path, tmp_path: Path
) -> None:
    encoder = SlideEncoder.from_pretrained(model_folder, device="cpu")
    before = encoder.fingerprint
    weight = encoder.model.context.features.stem[0].weight
    with torch.no_grad():
        weight.mul_(1 / 3)
    loaded = SlideEncoder.from_pretrained(encoder.save_pretrained(tmp_path / "m"), device="cpu")
    assert torch.equal(loaded.model.context.features.stem[0].weight, weight)
    assert loaded.fingerprint == encoder.fingerprint != before


def test_saving_leaves_a_model_in_training_as_it_was(model_folder: Path, tmp_path: Path) -> None:
    encoder = SlideEncoder.from_pretrained(model_folder, device="cpu")
    encoder.model.train()
    addresses = [value.data_ptr() for value in encoder.model.parameters()]
    encoder.save_pretrained(tmp_path / "m")
    assert all(module.training for module in encoder.model.modules())
    assert [value.data_ptr() for value in encoder.model.parameters()] == addresses


def test_a_folder_that_cannot_be_written_is_a_store_error(
    random_encoder: SlideEncoder, tmp_path: Path
) -> None:
    random_encoder.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    kept = tmp_path / "model.safetensors" / "of somebody else"
    kept.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"model\.safetensors could not be written"):
        random_encoder.save_pretrained(tmp_path)
    assert kept.is_dir()
