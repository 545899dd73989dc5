"""An export holds what it says, the same bytes each time, and nothing private."""

import hmac
import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, SlideEmbedding
from msfusion_sdk.cohort.export.pseudonyms import PseudonymKeyWarning, Pseudonyms
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import StoreCorruptError, StoreError, StoreMixedFeaturesError, TableError

pytestmark = pytest.mark.slow

TOKEN = "Mustermann1947"
KEY = b"0123456789abcdef"
OWNERS = {"a": "P1", "b": "P1", "c": "P2", "d": "P3"}


@pytest.fixture(scope="module")
def made(
    slide_folder: Path,
    results: dict[str, SlideEmbedding],
    tmp_path_factory: pytest.TempPathFactory,
) -> Cohort:
    """Three patients, P1 with two slides, P3 whose slide failed; and all that is private."""
    folder = tmp_path_factory.mktemp("export")
    patients = pd.DataFrame(
        {
            "patient_id": ["P3", "P1", "P2", "P4"],
            "time_months": [12.5, 3.0, 40.0, 8.0],
            "event": [True, False, True, True],
            "diagnosis": ["luad", "lusc", "luad", "lusc"],
            "name": [TOKEN, "x", "y", "z"],
        }
    )
    slides = pd.DataFrame(
        {
            "slide_id": list(OWNERS),
            "patient_id": list(OWNERS.values()),
            "path": [str(slide_folder / f"{name}.svs") for name in OWNERS],
            "remark": TOKEN,
        }
    )
    clinical = pd.DataFrame(
        {
            "patient_id": ["P1", "P2", "P4"],
            "age": [61.0, None, 70.0],
            "sex": ["f", "f", "m"],
            "note": [f"{TOKEN} called", "left", "came back"],
            "seen": pd.to_datetime(["2021-03-01", "2021-04-01", "2021-05-01"]),
        }
    )
    cohort = Cohort.create(folder / TOKEN, patients=patients, slides=slides)
    cohort.add_modality("clinical", clinical)
    fingerprint = results["a"].provenance.model.fingerprint
    store = EmbeddingStore(cohort.root, fingerprint)
    store.prepare()
    for name in "abc":
        store.commit(results[name], patches=True)
    Ledger(cohort.root, fingerprint).write(
        SlideStatus(slide_id="d", status="failed", code="SlideCorrupt", reason=f"/x/{TOKEN}.svs")
    )
    return cohort


@pytest.fixture
def cohort(made: Cohort, tmp_path: Path) -> Cohort:
    """A copy that the test may change."""
    return Cohort.open(shutil.copytree(made.root, tmp_path / "copied" / TOKEN))


