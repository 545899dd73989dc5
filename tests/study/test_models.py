"""From a cohort to a model and back: what is learned, written down and refused."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, FusionClassifier, FusionSurvival
from msfusion_sdk.cohort.export.hdf5 import features_fingerprint  # type: ignore[attr-defined]
from msfusion_sdk.errors import (
    IdMismatchError,
    MissingModalityError,
    ModelIdError,
    ShapeError,
    StoreError,
    StoreMixedFeaturesError,
    TableError,
    WeightsMismatchError,
)
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.learnable import FewOutcomesWarning
from msfusion_sdk.study.models import (
    SeenPatientsWarning,
    evaluate_on_cohort,
    predict_on_cohort,
    predict_to_file,
)
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.study.training_record import TrainingRecord

PATIENTS = 60

# Age is made to order the times.
pytestmark = [pytest.mark.filterwarnings("ignore:.*tell the outcome"), pytest.mark.slow]


def patients() -> pd.DataFrame:
    """Age orders the times; P58 has no outcome, P59 no modality."""
    rng = np.random.default_rng(0)
    age = rng.permutation(PATIENTS) + 30.0
    table = pd.DataFrame(
        {
            "patient_id": [f"P{number:02d}" for number in range(PATIENTS)],
            "age": age,
            "time_months": 120 - age,
            "event": rng.integers(0, 2, PATIENTS).astype(float),
            "diagnosis": np.where(age > 60, "luad", "lusc"),
            "hospital": np.resize(["north", "south", "east"], PATIENTS),
        }
    )
    table.loc[58, ["time_months", "event", "diagnosis"]] = None
    return table


def make(folder: Path, modalities: Mapping[str, pd.DataFrame]) -> Cohort:
    table = patients().drop(columns="age")
    slides = pd.DataFrame({"slide_id": table["patient_id"], "patient_id": table["patient_id"]})
    cohort = Cohort.create(
        folder, patients=table, slides=slides.assign(path=slides["slide_id"] + ".svs")
    )
    for name, one in modalities.items():
        cohort.add_modality(name, one)
    return cohort


def ages(rows: slice = slice(0, 59)) -> pd.DataFrame:
    return patients()[["patient_id", "age"]].iloc[rows]


def features(folder: Path, seed: int, rows: slice = slice(0, 59)) -> Path:
    """A feature file per slide: age and noise."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for name, age in ages(rows).itertuples(index=False):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            values = rng.normal(size=(2, 8))
            values[:, 0] = age
            file["features"], file["coords"] = values, np.zeros((2, 2))
    return folder


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return make(tmp_path / "cohort", {"clinical": ages()})


def test_a_survival_model_says_what_it_saw(cohort: Cohort, tmp_path: Path) -> None:
    record = train_on_cohort(cohort, "survival", tmp_path / "model")
    assert TrainingRecord.read(tmp_path / "model") == record
    # Of 60 patients one has no outcome and one no modality.
    assert (record.patients, record.left_out, record.modalities) == (58, 1, {"clinical": 58})
    assert record.events == int(patients().iloc[:58]["event"].sum())
    assert (record.unit, record.slide_model) == ("months", None)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "58 patients" in card
    assert "not evaluated here" in card
    assert "Research use only" in card


