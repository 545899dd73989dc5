"""Feature folders of five programs, written as those programs write them, are attached."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from msfusion_sdk import Cohort
from msfusion_sdk.errors import (
    DuplicateIdError,
    ShapeError,
    StoreError,
    StoreMixedFeaturesError,
    TableError,
)

pytestmark = pytest.mark.slow

IDS = [f"s{number}" for number in range(4)]
CORNERS = np.array([[0, 0], [512, 0], [0, 512], [512, 512], [1024, 0]])
WIDTH = 24


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Two patients with two slides each, whose files are not here."""
    slides = pd.DataFrame({"slide_id": IDS, "patient_id": ["P1", "P1", "P2", "P2"]})
    patients = pd.DataFrame({"patient_id": ["P1", "P2"], "diagnosis": ["a", "b"]})
    return Cohort.create(tmp_path / "cohort", patients=patients, slides=slides)


def values(slide_id: str, count: int = 5) -> np.ndarray:
    rng = np.random.default_rng(IDS.index(slide_id) if slide_id in IDS else 99)
    return rng.normal(size=(count, WIDTH)).astype(np.float32)


def trident(folder: Path, slide_id: str) -> None:
    with h5py.File(folder / f"{slide_id}.h5", "w") as file:
        file["features"] = values(slide_id)
        file["features"].attrs["encoder"] = "uni_v1"
        file["coords"] = CORNERS
        file["coords"].attrs.update({"patch_size": 256, "patch_size_level0": 512, "name": slide_id})


def clam(folder: Path, slide_id: str) -> None:
    with h5py.File(folder / f"{slide_id}.h5", "w") as file:
        file["features"] = values(slide_id)[None]
        file["coords"] = CORNERS
    torch.save(torch.from_numpy(values(slide_id)), folder / f"{slide_id}.pt")


def clam_pt(folder: Path, slide_id: str) -> None:
    torch.save(torch.from_numpy(values(slide_id)), folder / f"{slide_id}.pt")


def atlaspatch(folder: Path, slide_id: str) -> None:
    with h5py.File(folder / f"{slide_id}.h5", "w") as file:
        file["coords"] = np.hstack([CORNERS, np.full((5, 2), 512), np.zeros((5, 1), int)])
        file["features/uni_v1"] = values(slide_id)
        file["features/other"] = np.zeros((5, 7), np.float32)


def stamp(folder: Path, slide_id: str) -> None:
    (folder / "deep").mkdir(exist_ok=True)
    with h5py.File(folder / "deep" / f"{slide_id}.h5", "w") as file:
        file["feats"] = values(slide_id).astype(np.float16)
        file["coords"] = CORNERS * 0.25
        file.attrs.update({"unit": "um", "tile_size_um": 128.0, "extractor": "uni_v1"})


def slide2vec(folder: Path, slide_id: str) -> None:
    torch.save(torch.from_numpy(values(slide_id)), folder / f"{slide_id}.pt")
    (folder / f"{slide_id}.meta.json").write_text(json.dumps({"encoder_name": "uni_v1"}))
    x, y = CORNERS.T
    np.savez(folder / f"{slide_id}.coordinates.npz", tile_index=np.arange(5), x=x, y=y)


LAYOUTS: dict[str, Callable[[Path, str], None]] = {
    "trident": trident, "clam": clam, "clam-pt": clam_pt, "atlaspatch": atlaspatch,
    "stamp": stamp, "slide2vec": slide2vec,
}  # fmt: skip


