"""AnnData of an export says what the Parquet file of it says, read back by anndata itself."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, SlideEmbedding
from msfusion_sdk.cohort.export.annotated import annotated_rows
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import AddressError, MissingExtraError, StoreError, TableError

pytestmark = pytest.mark.slow

anndata = pytest.importorskip("anndata", reason="needs the extra [anndata]")

OWNERS = {"a": "P1", "b": "P1", "c": "P2"}


@pytest.fixture(scope="module")
def cohort(
    slide_folder: Path,
    results: dict[str, SlideEmbedding],
    tmp_path_factory: pytest.TempPathFactory,
) -> Cohort:
    """P1 with two slides, P2 with one, P3 with none and nothing in the clinical table."""
    ids = ["P3", "P1", "P2"]
    patients = pd.DataFrame(
        {"patient_id": ids, "time_months": [12.5, 3.0, 40.0], "event": [True, False, True]}
    )
    slides = pd.DataFrame(
        {
            "slide_id": list(OWNERS),
            "patient_id": list(OWNERS.values()),
            "path": [str(slide_folder / f"{name}.svs") for name in OWNERS],
        }
    )
    made = Cohort.create(tmp_path_factory.mktemp("ad") / "c", patients=patients, slides=slides)
    words = {"patient_id": ["P1", "P2"], "age": [61.0, None], "sex": ["f", "f"]}
    made.add_modality("clinical", pd.DataFrame(words))
    numbers = {"patient_id": ids, "TP53": [0.5, 1.5, None], "n/a": [1, 2, 3]}
    made.add_modality("expression", pd.DataFrame(numbers))
    store = EmbeddingStore(made.root, results["a"].provenance.model.fingerprint)
    store.prepare()
    for name in OWNERS:
        store.commit(results[name], patches=True)
    return made


def read(path: Path, form: str) -> Any:
    return anndata.read_h5ad(path) if form == "anndata" else anndata.read_zarr(path)


@pytest.mark.parametrize("form", ["anndata", "zarr"])
def test_patients_have_vectors_in_x_and_tables_in_obs_and_obsm(
    form: str, cohort: Cohort, tmp_path: Path
) -> None:
    cohort.export(tmp_path / "x.parquet")
    rows = pq.read_table(tmp_path / "x.parquet").to_pandas().set_index("patient_id")
    report = cohort.export(tmp_path / "x", format=form)
    found = read(tmp_path / "x", form)
    assert list(found.obs_names) == list(rows.index) == ["P1", "P2", "P3"]
    assert (found.shape, report.rows) == ((3, 1024), 3)
    assert np.array_equal(found.X[:2], np.stack(rows["slide.vector"][:2]))
    assert np.isnan(found.X[2]).all()
    assert found.obs["slide.n_slides"].tolist() == [2, 1, 0]
    assert found.obs["survival.time"].tolist() == [3.0, 40.0, 12.5]
    assert found.obs["survival.event"].tolist() == [False, True, True]
    assert found.obs["clinical.sex"].tolist()[:2] == ["f", "f"]
    assert found.obs["clinical.sex"].isna().tolist() == [False, False, True]
    assert found.obs["has_clinical"].tolist() == [True, True, False]
    assert found.obsm["expression"]["n_a"].tolist() == [2, 3, 1]
    assert np.array_equal(found.obsm["expression"]["TP53"], [1.5, np.nan, 0.5], equal_nan=True)


def test_slides_have_a_row_each(cohort: Cohort, tmp_path: Path) -> None:
    cohort.export(tmp_path / "x.h5ad", level="slide", format="anndata")
    found = read(tmp_path / "x.h5ad", "anndata")
    assert found.obs["patient_id"].to_dict() == OWNERS
    assert found.obs["status"].str.startswith("ok").all()
    assert np.isfinite(found.X).all()


def test_patches_are_a_file_per_slide_with_their_centres(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    report = cohort.export(tmp_path / "p", level="patch", format="anndata")
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "a.h5ad",
        "b.h5ad",
        "c.h5ad",
    ]
    found, patches = read(tmp_path / "p" / "b.h5ad", "anndata"), results["b"].patches.to_pandas()
    assert np.array_equal(found.X, np.stack(patches["vector"]))
    assert np.array_equal(found.obsm["spatial"][:, 0], patches["x"] + patches["size_px"] / 2)
    assert np.array_equal(found.obsm["tile_scores"], np.stack(patches["tile_scores"]))
    assert np.array_equal(found.obs["weight"], patches["weight"])
    assert report.rows == sum(results[name].patches.num_rows for name in OWNERS)


def test_what_is_private_stays_and_the_notes_come_along(cohort: Cohort, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    (tmp_path / "out").mkdir()
    report = cohort.export(tmp_path / "out/x.h5ad", format="anndata", pseudonymise_key=key)
    found = read(tmp_path / "out/x.h5ad", "anndata")
    assert not set(OWNERS.values()) & set(found.obs_names)
    notes = json.loads(found.uns["msfusion_export"])
    assert (notes["fingerprint"], notes["pseudonymised"]) == (report.fingerprint, True)


def test_an_older_store_is_replaced_and_nothing_else_is(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter.txt").touch()
    with pytest.raises(StoreError, match="is no Zarr store"):
        cohort.export(tmp_path / "own", format="zarr")
    cohort.export(tmp_path / "x.zarr", format="zarr")
    cohort.export(tmp_path / "x.zarr", level="slide", format="zarr")
    assert read(tmp_path / "x.zarr", "zarr").obs.index.name == "slide_id"
    with pytest.raises(StoreError, match="a file for each slide"):
        cohort.export(tmp_path / "own", level="patch", format="zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own", "x.zarr"]


def test_columns_that_would_become_one_are_named() -> None:
    table = pa.table({"patient_id": ["P1"], "both.a/b": [1.0], "both.a_b": [3.0]})
    with pytest.raises(TableError, match=r"a/b.*a_b would be one"):
        annotated_rows(table, "patient_id", {})


def test_without_the_extra_the_error_holds_the_command(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(MissingExtraError, match=r'pip install "msfusion-sdk\[anndata\]"'):
        cohort.export(tmp_path / "x.h5ad", format="anndata", modalities=["clinical"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("level", "form"), [("patient", "zarr"), ("patch", "anndata"), ("patch", "zarr")]
)
def test_a_folder_lies_on_a_disk(level: str, form: str, cohort: Cohort) -> None:
    with pytest.raises(AddressError, match="lies on a disk"):
        cohort.export("s3://bucket/x", level=level, format=form)


@pytest.mark.parametrize(
    ("name", "form", "promised"),
    [
        ("all.h5ad", "parquet", "anndata"),
        ("all.H5AD", "parquet", "anndata"),
        ("all.zarr", "parquet", "zarr"),
        ("all.zarr", "anndata", "zarr"),
        ("all.parquet", "anndata", "parquet"),
        ("all.h5ad", "zarr", "anndata"),
    ],
)
def test_a_file_of_another_format_is_not_overwritten(
    name: str, form: str, promised: str, cohort: Cohort, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("of before")
    with pytest.raises(TableError, match=rf"format='{promised}' \(--format {promised}\)"):
        cohort.export(tmp_path / name, format=form)
    assert (tmp_path / name).read_text() == "of before"


def test_an_unknown_format_says_which_there_are(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="parquet, anndata, zarr"):
        cohort.export(tmp_path / "x", format="csv")