def test_predictions_are_those_of_the_estimator(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model", random_state=3)
    with pytest.warns(SeenPatientsWarning, match="58 of the 59"):
        risk = predict_on_cohort(cohort, tmp_path / "model")["risk"]
    labels = cohort.outcome("survival").drop("P59")
    tables = cohort.tables()
    wanted = FusionSurvival(random_state=3).fit(tables, labels).predict_risk(tables)
    assert list(risk.index) == cohort.patient_ids[:59]
    assert np.allclose(risk, wanted[risk.index], rtol=0, atol=1e-12)


def test_classes_get_a_probability_each(cohort: Cohort, tmp_path: Path) -> None:
    record = train_on_cohort(cohort, "diagnosis", tmp_path / "model", fusion="average")
    sizes = patients()["diagnosis"].iloc[:58].value_counts()
    assert record.classes == {"luad": sizes["luad"], "lusc": sizes["lusc"]}
    assert FusionClassifier.load(tmp_path / "model").fusion == "average"
    with pytest.warns(SeenPatientsWarning):
        chances = predict_on_cohort(cohort, tmp_path / "model")
    assert list(chances.columns) == ["proba_luad", "proba_lusc"]
    assert np.allclose(chances.sum(axis=1), 1)


def test_other_patients_are_predicted_without_a_warning(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model")
    new = pd.DataFrame({"patient_id": ["Q2", "Q1"]})
    other = Cohort.create(tmp_path / "other", patients=new)
    other.add_modality("clinical", new.assign(age=[80, 40]))
    risk = predict_on_cohort(other, tmp_path / "model")["risk"]
    assert risk.idxmax() == "Q2", "older patients had earlier events"


def test_slide_vectors_are_used_and_their_model_is_noted(tmp_path: Path) -> None:
    cohort = make(tmp_path / "cohort", {"clinical": ages()})
    cohort.import_features(features(tmp_path / "h5", 0), name="uni")
    cohort.import_features(features(tmp_path / "h5-2", 1), name="conch")
    with pytest.raises(StoreMixedFeaturesError, match="2 models"):
        train_on_cohort(cohort, "survival", tmp_path / "model")
    uni = features_fingerprint("uni")
    record = train_on_cohort(cohort, "survival", tmp_path / "model", slide_model=uni[:8])
    assert (record.slide_model, record.modalities) == (uni, {"slide": 58, "clinical": 58})
    assert uni in (tmp_path / "model" / "README.md").read_text()
    with pytest.warns(SeenPatientsWarning):
        predict_on_cohort(cohort, tmp_path / "model")  # of two models, the one of training
    train_on_cohort(cohort, "survival", tmp_path / "plain", modalities=["clinical"])


def test_slides_of_another_model_are_refused(tmp_path: Path) -> None:
    cohort = make(tmp_path / "cohort", {})
    cohort.import_features(features(tmp_path / "h5", 0), name="uni")
    train_on_cohort(cohort, "survival", tmp_path / "model")
    other = make(tmp_path / "other", {})
    other.import_features(tmp_path / "h5", name="conch")
    with pytest.raises(StoreMixedFeaturesError) as caught:
        predict_on_cohort(other, tmp_path / "model")
    for name in ("uni", "conch"):
        assert features_fingerprint(name)[:12] in str(caught.value)


def test_a_modality_that_nobody_has_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model")
    bare = make(tmp_path / "bare", {"panel": ages()})
    with pytest.raises(MissingModalityError, match=r"clinical.*those of the cohort: panel"):
        predict_on_cohort(bare, tmp_path / "model")
    with pytest.raises(MissingModalityError, match="None of the 59 patients"):
        train_on_cohort(make(tmp_path / "x", {}), "survival", tmp_path / "y")


def test_a_misspelt_modality_is_named_with_slide_and_patches(tmp_path: Path) -> None:
    cohort = make(tmp_path / "cohort", {"clinical": ages()})
    with pytest.raises(TableError, match=r"known: slide, patches, clinical\)\. Is it 'slide'\?"):
        train_on_cohort(cohort, "survival", tmp_path / "y", modalities=["slides"])
    with pytest.raises(TableError, match=r"'rna' \(known: clinical\)"):
        train_on_cohort(cohort, "survival", tmp_path / "y", modalities=["rna"])


def test_a_table_that_holds_the_outcome_is_refused(tmp_path: Path) -> None:
    leaking = patients()[["patient_id", "age", "diagnosis"]]
    cohort = make(tmp_path / "cohort", {"clinical": leaking})
    with pytest.raises(TableError, match=r"'clinical' holds diagnosis.* --replace"):
        train_on_cohort(cohort, "diagnosis", tmp_path / "model")


def test_folders_are_not_mixed_up(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model")
    with pytest.raises(StoreError, match="not empty"):
        train_on_cohort(cohort, "diagnosis", tmp_path / "model")
    with pytest.raises(ModelIdError, match=r"training\.json"):
        predict_on_cohort(cohort, tmp_path)
    (tmp_path / "model" / "training.json").write_text('{"format": 3}')
    with pytest.raises(WeightsMismatchError, match="format"):
        predict_on_cohort(cohort, tmp_path / "model")


def test_words_that_nobody_knows_are_errors(cohort: Cohort, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(ValueError, match="banana"):
        train_on_cohort(cohort, "survival", folder, fusion="banana")
    with pytest.raises(ValueError, match="weighted, mean"):
        train_on_cohort(cohort, "survival", folder, aggregate="all")
    with pytest.raises(TableError, match="relapse"):
        train_on_cohort(cohort, "relapse", folder)
    with pytest.raises(TableError, match="'radiology'"):
        train_on_cohort(cohort, "survival", folder, modalities=["radiology"])
    assert not folder.exists()


def test_a_parquet_file_of_predictions_knows_its_model(cohort: Cohort, tmp_path: Path) -> None:
    record = train_on_cohort(cohort, "survival", tmp_path / "model")
    for name in ("p.parquet", "p.csv"):
        with pytest.warns(SeenPatientsWarning):
            predicted = predict_to_file(cohort, tmp_path / "model", tmp_path / name)
    table = pq.read_table(tmp_path / "p.parquet")
    stated = json.loads(table.schema.metadata[b"msfusion"])
    assert stated == {"schema_version": 1, **record.model_dump()}
    stored = table.to_pandas().set_index("patient_id")
    assert stored.equals(predicted)
    written = pd.read_csv(tmp_path / "p.csv", index_col="patient_id")
    assert np.allclose(written["risk"], predicted["risk"])


def test_an_evaluation_keeps_sites_apart_and_fits_on_a_card(cohort: Cohort, tmp_path: Path) -> None:
    result = evaluate_on_cohort(cohort, "survival", folds=3, site="hospital", bootstrap=20)
    site = patients().set_index("patient_id")["hospital"]
    assert all(site[list(fold.test_ids)].nunique() == 1 for fold in result.folds)
    assert "1 patients have the outcome and no modality" in result.warnings[0]
    # Age orders the times without an error.
    assert result.summary["mean"].iloc[0] == 1
    train_on_cohort(cohort, "survival", tmp_path / "model", evaluation=result)
    assert "C-index 1.000 (95 % interval" in (tmp_path / "model" / "README.md").read_text()
    bare = replace(result, summary=result.summary.assign(lower=np.nan, upper=np.nan))
    train_on_cohort(cohort, "survival", tmp_path / "bare", evaluation=bare)
    assert "C-index 1.000 (no interval)" in (tmp_path / "bare" / "README.md").read_text()
    files = write_evaluation(result, tmp_path / "out")
    assert all(Path(path).stat().st_size for path in files.values())
    assert set(files) >= {"summary.md", "predictions.parquet", "forest.png", "risk_groups.png"}


def test_a_site_column_must_be_there_and_filled(tmp_path: Path) -> None:
    cohort = make(tmp_path / "cohort", {"clinical": ages()})
    with pytest.raises(TableError, match=r"no column 'city' \(columns: patient_id"):
        evaluate_on_cohort(cohort, "survival", site="city")
    table = patients().drop(columns="age")
    table.loc[3, "hospital"] = None
    gaps = Cohort.create(tmp_path / "gaps", patients=table)
    gaps.add_modality("clinical", ages())
    with pytest.raises(IdMismatchError, match="P03"):
        evaluate_on_cohort(gaps, "survival", site="hospital")


# Of five events the last digit decides whether risks have a slope: whether that is said too.
@pytest.mark.filterwarnings("ignore::msfusion_sdk.survival.cox.cox.CurveWarning")
def test_few_events_and_many_columns_are_said(tmp_path: Path) -> None:
    table = patients().head(20).assign(event=np.resize([1, 0, 0, 0], 20))
    cohort = Cohort.create(tmp_path / "cohort", patients=table.drop(columns="age"))
    genes = pd.DataFrame(
        np.random.default_rng(0).normal(size=(20, 60)), columns=list(map(str, range(60)))
    )
    cohort.add_modality("genes", genes.assign(patient_id=table["patient_id"].to_numpy()))
    with pytest.warns(FewOutcomesWarning) as found:
        train_on_cohort(cohort, "survival", tmp_path / "model")
    few, many = (str(one.message) for one in found if one.category is FewOutcomesWarning)
    assert few.startswith("5 events are fewer than 10")
    assert many.startswith("5 events stand against 60 columns (genes 60)")


def test_a_model_remembers_what_its_tables_looked_like(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model")
    profile = TrainedModel.load(tmp_path / "model").profile
    assert profile is not None
    (row,) = profile.to_dict("records")
    learned = ages().set_index("patient_id")["age"].drop("P58")  # who has no outcome
    assert (row["table"], row["column"]) == ("clinical", "age")
    assert (row["low"], row["high"], row["patients"]) == (learned.min(), learned.max(), 58)


def test_survival_at_stated_times_falls_with_time(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model")
    model = TrainedModel.load(tmp_path / "model")
    predicted = model.predict({"clinical": ages().set_index("patient_id")}, times=[20, 50.5])
    assert list(predicted.columns) == ["risk", "survival@20", "survival@50.5"]
    assert (predicted["survival@20"] >= predicted["survival@50.5"]).all()


@pytest.mark.parametrize(
    ("outcome", "times", "match"),
    [("survival", [50, 20], "ascend from above 0"), ("diagnosis", [20], "Leave them out")],
)
def test_times_that_mean_nothing_are_refused(
    cohort: Cohort, tmp_path: Path, outcome: str, times: list[float], match: str
) -> None:
    train_on_cohort(cohort, outcome, tmp_path / "model")
    model = TrainedModel.load(tmp_path / "model")
    with pytest.raises(ShapeError, match=match):
        model.predict({"clinical": ages().set_index("patient_id")}, times=times)
