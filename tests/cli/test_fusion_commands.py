"""``train``, ``predict``, ``classify``, ``evaluate`` and ``adapters`` as a user runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.export.hdf5 import features_fingerprint  # type: ignore[attr-defined]

pytestmark = pytest.mark.slow

Msfusion = Callable[..., Any]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 patients with a slide each; age orders the times; P39 has no modality."""
    folder = tmp_path_factory.mktemp("fusion")
    ids, age = [f"P{number:02d}" for number in range(40)], np.arange(40.0) + 30
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "time_months": 100 - age,
            "event": np.resize([1, 0, 1], 40),
            "diagnosis": np.resize(["luad", "lusc", "lusc"], 40),
            "hospital": np.resize(["north", "south"], 40),
        }
    )
    slides = pd.DataFrame({"slide_id": ids, "patient_id": ids, "path": [f"{i}.svs" for i in ids]})
    made = Cohort.create(folder / "cohort", patients=patients, slides=slides)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age}).iloc[:39])
    return made.root


def import_features(folder: Path, source: Path, name: str) -> None:
    source.mkdir(exist_ok=True)
    values = np.random.default_rng(0).normal(size=(40, 1, 4))
    for number, value in enumerate(values):
        with h5py.File(source / f"P{number:02d}.h5", "w") as file:
            file["features"], file["coords"] = value, np.zeros((1, 2))
    Cohort.open(folder).import_features(source, name=name)