def written(tmp_path: Path, layout: str, slide_ids: list[str] = IDS) -> Path:
    folder = tmp_path / layout
    folder.mkdir(exist_ok=True)
    for slide_id in slide_ids:
        LAYOUTS[layout](folder, slide_id)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_is_attached_and_its_mean_is_the_vector(
    cohort: Cohort, tmp_path: Path, layout: str
) -> None:
    encoder = "uni_v1" if layout == "atlaspatch" else None
    report = cohort.attach_features(written(tmp_path, layout), name="uni", encoder=encoder)
    assert (report.attached, report.features, report.layouts) == (4, WIDTH, (layout,))
    assert cohort.status().counts == {"ok": 4}
    table = cohort.tables()["slide"]
    wanted = (values("s0").mean(0) + values("s1").mean(0)) / 2
    assert np.allclose(table.loc["P1"], wanted, atol=1e-3 if layout == "stamp" else 1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_places_of_patches_are_kept(cohort: Cohort, tmp_path: Path, layout: str) -> None:
    encoder = "uni_v1" if layout == "atlaspatch" else None
    cohort.attach_features(written(tmp_path, layout), name="uni", encoder=encoder)
    found = cohort.patch_features("s1", model="uni")
    assert np.allclose(found.vectors, values("s1"), atol=1e-2)
    if layout == "clam-pt":
        assert found.corners is None
        return
    scale = 0.25 if layout == "stamp" else 1
    assert np.array_equal(found.corners, CORNERS * scale)
    sizes = {"trident": 512, "atlaspatch": 512, "stamp": 128}
    assert (found.size, found.unit) == (sizes.get(layout, 0), "um" if layout == "stamp" else "px")


def test_nothing_is_copied_and_nothing_is_read_before_it_is_needed(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path, "trident")
    monkeypatch.setattr(
        "msfusion_sdk.cohort.features.means.read_features",
        lambda _: pytest.fail("the features were read"),
    )
    cohort.attach_features(folder, name="uni")
    cohort.status()
    stored = sum(p.stat().st_size for p in cohort.root.rglob("*") if p.is_file())
    assert values("s0").tobytes() not in b"".join(
        p.read_bytes() for p in cohort.root.rglob("*") if p.is_file()
    )
    assert stored < 40_000


def test_a_blank_slide_is_empty_and_a_bad_file_is_one_failure(
    cohort: Cohort, tmp_path: Path
) -> None:
    folder = written(tmp_path, "trident", ["s0", "s1"])
    with h5py.File(folder / "s2.h5", "w") as file:
        file["features"] = np.zeros((0, WIDTH), np.float32)
        file["coords"] = np.zeros((0, 2), int)
    (folder / "s3.h5").write_bytes(b"no HDF5")
    (folder / "stranger.h5").write_bytes(b"no HDF5")
    report = cohort.attach_features(folder, name="uni")
    assert (report.attached, report.empty, report.unknown_files) == (2, 1, 1)
    assert [(failure.slide_id, failure.code) for failure in report.failures] == [
        ("s3", "StoreCorrupt")
    ]
    status = cohort.status()
    assert status.counts == {"empty": 1, "failed": 1, "ok": 2}
    assert list(cohort.tables()["slide"].index) == ["P1"]


@pytest.mark.parametrize("spoil", ["foreign names", "all bad", "nothing", "wrong network"])
def test_a_call_that_fails_leaves_nothing_behind(
    cohort: Cohort, tmp_path: Path, spoil: str
) -> None:
    before = sorted(cohort.root.rglob("*"))
    folder = tmp_path / "bad"
    folder.mkdir()
    if spoil == "foreign names":
        trident(folder, "stranger")
    elif spoil == "all bad":
        (folder / "s0.h5").write_bytes(b"no HDF5")
    elif spoil == "wrong network":
        trident(folder, "s0")
    network = "uni" if spoil == "wrong network" else None
    with pytest.raises(TableError, match=r"uni gives 1024|<slide_id>\.h5|can be used"):
        cohort.attach_features(folder, name="uni", network=network)
    assert sorted(cohort.root.rglob("*")) == before
    assert "slide" not in cohort.tables()


def test_ids_with_an_ending_that_files_lack_are_pointed_out(tmp_path: Path) -> None:
    people = pd.DataFrame({"patient_id": ["P"]})
    slides = pd.DataFrame({"slide_id": ["s0.svs"], "patient_id": ["P"]})
    cohort = Cohort.create(tmp_path / "c", patients=people, slides=slides)
    folder = written(tmp_path, "trident", ["s0"])
    with pytest.raises(TableError, match=r"1 ids have an ending .* write 's0' for 's0\.svs'"):
        cohort.attach_features(folder, name="uni")
    bare = Cohort.create(tmp_path / "bare", patients=people)
    with pytest.raises(TableError, match=r"has no slides .* msfusion cohort add"):
        bare.attach_features(folder, name="uni")


def test_a_failed_import_leaves_nothing_behind(cohort: Cohort, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "s0.h5").write_bytes(b"no HDF5")
    with pytest.raises(StoreError):
        cohort.import_features(folder, name="uni")
    assert cohort.status().models == ()


def test_files_of_two_networks_under_one_name_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    cohort.attach_features(written(tmp_path, "trident", ["s0"]), name="uni")
    other = tmp_path / "other"
    other.mkdir()
    with h5py.File(other / "s1.h5", "w") as file:
        file["features"], file["coords"] = np.zeros((5, 7)), CORNERS
    with pytest.raises(ShapeError, match="two networks"):
        cohort.attach_features(other, name="uni")


def of_network(folder: Path, slide_id: str, word: str) -> Path:
    """A file of one length whatever the network, as those of Virchow and Virchow2 are."""
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / f"{slide_id}.h5", "w") as file:
        file["features"], file["coords"] = np.zeros((5, 2560), np.float32), CORNERS
        file["features"].attrs["encoder"] = word
    return folder


