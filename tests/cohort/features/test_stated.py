"""What files of features state beside the features is understood, or refused for what it is."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from msfusion_sdk.cohort.features.layouts import look_at, read_coords, read_features
from msfusion_sdk.errors import MsfusionError, NonFiniteError, StoreCorruptError, TableError

pytestmark = pytest.mark.slow

VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)
CORNERS = np.array([[0, 0], [512, 0], [0, 512]])


def write_h5(path: Path, notes: dict[str, Any], *, name: str = "features",
             coords: np.ndarray = CORNERS) -> Path:  # fmt: skip
    with h5py.File(path, "w") as file:
        file[name], file["coords"] = VECTORS, coords
        file.attrs.update(notes)
    return path


@pytest.mark.parametrize("stated", [512, 512.0, "512", b"512", [512], [512, 512], np.int64(512)])
def test_the_edge_of_a_patch_may_be_stated_in_several_ways(stated: Any, tmp_path: Path) -> None:
    assert look_at(write_h5(tmp_path / "x.h5", {"patch_size_level0": stated})).size_l0 == 512


@pytest.mark.parametrize("stated", ["large", -5, float("nan"), float("inf"), [512, 256], [], 1e9])
def test_an_edge_that_is_none_is_named_and_no_damage(stated: Any, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"x\.h5 states a patch size"):
        look_at(write_h5(tmp_path / "x.h5", {"patch_size_level0": stated}))


@pytest.mark.parametrize("stated", ["uni", np.bytes_(b"uni")])
def test_the_name_of_a_network_is_text_however_it_is_stored(stated: Any, tmp_path: Path) -> None:
    assert look_at(write_h5(tmp_path / "x.h5", {"encoder": stated})).encoder == "uni"


@pytest.mark.parametrize("unit", ["um", "µm"])
def test_coords_of_stamp_are_microns(unit: str, tmp_path: Path) -> None:
    path = write_h5(tmp_path / "x.h5", {"unit": unit, "tile_size_um": 256.0}, name="feats")
    assert look_at(path).size_l0 == 256


@pytest.mark.parametrize("unit", ["px", "mm", "m"])
def test_coords_in_another_unit_are_not_taken_for_microns(unit: str, tmp_path: Path) -> None:
    path = write_h5(tmp_path / "x.h5", {"unit": unit, "tile_size_um": 256.0}, name="feats")
    with pytest.raises(TableError, match=f"unit '{unit}'"):
        look_at(path)


def test_a_place_that_is_none_is_named(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "x.h5", {}, coords=np.full((3, 2), np.nan))
    with pytest.raises(NonFiniteError, match="coords"):
        read_coords(look_at(path))


@pytest.mark.parametrize("notes", ["{", "[1]", '{"tile_size_lv0": "big"}', "\xff"])
def test_notes_that_make_no_sense_are_an_error_of_ours(notes: str, tmp_path: Path) -> None:
    torch.save(torch.from_numpy(VECTORS), tmp_path / "x.pt")
    (tmp_path / "x.meta.json").write_text(notes, encoding="latin-1")
    with pytest.raises((TableError, StoreCorruptError), match=r"x\.meta\.json"):
        look_at(tmp_path / "x.pt")


def test_notes_are_read(tmp_path: Path) -> None:
    torch.save(torch.from_numpy(VECTORS), tmp_path / "x.pt")
    (tmp_path / "x.meta.json").write_text(json.dumps({"tile_size_lv0": 512, "encoder": "uni"}))
    found = look_at(tmp_path / "x.pt")
    assert (found.layout, found.size_l0, found.encoder) == ("slide2vec", 512, "uni")


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16", "int32", "list of one"])
def test_tensors_of_numbers_are_read(kind: str, tmp_path: Path) -> None:
    tensor = torch.from_numpy(VECTORS)
    tensor = tensor[None] if kind == "list of one" else tensor.to(getattr(torch, kind))
    torch.save(tensor, tmp_path / "x.pt")
    file = look_at(tmp_path / "x.pt")
    assert (file.n_patches, file.features) == (3, 4)
    np.testing.assert_array_equal(read_features(file), VECTORS)


@pytest.mark.parametrize("kind", ["sparse", "complex64", "bool", "dict"])
def test_other_tensors_are_named(kind: str, tmp_path: Path) -> None:
    tensor: Any = torch.from_numpy(VECTORS)
    if kind == "dict":
        tensor = {"features": tensor}
    else:
        tensor = tensor.to_sparse() if kind == "sparse" else tensor.to(getattr(torch, kind))
    torch.save(tensor, tmp_path / "x.pt")
    with pytest.raises(MsfusionError, match=r"x\.pt (holds|is damaged)"):
        look_at(tmp_path / "x.pt")
