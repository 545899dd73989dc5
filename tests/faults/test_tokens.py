"""What is private is planted everywhere, and no byte that leaves holds any of it."""

import gzip
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tifffile

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.inspect.encode_folder import encode_to_folder
from msfusion_sdk.report.write import write_report
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.models import evaluate_on_cohort, predict_to_file
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.testing.tissue import he_texture

pytestmark = pytest.mark.slow

PATIENTS = 24
TOKENS = {
    "description": "Mustermann",
    "label": "LABELTOKEN",
    "file name": "CASE4711",
    "folder name": "WARD9",
    "note": "CALLEDTWICE",
    "address": "Lindenstrasse",
    "date": "2019-03-11",
    "barcode": "S19-77777",
}
IDS = "HOSPITAL"


def write_slide(path: Path, seed: int) -> None:
    """A slide of one level with all that an old scanner leaves in it."""
    pixels = np.tile(he_texture(seed), (3, 4, 1))[:768, :1024]
    texts = f"|Patient = {TOKENS['description']}|Filename = {TOKENS['file name']}"
    texts += f"|Date = {TOKENS['date']}|Barcode = {TOKENS['barcode']}"
    head = "Aperio Image Library v12.0.15 \r\n1024x768 (256x256) JPEG/YCC Q=90"
    label = np.full((64, 64, 3), 255, np.uint8)
    plain: dict[str, Any] = {"metadata": None, "software": False}
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(
            pixels, photometric="rgb", tile=(256, 256), compression="jpeg",
            description=f"{head}|AppMag = 40|MPP = 0.25{texts}",
            datetime="2019:03:11 10:00:00", **plain,
        )  # fmt: skip
        for name in ("thumbnail", "label", "macro"):
            text = f"Aperio Image Library v12.0.15 \r\n{name} {TOKENS['label']}"
            tiff.write(label, photometric="rgb", rowsperstrip=16, description=text, **plain)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory, small_encoder: SlideEncoder) -> Cohort:
    folder = tmp_path_factory.mktemp("private") / TOKENS["folder name"]
    folder.mkdir()
    ids = [f"{IDS}{number:02d}" for number in range(PATIENTS)]
    for number in range(2):
        write_slide(folder / f"{TOKENS['file name']}-{number}.svs", number)
    age = np.arange(PATIENTS) + 40.0
    patients = pd.DataFrame({"patient_id": ids, "diagnosis": np.where(age > 51, "x", "y")})
    slides = pd.DataFrame(
        {
            "slide_id": ["s0", "s1"],
            "patient_id": ids[:2],
            "path": [str(folder / f"{TOKENS['file name']}-{number}.svs") for number in range(2)],
        }
    )
    clinical = pd.DataFrame(
        {
            "patient_id": ids,
            "age": age + np.random.default_rng(0).normal(0, 4, PATIENTS),
            "note": [TOKENS["note"], *["none"] * (PATIENTS - 1)],
            "street": [TOKENS["address"]] * PATIENTS,
            "specimen_no": [f"{TOKENS['barcode']}{number}" for number in range(PATIENTS)],
        }
    )
    made = Cohort.create(folder / "cohort", patients=patients, slides=slides)
    made.add_modality("clinical", clinical)
    # A table of its own: no model learns from dates.
    visits = pd.DataFrame({"patient_id": ids, "seen": [TOKENS["date"]] * PATIENTS})
    made.add_modality("visits", visits)
    made.encode(small_encoder, patches=True)
    return made


def texts_of(path: Path) -> Iterator[bytes]:
    """Yield all that a file shows: its bytes, and what is compressed in them."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet":
        yield str(pq.read_table(path).to_pylist()).encode()
        yield str(pq.read_schema(path).metadata).encode()
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)


def require_no_token(files: list[Path], *, ids: bool = False) -> None:
    assert files
    for path in files:
        for text in texts_of(path):
            assert str(path.name).encode() or text
            for what, token in TOKENS.items():
                assert token.encode() not in text, f"{what} in {path.name}"
            assert not ids or IDS.encode() not in text, f"ids in {path.name}"


@pytest.mark.parametrize("level", ["patient", "slide", "patch"])
def test_an_export_with_a_key(cohort: Cohort, tmp_path: Path, level: Any) -> None:
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "key").chmod(0o600)
    path = tmp_path / "x.parquet"
    report = cohort.export(path, level=level, pseudonymise_key=tmp_path / "key")
    require_no_token([path], ids=True)
    if level == "patient":
        assert set(report.left_out) == {
            *(f"clinical.{n}" for n in ("note", "street", "specimen_no")),
            "visits.seen",
        }


def test_results_of_single_slides(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    assert cohort.slides is not None
    slides = [str(row["path"]) for row in cohort.slides.to_pylist()]
    results = list(encode_to_folder(small_encoder, slides, tmp_path))
    assert {result.status for result in results} <= {"ok", "ok_with_warnings"}
    for path in tmp_path.iterdir():
        # A result is named after its slide, and says so; what else is in the file is not there.
        for text in texts_of(path):
            for what in ("description", "label", "date", "barcode", "folder name"):
                assert TOKENS[what].encode() not in text, f"{what} in {path.name}"


def test_a_model_its_predictions_and_an_evaluation(cohort: Cohort, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few patients, and predictions for those of training
        train_on_cohort(cohort, "diagnosis", tmp_path / "model", modalities=["clinical"])
        predict_to_file(cohort, tmp_path / "model", tmp_path / "p.csv")
    evaluation = evaluate_on_cohort(
        cohort, "diagnosis", folds=2, bootstrap=0, modalities=["clinical"]
    )
    write_evaluation(evaluation, tmp_path / "evaluation")
    require_no_path(tmp_path, cohort.root.parent)


def require_no_path(folder: Path, private: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        for text in texts_of(path):
            assert str(private).encode() not in text, path.name
            assert TOKENS["folder name"].encode() not in text, path.name


def test_a_report(cohort: Cohort, tmp_path: Path) -> None:
    path = write_report([cohort.root], tmp_path / "r.html")
    require_no_path(tmp_path, cohort.root.parent)
    for what in ("description", "label", "note", "address", "barcode"):
        assert TOKENS[what].encode() not in path.read_bytes(), what


def test_the_ledger_alone_may_name_files(cohort: Cohort) -> None:
    public = [*cohort.root.glob("embeddings/*/*"), *cohort.root.glob("patches/*/*")]
    require_no_token(public)
    assert json.loads((cohort.root / "cohort.json").read_text())["findings"] is not None
