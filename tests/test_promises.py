"""What must never change: files of version 0.1.0 open, resume, export and predict as they did."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, FusionClassifier, FusionSurvival, SlideEmbedding, SlideEncoder
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES
from msfusion_sdk.storage.schema import read_stored, write_stored
from msfusion_sdk.study.evaluation_record import EvaluationRecord
from msfusion_sdk.study.models import predict_on_cohort
from msfusion_sdk.study.training_record import TrainingRecord

pytestmark = pytest.mark.slow

V0_1 = Path(__file__).parent / "data" / "v0_1"
FINGERPRINT = "10e38b723d39efab350e81b9c2129482cd7705cf781daacfa2e83b932e9eaafb"
IDS = {"patient_id": str}


@pytest.fixture(scope="module")
def encoder() -> SlideEncoder:
    return SlideEncoder.from_pretrained(device="cpu", precision="fp32")


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """A copy of the cohort, its slides where its slide table now says."""
    slides = Path(shutil.copytree(V0_1 / "slides", tmp_path / "slides"))
    root = Path(shutil.copytree(V0_1 / "cohort", tmp_path / "cohort"))
    return moved(root, slides)


def moved(root: Path, slides: Path) -> Cohort:
    """Write the new paths into the slide table, and give the files the times they had."""
    table, notes = read_stored(root / "slides.parquet", "slides")
    paths = [str(slides / Path(path).name) for path in table.column("path").to_pylist()]
    table = table.set_column(table.schema.get_field_index("path"), "path", pa.array(paths))
    write_stored(root / "slides.parquet", table, notes, kind="slides")
    for part in root.glob("embeddings/*/slide=*.parquet"):
        slide = SlideEmbedding.from_parquet(part)
        stamp = slide.provenance.slide.mtime_ns
        os.utime(slides / f"{slide.slide_id}.jpg", ns=(stamp, stamp))
    return Cohort.open(root)


def is_by_this_arrow(path: Path) -> bool:
    return pq.read_metadata(path).created_by.endswith(f"version {pa.__version__}")


def test_the_embedded_model_has_its_fingerprint(encoder: SlideEncoder) -> None:
    assert encoder.fingerprint == FINGERPRINT


def test_the_embedded_model_gives_its_vector(encoder: SlideEncoder) -> None:
    before = SlideEmbedding.from_parquet(V0_1 / "one.parquet")
    now = encoder.encode(V0_1 / "slides" / "one.jpg", mpp=0.5)
    assert now.vector == pytest.approx(before.vector, rel=1e-4, abs=1e-5)
    assert now.patches.drop_columns(["context_score", "tile_scores", "weight", "vector"]).equals(
        before.patches.drop_columns(["context_score", "tile_scores", "weight", "vector"])
    )


def test_a_result_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    stored = V0_1 / "one.parquet"
    if not is_by_this_arrow(stored):
        pytest.skip("another version of pyarrow lays out Parquet in its own way")
    written = SlideEmbedding.from_parquet(stored).to_parquet(tmp_path / "one.parquet")
    assert written.read_bytes() == stored.read_bytes()


def test_a_result_gives_the_same_geojson(tmp_path: Path) -> None:
    result = SlideEmbedding.from_parquet(V0_1 / "one.parquet")
    written = result.to_geojson(tmp_path / "one.geojson")
    assert written.read_bytes() == (V0_1 / "one.geojson").read_bytes()


@pytest.mark.process
def test_a_cohort_goes_on_where_it_was(cohort: Cohort, encoder: SlideEncoder) -> None:
    before = {path: path.read_bytes() for path in cohort.root.glob("*/*/slide=*.parquet")}
    run = cohort.encode(encoder, patches=True)
    statuses = {status.slide_id: status.status for status in run.statuses}
    assert statuses == {
        "one": "ok_with_warnings", "two": "ok_with_warnings", "blank": "empty", "gone": "failed",
    }  # fmt: skip
    assert {p: p.read_bytes() for p in cohort.root.glob("*/*/slide=*.parquet")} == before


@pytest.mark.parametrize("level", ["patient", "slide"])
@pytest.mark.parametrize("name", ["cohort", "cohort_packed"])
def test_a_cohort_exports_what_it_did(name: str, level: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(V0_1 / name, tmp_path / name))
    path = tmp_path / "export.parquet"
    Cohort.open(root).export(path, level=level)
    before = V0_1 / f"export_{level}.parquet"
    assert pq.read_table(path).equals(pq.read_table(before), check_metadata=False)
    if is_by_this_arrow(before) and Cohort.open(root).manifest.sdk_version == "0.1.0":
        assert pq.read_schema(path).names == pq.read_schema(before).names


@pytest.mark.parametrize("outcome", ["survival", "diagnosis"])
def test_a_model_of_a_cohort_predicts_what_it_did(outcome: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(V0_1 / "cohort", tmp_path / "cohort"))
    with pytest.warns(UserWarning, match="learned from"):
        predicted = predict_on_cohort(Cohort.open(root), V0_1 / f"model_{outcome}")
    before = pd.read_csv(V0_1 / f"predicted_{outcome}.csv", index_col=0, dtype=IDS)
    pd.testing.assert_frame_equal(predicted, before, rtol=1e-9, check_names=False)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", ["survival", "classes"])
def test_every_strategy_predicts_what_it_did(kind: str, strategy: str) -> None:
    folder = V0_1 / "strategies" / f"{kind}_{strategy}"
    tables = {
        name: pd.read_csv(V0_1 / "inputs" / f"{name}.csv", dtype=IDS).set_index("patient_id")
        for name in ("clinical", "slide")
    }
    if kind == "survival":
        predicted = FusionSurvival.load(folder).predict_risk(tables).to_frame()
    else:
        predicted = FusionClassifier.load(folder).predict_proba(tables)
    before = pd.read_csv(f"{folder}.csv", index_col=0, dtype=IDS)
    assert list(predicted.index) == list(before.index)
    # Of single precision, as the strategies that torch trains are: another processor rounds anew.
    np.testing.assert_allclose(predicted.to_numpy(), before.to_numpy(), rtol=1e-6, atol=1e-6)


def test_records_are_read() -> None:
    assert TrainingRecord.read(V0_1 / "model_survival").patients == 39
    record = EvaluationRecord.read(V0_1 / "evaluation")
    assert (record.kind, record.unit, record.bootstrap) == ("survival", "months", 20)