def metadata(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(pq.read_schema(path).metadata[b"msfusion_export"])
    return found


def test_a_row_per_patient_with_masks_and_nulls(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    report = cohort.export(tmp_path / "patients.parquet")
    rows = {row["patient_id"]: row for row in pq.read_table(report.path).to_pylist()}
    assert list(rows) == ["P1", "P2", "P3", "P4"]
    assert {name: row["has_slide"] for name, row in rows.items()} == {
        "P1": True,
        "P2": True,
        "P3": False,
        "P4": False,
    }
    assert rows["P1"]["slide.n_slides"] == 2
    assert rows["P3"]["slide.vector"] is None
    assert (rows["P2"]["clinical.age"], rows["P2"]["has_clinical"]) == (None, True)
    assert (rows["P3"]["clinical.age"], rows["P3"]["has_clinical"]) == (None, False)
    assert (rows["P1"]["survival.time"], rows["P1"]["survival.event"]) == (3.0, False)
    assert rows["P4"]["diagnosis.diagnosis"] == "lusc"


def test_the_vector_of_a_patient_is_the_mean_of_its_slides_by_tissue(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    cohort.export(tmp_path / "x.parquet")
    found = pq.read_table(tmp_path / "x.parquet").to_pylist()[0]["slide.vector"]
    one, other = results["a"], results["b"]
    areas = [r.provenance.tissue.area_mm2 for r in (one, other)]
    wanted = (areas[0] * one.vector + areas[1] * other.vector) / sum(areas)
    assert np.allclose(found, wanted, rtol=1e-5)


def test_a_name_that_promises_another_format_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"Name it table\.parquet"):
        cohort.export(tmp_path / "table.CSV")
    assert not (tmp_path / "table.CSV").exists()


def test_a_row_per_slide_with_status_and_code(cohort: Cohort, tmp_path: Path) -> None:
    report = cohort.export(tmp_path / "slides.parquet", level="slide")
    rows = {row["slide_id"]: row for row in pq.read_table(report.path).to_pylist()}
    assert (rows["d"]["status"], rows["d"]["code"], rows["d"]["vector"]) == (
        "failed",
        "SlideCorrupt",
        None,
    )
    assert len(rows["a"]["vector"]) == 1024
    assert report.slides["failed"] == 1


def test_a_row_per_patch(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    report = cohort.export(tmp_path / "patches.parquet", level="patch")
    table = pq.read_table(report.path)
    assert table.num_rows == report.rows == sum(results[n].patches.num_rows for n in "abc")
    mine = table.filter(np.array(table.column("slide_id").to_pylist()) == "b")
    assert mine.column("x").to_pylist() == results["b"].patches.column("x").to_pylist()


@pytest.mark.parametrize("level", ["patient", "slide", "patch"])
def test_pandas_arrow_duckdb_and_polars_read_the_same(
    cohort: Cohort, tmp_path: Path, level: str
) -> None:
    path = tmp_path / "x.parquet"
    rows = cohort.export(path, level=level).rows
    name = "slide.vector" if level == "patient" else "vector"
    wanted = ds.dataset(path).to_table().column(name).to_pylist()
    assert len(wanted) == rows
    by_duckdb = duckdb.sql(f"SELECT \"{name}\" FROM '{path}'").fetchall()
    for found in (
        pd.read_parquet(path)[name].tolist(),
        pl.read_parquet(path)[name].to_list(),
        [row[0] for row in by_duckdb],
    ):
        pairs = zip(found, wanted, strict=True)
        assert all((a is None and b is None) or np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("level", ["patient", "slide", "patch"])
@pytest.mark.parametrize("has_key", [False, True])
def test_no_byte_of_an_export_holds_what_is_private(
    cohort: Cohort, tmp_path: Path, level: str, has_key: bool
) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    path = tmp_path / "x.parquet"
    report = cohort.export(path, level=level, pseudonymise_key=key if has_key else None)
    # Pages are compressed: what they hold is looked at as text too.
    shown = str(pq.read_table(path).to_pylist()) + str(pq.read_schema(path).metadata)
    for private in (TOKEN, str(cohort.root.parent), "2021-03"):
        assert private.encode() not in path.read_bytes()
        assert private not in shown
    if level == "patient":
        assert set(report.left_out) == {"clinical.note", "clinical.seen"}


def test_pseudonyms_depend_on_the_key_and_on_nothing_else(cohort: Cohort, tmp_path: Path) -> None:
    def ids(secret: bytes, level: str) -> list[str]:
        (tmp_path / "key").write_bytes(secret)
        (tmp_path / "key").chmod(0o600)
        path = tmp_path / "x.parquet"
        cohort.export(path, level=level, pseudonymise_key=tmp_path / "key")
        found: list[str] = pq.read_table(path).column("patient_id").to_pylist()
        return sorted(set(found))

    one = ids(KEY, "patient")
    assert one == ids(KEY, "patient")
    assert set(ids(KEY, "slide")) < set(one), "tables can still be joined"
    assert not set(one) & set(ids(KEY[::-1], "patient"))


@pytest.mark.parametrize(
    "key", [bytes(32), b"k" * 32, b"abcdefgh" * 4, b"ab" * 20, b"0123456789abcde" * 3]
)
def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path, key: bytes) -> None:
    (tmp_path / "key").write_bytes(key)
    with pytest.raises(TableError, match="can be guessed"):
        Pseudonyms(tmp_path / "key")


def test_a_key_inside_the_cohort_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    (cohort.root / "key").write_bytes(KEY)
    (tmp_path / "link").symlink_to(cohort.root / "key")
    for key in (cohort.root / "key", tmp_path / "link"):
        with pytest.raises(TableError, match="lies in the cohort's folder"):
            cohort.export(tmp_path / "x.parquet", pseudonymise_key=key)
    (cohort.root / "key").unlink()


def test_a_key_is_not_written_over(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    with pytest.raises(TableError, match="written over"):
        cohort.export(tmp_path / "key", pseudonymise_key=tmp_path / "key")


def test_a_key_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o644)
    with pytest.warns(PseudonymKeyWarning, match="chmod 600"):
        Pseudonyms(tmp_path / "key")


def test_every_byte_of_a_key_counts(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    (tmp_path / "key").chmod(0o600)
    with pytest.warns(PseudonymKeyWarning, match="white space, which counts"):
        found = Pseudonyms(tmp_path / "key").of("patient", "P1")
    wanted = hmac.new(KEY + b"\n", b"patient:P1", "sha256").hexdigest()[:32]
    assert found == wanted


def test_a_column_leaves_when_it_is_allowed_by_name(cohort: Cohort, tmp_path: Path) -> None:
    report = cohort.export(tmp_path / "x.parquet", include=["clinical.seen"])
    assert (report.left_out, report.included) == (("clinical.note",), ("clinical.seen",))
    assert "clinical.seen" in pq.read_schema(report.path).names
    assert metadata(report.path)["included"] == ["clinical.seen"]
    with pytest.raises(TableError, match=r"no column clinical\.sean"):
        cohort.export(tmp_path / "x.parquet", include=["clinical.sean"])
    with pytest.raises(ValueError, match="a row is a slide"):
        cohort.export(tmp_path / "x.parquet", level="slide", include=["clinical.seen"])


def test_a_short_key_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"secret")
    with pytest.raises(TableError, match="head -c 32"):
        cohort.export(tmp_path / "x.parquet", pseudonymise_key=tmp_path / "key")


@pytest.mark.parametrize("level", ["patient", "slide", "patch"])
def test_the_same_cohort_gives_the_same_bytes(cohort: Cohort, tmp_path: Path, level: str) -> None:
    for name in ("one", "two"):
        cohort.export(tmp_path / name, level=level)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_metadata_say_what_the_vectors_are_of(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    cohort.export(tmp_path / "x.parquet")
    found = metadata(tmp_path / "x.parquet")
    assert found["fingerprint"] == results["a"].provenance.model.fingerprint
    assert found["model"]["config"]["name"] == "small"
    assert found["slides"]["failed"] == 1


def test_chosen_tables_only(cohort: Cohort, tmp_path: Path) -> None:
    cohort.export(tmp_path / "x.parquet", modalities=["clinical"])
    names = pq.read_schema(tmp_path / "x.parquet").names
    assert names == ["patient_id", "has_clinical", "clinical.age", "clinical.sex"]
    with pytest.raises(TableError, match=r"no rna \(known: slide, clinical"):
        cohort.export(tmp_path / "x.parquet", modalities=["rna"])


def test_a_damaged_part_is_an_error_until_it_is_encoded_again(
    cohort: Cohort,
    results: dict[str, SlideEmbedding],
    wanted: dict[str, PartKey],
    tmp_path: Path,
) -> None:
    store = EmbeddingStore(cohort.root, results["c"].provenance.model.fingerprint)
    data = bytearray(store.part("c").read_bytes())
    data[len(data) // 2] ^= 4
    store.part("c").write_bytes(data)
    with pytest.raises(StoreCorruptError, match=r"1 slides.*first: c"):
        cohort.export(tmp_path / "x.parquet", level="slide")
    assert store.find(wanted["c"]) is None, "who encodes sets it aside"
    store.commit(results["c"])
    assert "not_encoded" not in cohort.export(tmp_path / "x.parquet", level="slide").slides


def test_vectors_of_two_models_are_not_mixed(
    cohort: Cohort, results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    other = cohort.root / "embeddings" / "0123456789"
    other.mkdir()
    with pytest.raises(StoreMixedFeaturesError, match="2 models"):
        cohort.export(tmp_path / "x.parquet")
    mine = results["a"].provenance.model.fingerprint
    assert cohort.export(tmp_path / "x.parquet", model=mine[:6]).fingerprint == mine


def test_before_encoding_tables_can_be_exported_and_slides_not(tmp_path: Path) -> None:
    patients = pd.DataFrame({"patient_id": ["1", "2", "3", "4"], "diagnosis": ["x", "y"] * 2})
    cohort = Cohort.create(tmp_path / "c", patients=patients)
    assert cohort.export(tmp_path / "x.parquet").rows == 4
    with pytest.raises(StoreError, match="Run msfusion cohort encode first"):
        cohort.export(tmp_path / "x.parquet", level="slide")


def test_packed_slides_are_exported_and_counted_alike(cohort: Cohort, tmp_path: Path) -> None:
    before = cohort.export(tmp_path / "x.parquet", level="slide")
    data = before.path.read_bytes()
    assert cohort.compact() == 3
    assert cohort.export(tmp_path / "x.parquet", level="slide").path.read_bytes() == data
    assert cohort.status().counts == {"failed": 1, "ok_with_warnings": 3}
