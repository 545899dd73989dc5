"""Every planted damage of a cohort is named, and repaired as far as that can be."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.holdings import part_name
from msfusion_sdk.doctor.cohort import examine_cohort
from msfusion_sdk.doctor.finding import Finding
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow

NAMES = ("a", "b")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, small_encoder: SlideEncoder) -> Path:
    """A cohort of two encoded slides and a modality."""
    folder = tmp_path_factory.mktemp("examined")
    for number, name in enumerate(NAMES):
        make_slide(folder / f"{name}.svs", 1024, 768, tissue="full", seed=number)
    patients = pd.DataFrame({"patient_id": ["P1", "P2"], "diagnosis": ["x", "y"]})
    slides = {"slide_id": NAMES, "patient_id": ["P1", "P2"]}
    paths = [str(folder / f"{name}.svs") for name in NAMES]
    table = pd.DataFrame({**slides, "path": paths})
    cohort = Cohort.create(folder / "cohort", patients=patients, slides=table)
    cohort.add_modality("clinical", pd.DataFrame({"patient_id": ["P1", "P2"], "age": [61, 70]}))
    cohort.encode(small_encoder, patches=True)
    return cohort.root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "cohort"))


def found(root: Path, *, repair: bool = False) -> list[Finding]:
    return [f for f in examine_cohort(root, repair=repair).findings if f.level != "ok"]


def one(root: Path, pattern: str) -> Path:
    (path,) = root.glob(pattern)
    return path


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[random.Random(0).randrange(len(data) // 3, len(data) // 2)] ^= 1
    path.write_bytes(data)


def test_a_sound_cohort_has_no_finding(root: Path) -> None:
    assert found(root) == []
    levels = {f.check: f.level for f in examine_cohort(root).findings}
    assert levels["tables"] == levels["cohort"] == levels["folder"] == "ok"


TABLES = ["cohort.json", "patients.parquet", "slides.parquet", "modalities/clinical.parquet"]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("damage", [flip, lambda path: path.write_bytes(b""), Path.unlink])
def test_damage_of_a_table_is_a_problem_with_its_file(
    root: Path, name: str, damage: Callable[[Path], object]
) -> None:
    damage(root / name)
    gravest = found(root)
    if damage is Path.unlink and name in ("slides.parquet", "modalities/clinical.parquet"):
        return  # a cohort may lack them
    assert gravest[0].level == "problem"
    assert Path(name).name in gravest[0].found
    assert found(root, repair=True)[0].level == "problem", "a table cannot be made up"


PARTS = ["embeddings/*/slide=a.parquet", "patches/*/slide=a.parquet", "ledger/*/*.jsonl"]


@pytest.mark.parametrize("pattern", PARTS)
def test_damage_of_a_result_is_named_and_set_aside(root: Path, pattern: str) -> None:
    path = one(root, pattern)
    flip(path)
    (problem,) = [f for f in found(root) if f.level == "problem"]
    assert str(path) in problem.found
    assert "msfusion cohort encode" in problem.remedy
    repaired = found(root, repair=True)
    assert {f.level for f in repaired} <= {"warning", "note"}
    assert list(path.parent.glob(f"{path.name}.*.corrupt"))
    assert {f.level for f in found(root)} == {"note"}, "what was set aside stays for who wants it"


def test_a_damaged_result_is_left_out_in_words_once_it_is_repaired(root: Path) -> None:
    flip(one(root, "embeddings/*/slide=a.parquet"))
    found(root, repair=True)
    cohort = Cohort.open(root)
    assert list(cohort.tables()["slide"].index) == ["P2"]
    (failure,) = cohort.status().failures
    assert (failure.slide_id, failure.code) == ("a", "StoreCorrupt")


def test_a_cut_archive_is_repaired_from_what_is_whole(root: Path) -> None:
    Cohort.open(root).compact()
    path = one(root, "embeddings/*/pack-*")
    path.write_bytes(path.read_bytes()[:3000])
    assert any(str(path) in f.found and f.level == "problem" for f in found(root))
    found(root, repair=True)
    assert {f.level for f in found(root)} == {"note"}
    assert Cohort.open(root).status().counts == {"failed": 2}


def test_lost_results_are_missed(root: Path) -> None:
    one(root, "embeddings/*/slide=a.parquet").unlink()
    (problem,) = [f for f in found(root) if f.level == "problem"]
    assert problem.found == "1 results that were committed are gone ('a')."
    found(root, repair=True)
    assert found(root) == []


def test_other_patients_in_a_table_are_a_problem(root: Path, tmp_path: Path) -> None:
    other = pd.DataFrame({"patient_id": ["X"], "diagnosis": ["x"], "age": [1]})
    stranger = Cohort.create(tmp_path / "other", patients=other)
    stranger.add_modality("clinical", other.drop(columns="diagnosis"))
    shutil.copy(stranger.root / "modalities/clinical.parquet", root / "modalities")
    assert "clinical holds 1 patients that the cohort lacks" in found(root)[0].found


def test_what_killed_processes_left_is_named_and_removed(root: Path) -> None:
    claims = one(root, "ledger/*") / "claims"
    machine = "0" * 8
    (root / f".tmp-{machine}-1-1-abcd.json").touch()  # of another machine: nobody can tell
    (claims / part_name("a").removesuffix(".parquet")).write_text(gone())
    (root / f".tmp-{gone()}-abcd.json").touch()
    texts = " ".join(f.found for f in found(root))
    assert "1 temporary files" in texts
    assert "1 slides are claimed" in texts
    found(root, repair=True)
    assert found(root) == []
    assert [path.name for path in root.glob(".tmp-*")] == [f".tmp-{machine}-1-1-abcd.json"]


def gone() -> str:
    """An owner with the number of a process, and the beginning of another."""
    from msfusion_sdk.files.owners import this_process

    machine, pid, began = this_process().split("-")
    return f"{machine}-{pid}-{int(began) - 1}"


def test_files_that_do_not_belong_there_are_noted(root: Path) -> None:
    (root / "key").write_bytes(b"secret")
    shutil.copy(one(root, "embeddings/*/slide=a.parquet"), root / "embeddings" / "x")
    texts = [f.found for f in found(root)]
    assert "1 files that do not belong to a cohort ('key')." in texts


def test_no_cohort_is_a_problem(tmp_path: Path) -> None:
    (problem,) = found(tmp_path)
    assert "holds no cohort" in problem.found


def attach(root: Path, folder: Path) -> None:
    folder.mkdir()
    for name in NAMES:
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["features"] = np.ones((3, 8), np.float32)
            file["coords"] = np.array([[0, 0], [224, 0], [0, 224]])
            file["coords"].attrs["patch_size_level0"] = 224
    Cohort.open(root).attach_features(folder, name="uni")


def test_attached_features_belong_to_a_cohort(root: Path, tmp_path: Path) -> None:
    attach(root, tmp_path / "h5")
    assert [f for f in found(root) if f.check in ("left over", "tables")] == []


def test_a_damaged_table_of_attached_features_is_a_problem(root: Path, tmp_path: Path) -> None:
    attach(root, tmp_path / "h5")
    flip(one(root, "features/*.parquet"))
    (problem,) = (f for f in found(root) if f.check == "tables")
    assert "attach-features" in problem.remedy