def test_three_commands_lead_from_a_cohort_to_predictions(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    done = msfusion("train", cohort, "--outcome", "survival", "--out", tmp_path / "model")
    assert done.code == 0, done.stderr
    assert "Learned survival from 39 patients, 26 with an event" in done.stdout
    assert (tmp_path / "model" / "README.md").is_file()
    path = tmp_path / "risk.csv"
    done = msfusion("predict", cohort, "--model", tmp_path / "model", "-o", path)
    assert done.code == 0, done.stderr
    assert "39 patients, risk" in done.stdout
    assert "1 patients have none" in done.stdout
    assert done.stderr.count("warning: The model learned from 39 of the 39 patients") == 1
    assert pd.read_csv(path, index_col=0)["risk"].is_monotonic_increasing


def test_a_model_with_its_encoder_classifies_a_slide_file(
    msfusion: Msfusion, labelled_slides: Path, trained_model: Path, tmp_path: Path
) -> None:
    slides = pd.read_csv(labelled_slides / "slides.csv").head(8)
    made = Cohort.create(
        tmp_path / "cohort",
        patients=slides[["patient_id", "diagnosis"]],
        slides=slides.drop(columns="diagnosis"),
    )
    made.encode(SlideEncoder.from_pretrained(trained_model))
    asked = ("train", made.root, "--outcome", "diagnosis", "--encoder", trained_model)
    done = msfusion(*asked, "--out", tmp_path / "model")
    assert done.code == 0, done.stderr
    slide = ("classify", labelled_slides / "s12.png", "--mpp", 0.25, "--model", tmp_path / "model")
    done = msfusion(*slide)
    assert done.code == 0, done.stderr
    lines = done.stdout.split("\n")
    assert lines[0].split() == ["class", "probability"]
    assert lines[1].startswith("dots")  # the likelier one first
    assert "Research use only" in done.stdout
    answer = json.loads(msfusion(*slide, "--json").stdout)
    assert answer["probabilities"]["dots"] == pytest.approx(float(lines[1].split()[1]), abs=1e-3)
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_a_model_without_an_encoder_classifies_no_file(
    msfusion: Msfusion, cohort: Path, labelled_slides: Path, tmp_path: Path
) -> None:
    msfusion("train", cohort, "--outcome", "diagnosis", "--out", tmp_path / "model")
    done = msfusion("classify", labelled_slides / "s12.png", "--model", tmp_path / "model")
    assert done.code == 2
    assert "msfusion train --encoder" in done.stderr


def test_train_answers_programs_in_json(msfusion: Msfusion, cohort: Path, tmp_path: Path) -> None:
    done = msfusion(
        "train", cohort, "--outcome", "diagnosis", "-o", tmp_path / "m", "--seed", 5, "--json"
    )
    record = json.loads(done.stdout)
    assert (record["classes"], record["random_state"]) == ({"luad": 13, "lusc": 26}, 5)


def test_evaluate_writes_page_predictions_and_figures(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    options = ["--folds", 2, "--site", "hospital", "--bootstrap", 20, "--out", tmp_path]
    done = msfusion("evaluate", cohort, "--outcome", "survival", *options)
    assert done.code == 0, done.stderr
    assert "39 patients in 2 folds" in done.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "predictions.parquet",
        "summary.md",
        "evaluation.json",
        "forest.png",
        "calibration.png",
        "risk_groups.png",
    }
    assert "C-index" in (tmp_path / "summary.md").read_text()
    assert max(map(len, done.stdout.splitlines())) <= 80
    stored = pd.read_parquet(tmp_path / "predictions.parquet")
    assert stored.query("model == 'model'").groupby("fold")["patient_id"].nunique().sum() == 39


def test_evaluate_answers_programs_a_row_a_line(msfusion: Msfusion, cohort: Path) -> None:
    options = ["--folds", 2, "--bootstrap", 0, "--json"]
    done = msfusion("evaluate", cohort, "--outcome", "diagnosis", *options)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (rows[0]["model"], rows[0]["metric"], rows[0]["lower"]) == ("model", "auroc", None)
    assert "warning: 1 patients have the outcome and no modality" in done.stderr


def test_slides_of_another_model_end_with_five_and_both_names(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    for name in ("uni", "conch"):
        copy = Cohort.create(
            tmp_path / name, patients=cohort / "patients.parquet", slides=cohort / "slides.parquet"
        )
        import_features(copy.root, tmp_path / "h5", name)
    done = msfusion("train", tmp_path / "uni", "--outcome", "survival", "-o", tmp_path / "m")
    assert done.code == 0, done.stderr
    assert "40        slide" in done.stdout
    done = msfusion(
        "predict", tmp_path / "conch", "--model", tmp_path / "m", "-o", tmp_path / "p.csv"
    )
    assert done.code == 5
    assert "[StoreMixedFeatures]" in done.stderr
    assert all(features_fingerprint(name)[:12] in done.stderr for name in ("uni", "conch"))
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("command", "options", "text"),
    [
        ("train", ["--outcome", "relapse", "-o", "m"], "known: survival, diagnosis"),
        ("train", ["--outcome", "survival"], "--out"),
        ("train", ["--outcome", "survival", "-o", "m", "--fusion", "early"], "one of average"),
        ("train", ["--outcome", "survival", "-o", "m", "--slides", "all"], "weighted, mean"),
        ("predict", ["--model", "m", "-o", "p.xlsx"], ".parquet or .csv"),
        ("predict", ["--model", "nowhere", "-o", "p.csv"], "[ModelId]"),
        ("evaluate", ["--outcome", "survival", "--site", "city"], "no column 'city'"),
        ("evaluate", ["--outcome", "survival", "--folds", 50], "[DegenerateSplit]"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    msfusion: Msfusion,
    cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    options: list[object],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = msfusion(command, cohort, *options)
    assert (done.code, text in done.stderr) == (2, True), done.stderr
    assert not list(tmp_path.iterdir())


def test_adapters_names_what_is_installed(msfusion: Msfusion) -> None:
    done = msfusion("adapters")
    assert "clinical" in done.stdout
    rows = [json.loads(line) for line in msfusion("adapters", "--json").stdout.splitlines()]
    assert {"clinical", "genomics", "slide", "table"} <= {row["name"] for row in rows}
    assert all("msfusion-sdk" in row["from"] for row in rows if row["name"] == "clinical")