def test_two_networks_of_one_length_under_one_name_are_refused(
    cohort: Cohort, tmp_path: Path
) -> None:
    folder = of_network(tmp_path / "mixed", "s0", "virchow")
    of_network(folder, "s1", "virchow2")
    with pytest.raises(StoreMixedFeaturesError, match="of virchow and of virchow2"):
        cohort.attach_features(folder, name="v")


@pytest.mark.parametrize("word", ["virchow", "Virchow", "VIRCHOW_"])
def test_a_file_that_names_another_network_than_was_stated_is_refused(
    cohort: Cohort, tmp_path: Path, word: str
) -> None:
    folder = of_network(tmp_path / "v", "s0", word)
    with pytest.raises(TableError, match="its features are of virchow"):
        cohort.attach_features(folder, name="v", network="virchow2")
    assert cohort.attach_features(folder, name="v", network="virchow").attached == 1


def test_a_file_that_was_changed_is_noticed(cohort: Cohort, tmp_path: Path) -> None:
    folder = written(tmp_path, "trident")
    cohort.attach_features(folder, name="uni")
    os.utime(folder / "s2.h5", (1, 1))
    with pytest.raises(StoreError, match=r"s2\.h5 was changed"):
        cohort.tables()
    (folder / "s2.h5").unlink()
    with pytest.raises(StoreError, match="gone"):
        cohort.patch_features("s2")


def test_models_go_by_their_names(cohort: Cohort, tmp_path: Path) -> None:
    cohort.attach_features(written(tmp_path, "trident"), name="uni")
    cohort.attach_features(written(tmp_path, "clam-pt"), name="conch")
    with pytest.raises(StoreMixedFeaturesError, match=r"conch \w{12}.*uni \w{12}|uni.*conch"):
        cohort.tables()
    assert set(cohort.status(model="uni").model_names.values()) == {"uni", "conch"}
    assert len(cohort.tables(model="conch")["slide"]) == 2


def test_a_model_is_dropped_and_its_files_stay(cohort: Cohort, tmp_path: Path) -> None:
    folder = written(tmp_path, "trident")
    cohort.attach_features(folder, name="uni")
    cohort.tables()
    cohort.drop_model("uni")
    assert cohort.status().models == ()
    assert len(list(folder.glob("*.h5"))) == 4
    assert not list(cohort.root.glob("embeddings/*"))


def test_attached_slides_are_exported_and_learned_from(cohort: Cohort, tmp_path: Path) -> None:
    cohort.attach_features(written(tmp_path, "trident"), name="uni")
    cohort.export(tmp_path / "x.parquet", level="slide")
    exported = pd.read_parquet(tmp_path / "x.parquet")
    assert [len(vector) for vector in exported["vector"]] == [WIDTH] * 4


def test_a_cohort_without_paths_cannot_be_encoded(cohort: Cohort) -> None:
    with pytest.raises(TableError, match="made for features alone"):
        cohort.encode(None)


def test_files_of_one_slide_in_two_folders_are_refused_with_both(
    cohort: Cohort, tmp_path: Path
) -> None:
    for network in ("features_conch", "features_uni"):
        (tmp_path / "run" / network).mkdir(parents=True)
        trident(tmp_path / "run" / network, "s0")
    with pytest.raises(DuplicateIdError, match=r"conch/s0\.h5 and features_uni/s0\.h5"):
        cohort.attach_features(tmp_path / "run", name="uni")
    report = cohort.attach_features(tmp_path / "run" / "features_uni", name="uni")
    assert report.attached == 1
