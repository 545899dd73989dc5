"""A trained model on slides and tables that it never saw."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, SlideClassifier, SlideEncoder
from msfusion_sdk.cohort.store.ledger import DONE
from msfusion_sdk.deployment.apply import apply_to_cohort, apply_to_slides
from msfusion_sdk.deployment.new_slides import read_new_slides
from msfusion_sdk.deployment.to_file import apply_to_file
from msfusion_sdk.errors import (
    DuplicateIdError,
    MissingModalityError,
    StoreMixedFeaturesError,
    TableError,
)
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel

from .conftest import encode_here

pytestmark = [
    pytest.mark.filterwarnings("ignore::msfusion_sdk.study.learnable.FewOutcomesWarning"),
    pytest.mark.usefixtures("coarse"),
    pytest.mark.slow,
]


def test_new_slides_get_what_encode_and_predict_give(
    diagnosis_model: Path, encoder: SlideEncoder, new: list[Path], encoded: Path
) -> None:
    applied = apply_to_slides(
        TrainedModel.load(diagnosis_model), new, encoded, mpp=0.25, encoder=encoder
    )
    classifier = SlideClassifier.load(diagnosis_model, device="cpu", precision="fp32")
    for path, (name, row) in zip(new, applied.predictions.iterrows(), strict=True):
        wanted, _ = classifier.classify(path, mpp=0.25)
        assert (name, row["n_slides"], row["reason"]) == (path.stem, 1, "")
        assert row["class"] == wanted.idxmax()
        assert row[["proba_dots", "proba_stripes"]].tolist() == pytest.approx(wanted.tolist())


@pytest.mark.process
def test_a_damaged_slide_costs_its_own_patient_only(
    diagnosis_model: Path, encoder: SlideEncoder, new: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.svs"
    bad.write_bytes(b"")
    applied = apply_to_slides(
        TrainedModel.load(diagnosis_model), [*new, bad], tmp_path, mpp=0.25, encoder=encoder
    )
    assert (applied.n_predicted, len(applied.failed)) == (2, 1)
    row = applied.predictions.loc["bad"]
    assert pd.isna(row["class"])
    assert row["reason"].startswith("bad: [SlideCorrupt]")
    assert applied.predictions.loc["s12", "reason"] == ""


def test_survival_of_slides_and_tables_at_stated_times(
    survival_model: Path, encoder: SlideEncoder, new: list[Path], encoded: Path
) -> None:
    ages = pd.DataFrame({"patient_id": ["s12", "alone"], "age": [64.0, 66.0]})
    applied = apply_to_slides(
        TrainedModel.load(survival_model),
        new,
        encoded,
        tables={"clinical": ages},
        times=[6, 24],
        mpp=0.25,
        encoder=encoder,
    )
    rows = applied.predictions
    assert list(rows.index) == ["s12", "s13", "alone"]
    assert rows["n_slides"].tolist() == [1, 1, 0]
    assert (rows["survival@6"] >= rows["survival@24"]).all()
    assert rows.loc["s12", "risk"] > rows.loc["s13", "risk"]  # dots die early


def test_two_slides_of_a_patient_are_one_prediction(
    diagnosis_model: Path, encoder: SlideEncoder, new: list[Path], tmp_path: Path
) -> None:
    table = pd.DataFrame(
        {"slide_id": ["a", "b"], "patient_id": ["one", "one"], "path": new, "mpp": [0.25, 0.25]}
    )
    applied = apply_to_slides(TrainedModel.load(diagnosis_model), table, tmp_path, encoder=encoder)
    assert applied.predictions["n_slides"].to_dict() == {"one": 2}


def test_a_cohort_gets_a_row_for_everybody(
    diagnosis_model: Path, encoder: SlideEncoder, new: list[Path], tmp_path: Path
) -> None:
    slides = {"slide_id": ["s12", "s13"], "patient_id": ["p12", "p13"], "path": new, "mpp": 0.25}
    patients = pd.DataFrame({"patient_id": ["p99", "p12", "p13"]})
    cohort = Cohort.create(tmp_path / "cohort", patients=patients, slides=pd.DataFrame(slides))
    encode_here(encoder, cohort.root, dict(zip(["s12", "s13"], new, strict=True)))
    applied = apply_to_cohort(TrainedModel.load(diagnosis_model), cohort, encoder=encoder)
    assert applied.predictions["class"].fillna("").tolist() == ["", "dots", "stripes"]
    assert applied.predictions.loc["p99", "reason"].startswith("has no value in any table")
    assert [status.status in DONE for status in applied.slides] == [True, True]


@pytest.mark.filterwarnings("ignore::msfusion_sdk.tables.issues.TableWarning")
def test_tables_unlike_those_of_training_are_named(survival_model: Path, tmp_path: Path) -> None:
    ages = pd.DataFrame({"patient_id": [f"n{i}" for i in range(9)], "age": np.arange(9) + 71.0})
    applied = apply_to_slides(
        TrainedModel.load(survival_model), (), tmp_path, tables={"clinical": ages}
    )
    assert any(
        text.startswith("clinical: age: 9 of 9 outside 60 to 67") for text in applied.warnings
    )
    assert any(text.startswith("slide: no patient has slide") for text in applied.warnings)


def test_the_file_says_what_made_it_and_the_working_folder_goes(
    diagnosis_model: Path, encoded: Path, new: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "predictions.parquet"
    shutil.copytree(encoded, tmp_path / ".predictions.parquet.slides")
    options = {"mpp": 0.25, "device": "cpu", "precision": "fp32", "heat_maps": tmp_path / "maps"}
    applied = apply_to_file(diagnosis_model, path, slides=new[:1], **options)
    assert applied.pictures == {"s12": tmp_path / "maps" / "s12.png"}
    stored = pq.read_table(path)
    assert json.loads(stored.schema.metadata[b"msfusion"])["outcome"] == "diagnosis"
    assert stored.column("patient_id").to_pylist() == ["s12"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["maps", "predictions.parquet"]


def test_what_cannot_be_meant_is_refused(
    diagnosis_model: Path,
    training: Cohort,
    small_encoder: SlideEncoder,
    new: list[Path],
    tmp_path: Path,
) -> None:
    model = TrainedModel.load(diagnosis_model)
    with pytest.raises(StoreMixedFeaturesError, match=small_encoder.fingerprint[:12]):
        apply_to_slides(model, new, tmp_path / "w", encoder=small_encoder)
    with pytest.raises(TableError, match="did not learn from 'genomics'"):
        apply_to_slides(model, (), tmp_path / "w", tables={"genomics": tmp_path / "g.csv"})
    with pytest.raises(MissingModalityError, match=r"Nobody has anything.*[^.]\. Give slides"):
        apply_to_slides(model, (), tmp_path / "w")
    train_on_cohort(training, "diagnosis", tmp_path / "ages", modalities=["clinical"])
    with pytest.raises(MissingModalityError, match="did not learn from slides"):
        apply_to_slides(TrainedModel.load(tmp_path / "ages"), new, tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_slides_of_one_name_need_a_table(tmp_path: Path) -> None:
    paths = [tmp_path / "A" / "S1.svs", tmp_path / "B" / "S1.svs"]
    with pytest.raises(DuplicateIdError, match="Give a table with slide_id"):
        read_new_slides(paths)
    with pytest.raises(TableError, match="Give one table"):
        read_new_slides([*paths, "slides.csv"])
