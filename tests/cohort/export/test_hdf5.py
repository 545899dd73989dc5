from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEmbedding
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import NonFiniteError, ShapeError, StoreCorruptError, TableError

pytestmark = pytest.mark.slow

OWNERS = {"a": "P1", "b": "P1", "c": "P2"}


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    slides = pd.DataFrame(
        {
            "slide_id": list(OWNERS),
            "patient_id": list(OWNERS.values()),
            "path": [f"{name}.svs" for name in OWNERS],
        }
    )
    patients = pd.DataFrame({"patient_id": ["P1", "P2"]})
    return Cohort.create(tmp_path / "cohort", patients=patients, slides=slides)


def write(folder: Path, name: str, features: np.ndarray, coords: np.ndarray | None = None) -> None:
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["features"] = features
        file["coords"] = np.zeros((features.shape[-2], 2)) if coords is None else coords


def test_a_folder_of_features_becomes_vectors(cohort: Cohort, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = {"a": rng.normal(size=(7, 384)), "b": rng.normal(size=(1, 5, 384))}
    for name, values in features.items():
        write(tmp_path / "h5", name, values)
    write(tmp_path / "h5", "stranger", features["a"])
    counts = cohort.import_features(tmp_path / "h5", name="uni")
    assert counts == {"imported": 2, "without_file": 1, "unknown_files": 1}
    table = cohort.tables()["slide"]
    # No tissue area is known: both slides of P1 count alike.
    wanted = (features["a"].mean(axis=0) + features["b"][0].mean(axis=0)) / 2
    assert np.allclose(table.loc["P1"], wanted, atol=1e-6)
    assert list(table.index) == ["P1"]
    cohort.export(tmp_path / "x.parquet")
    assert len(pd.read_parquet(tmp_path / "x.parquet")["slide.vector"][0]) == 384


def test_imported_vectors_can_be_packed(cohort: Cohort, tmp_path: Path) -> None:
    write(tmp_path / "h5", "a", np.ones((3, 16)))
    cohort.import_features(tmp_path / "h5", name="uni")
    cohort.compact()
    assert np.array_equal(cohort.tables()["slide"].loc["P1"], np.ones(16))


@pytest.mark.parametrize(
    ("features", "coords", "error"),
    [
        (np.full((3, 4), np.nan), None, NonFiniteError),
        (np.zeros((3, 4)), np.zeros((2, 2)), ShapeError),
        (np.zeros((2, 3, 4)), None, ShapeError),
        (np.zeros((0, 4)), None, ShapeError),
    ],
    ids=["NaN", "fewer coords", "two slides", "no patch"],
)
def test_features_that_cannot_be_used_are_named(
    cohort: Cohort, tmp_path: Path, features: np.ndarray, coords: np.ndarray, error: type[Exception]
) -> None:
    write(tmp_path / "h5", "a", features, coords)
    with pytest.raises(error, match=r"a\.h5"):
        cohort.import_features(tmp_path / "h5", name="uni")


def test_a_file_that_cannot_be_used_costs_its_own_slide_alone(
    cohort: Cohort, tmp_path: Path
) -> None:
    write(tmp_path / "h5", "a", np.full((3, 4), np.nan))
    write(tmp_path / "h5", "b", np.ones((3, 4)))
    (tmp_path / "h5" / "c.h5").write_bytes(b"no HDF5")
    with pytest.raises(NonFiniteError, match=r"2 of 3 files .* a\.h5 .*c\.h5"):
        cohort.import_features(tmp_path / "h5", name="uni")
    assert np.array_equal(cohort.tables()["slide"].loc["P1"], np.ones(4))


def test_features_of_two_models_under_one_name_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    write(tmp_path / "h5", "a", np.zeros((3, 4)))
    write(tmp_path / "h5", "b", np.zeros((3, 5)))
    with pytest.raises(ShapeError, match="one model under one name"):
        cohort.import_features(tmp_path / "h5", name="uni")


def test_a_damaged_file_and_foreign_names_are_errors(cohort: Cohort, tmp_path: Path) -> None:
    folder = tmp_path / "h5"
    folder.mkdir()
    with pytest.raises(TableError, match=r"<slide_id>\.h5"):
        cohort.import_features(folder, name="uni")
    (folder / "a.h5").write_bytes(b"no HDF5")
    with pytest.raises(StoreCorruptError, match="damaged"):
        cohort.import_features(folder, name="uni")


def test_patch_rows_are_written_in_the_same_layout(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="Run msfusion cohort encode first"):
        cohort.export_features(tmp_path / "out")
    store = EmbeddingStore(cohort.root, results["a"].provenance.model.fingerprint)
    store.prepare()
    store.commit(results["a"], patches=True)
    assert cohort.export_features(tmp_path / "out") == 1
    with h5py.File(tmp_path / "out" / "a.h5") as file:
        patches = results["a"].patches
        assert np.array_equal(file["features"], np.stack(patches.column("vector").to_pylist()))
        assert file["coords"][0].tolist() == [patches["x"][0].as_py(), patches["y"][0].as_py()]
        assert file["coords"].attrs["patch_size_level0"] == patches["size_px"][0].as_py()
