"""A model of patch vectors: learned from a cohort, saved, and applied to it again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from msfusion_sdk import Cohort, SlideClassifier, SlideEncoder
from msfusion_sdk.cli.main import app
from msfusion_sdk.deployment import apply_to_slides
from msfusion_sdk.errors import StoreError, TableError
from msfusion_sdk.study.explaining import explain_on_cohort
from msfusion_sdk.study.explanation_folder import ExplanationRecord, write_explanation
from msfusion_sdk.study.models import SeenPatientsWarning, predict_on_cohort
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.study.training_record import TrainingRecord
from msfusion_sdk.testing import make_slide

pytestmark = [
    pytest.mark.filterwarnings("ignore::msfusion_sdk.study.FewOutcomesWarning"),
    pytest.mark.usefixtures("coarse"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory, small_encoder: SlideEncoder) -> Cohort:
    """Eight patients with a slide each, its patches stored; the last slide is bare glass."""
    folder = tmp_path_factory.mktemp("with-patches")
    names = [f"P{number}" for number in range(8)]
    for number, name in enumerate(names):
        kind = "none" if name == "P7" else "full"
        make_slide(folder / f"{name}.svs", 1000, 700, tissue=kind, seed=number, downsamples=(1,))
    ids = {"patient_id": names}
    patients = pd.DataFrame({**ids, "diagnosis": np.resize(["luad", "lusc"], 8)})
    slides = pd.DataFrame({**ids, "slide_id": names, "path": [f"{n}.svs" for n in names]})
    slides["path"] = [str(folder / path) for path in slides["path"]]
    made = Cohort.create(folder / "cohort", patients=patients, slides=slides)
    made.encode(small_encoder, patches=True)
    return made


@pytest.fixture(scope="module")
def model(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("of-patches") / "model"
    train_on_cohort(cohort, "diagnosis", folder, modalities=["patches"])
    return folder


def test_a_patient_has_a_bag_unless_the_slides_are_empty(cohort: Cohort) -> None:
    bags = cohort.patches()["patches"]
    assert list(bags.index) == [f"P{number}" for number in range(7)]
    assert bags["P0"].read().shape == (4 * 3, 1024)


def test_a_model_of_patches_predicts_the_cohort_again(cohort: Cohort, model: Path) -> None:
    assert TrainingRecord.read(model).modalities == {"patches": 7}
    with pytest.warns(SeenPatientsWarning):
        predicted = predict_on_cohort(cohort, model)
    assert list(predicted.columns) == ["proba_luad", "proba_lusc"]
    assert len(predicted) == 7


def test_the_model_folder_does_not_tell_where_the_slides_lie(cohort: Cohort, model: Path) -> None:
    told = [path.read_bytes() for path in model.iterdir()]
    assert not any(str(cohort.root.parent).encode() in text for text in told)


def test_slides_encoded_without_patches_say_what_to_do(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    other = Cohort.create(tmp_path / "other", patients=cohort.patients, slides=cohort.slides)
    other.encode(small_encoder)
    with pytest.raises(StoreError, match=r"7 of 7 encoded slides .* patches=True"):
        other.patches()


def test_contributions_of_all_patches_sum_to_the_score_less_the_baseline(
    cohort: Cohort, model: Path
) -> None:
    found = explain_on_cohort(cohort, model, "P1", of="lusc")
    assert len(found.patches) == 4 * 3
    total = found.patches["contribution"].sum()
    assert total == pytest.approx(found.score - found.baseline, abs=1e-5)


def test_patches_lie_where_encoding_read_them(cohort: Cohort, model: Path) -> None:
    found = explain_on_cohort(cohort, model, "P1").patches
    assert set(zip(found["x"], found["y"], strict=True)) == {
        (256 * column, 256 * row) for column in range(4) for row in range(3)
    }


def test_an_unknown_class_is_refused_with_those_there_are(cohort: Cohort, model: Path) -> None:
    with pytest.raises(TableError, match=r"'sarcoma' .*'luad', 'lusc'"):
        explain_on_cohort(cohort, model, "P1", of="sarcoma")


def test_an_explanation_is_written_as_maps_tables_and_tiles(
    cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    explanation = explain_on_cohort(cohort, model, "P1")
    record = write_explanation(explanation, cohort, tmp_path)
    assert record == ExplanationRecord.read(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "explanation.json",
        "map-1.png",
        "patches.parquet",
        "strongest-1.png",
        "tiles-1.geojson",
    }
    tiles = json.loads((tmp_path / "tiles-1.geojson").read_text())["features"]
    found = [tile["properties"]["measurements"]["contribution"] for tile in tiles]
    assert found == explanation.patches["contribution"].to_list()


def test_a_prediction_is_explained_from_the_shell(
    cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    words = [
        "explain",
        str(cohort.root),
        "P1",
        "--model",
        str(model),
        "--out",
        str(tmp_path / "why"),
    ]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0
    assert "12 patches. Without the strongest 1 it moves by" in shown.stdout
    assert (tmp_path / "why" / "map-1.png").is_file()


def test_a_slide_that_is_gone_has_no_pictures_and_a_reason(
    cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    explanation = explain_on_cohort(cohort, model, "P2")
    moved = cohort.root.parent / "elsewhere.svs"
    slide = (cohort.root.parent / "P2.svs").rename(moved)
    try:
        record = write_explanation(explanation, cohort, tmp_path)
    finally:
        moved.rename(cohort.root.parent / "P2.svs")
    assert slide == moved
    assert "P2.svs" in record.not_drawn["P2"]
    assert (tmp_path / "tiles-1.geojson").is_file()


def test_a_model_with_its_encoder_takes_slide_files(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    folder, path = tmp_path / "model", cohort.root.parent / "P1.svs"
    train_on_cohort(cohort, "diagnosis", folder, modalities=["patches"], encoder=small_encoder)
    with pytest.warns(SeenPatientsWarning):
        expected = predict_on_cohort(cohort, folder).loc["P1", "proba_lusc"]
    chances, embedding = SlideClassifier.load(folder).classify(path)
    assert chances["lusc"] == pytest.approx(expected, abs=1e-4)
    assert embedding.provenance.config.attention is not None
    model = TrainedModel.load(folder)
    # As the cohort was: bf16, where a processor has it, moves a chance by more than 1e-4.
    encoder = model.encoder(device="cpu", precision="fp32")
    with pytest.warns(SeenPatientsWarning):
        applied = apply_to_slides(model, [path], tmp_path / "work", encoder=encoder)
    assert applied.predictions["proba_lusc"].iloc[0] == pytest.approx(expected, abs=1e-4)
