"""A model on patients of elsewhere: what was planted is found."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from msfusion_sdk import Cohort
from msfusion_sdk.errors import DegenerateSplitError, MissingModalityError, TableError
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.validation.recalibrate import recalibrate_model
from msfusion_sdk.validation.record import ValidationRecord, write_validation
from msfusion_sdk.validation.validate import validate_model

pytestmark = pytest.mark.slow

SHIFT = 1.2
"""Log-odds by which the disease is more frequent elsewhere."""


def people(
    n: int, *, prefix: str, shift: float = 0.0, age: float = 60, seed: int = 0
) -> dict[str, Any]:
    """Age decides class and hazard; ``shift`` makes both more frequent than age tells."""
    rng = np.random.default_rng(seed)
    ages = rng.normal(age, 10, n)
    z = (ages - 60) / 10
    died = rng.exponential(40 * np.exp(-z - shift))
    left = rng.uniform(5, 60, n)
    patients = pd.DataFrame(
        {
            "patient_id": [f"{prefix}{number:04d}" for number in range(n)],
            "time_months": np.minimum(died, left) + 0.01,
            "event": (died <= left).astype(int),
            "diagnosis": np.where(rng.uniform(size=n) < expit(z + shift - 0.5), "sick", "healthy"),
            "sex": rng.choice(["f", "m"], n),
        }
    )
    return {"patients": patients, "clinical": patients[["patient_id"]].assign(age=ages)}


def made(folder: Path, tables: dict[str, Any]) -> Cohort:
    cohort = Cohort.create(folder, patients=tables["patients"])
    cohort.add_modality("clinical", tables["clinical"])
    return cohort


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainedModel]:
    folder = tmp_path_factory.mktemp("validated")
    cohort = made(folder / "cohort", people(400, prefix="T"))
    found = {}
    for outcome in ("survival", "diagnosis"):
        train_on_cohort(cohort, outcome, folder / outcome)
        found[outcome] = TrainedModel.load(folder / outcome)
    return found


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    tables = people(600, prefix="V", shift=SHIFT, seed=1)
    return made(tmp_path_factory.mktemp("elsewhere") / "cohort", tables)


def test_a_planted_shift_of_classes_is_found_with_its_interval(
    models: dict[str, TrainedModel], elsewhere: Cohort
) -> None:
    found = validate_model(models["diagnosis"], elsewhere, bootstrap=200)
    (row,) = found.in_the_large.to_dict("records")
    assert row["view"] == "class sick"
    # One draw of 95 % limits misses in one of twenty; those of 99 % are a third wider.
    middle = (row["intercept_lower"] + row["intercept_upper"]) / 2
    assert abs(middle - SHIFT) < 1.31 * (row["intercept_upper"] - middle)
    assert row["intercept_lower"] > 0.5
    auroc = found.performance.iloc[0]
    assert auroc["lower"] < auroc["value"] < auroc["upper"]


def test_a_planted_shift_of_hazards_is_found(
    models: dict[str, TrainedModel], elsewhere: Cohort
) -> None:
    found = validate_model(models["survival"], elsewhere, times=[12, 24], bootstrap=100)
    assert list(found.in_the_large["view"]) == ["event by 12 months", "event by 24 months"]
    assert (found.in_the_large["ratio_lower"] > 1.3).all()
    slope = found.performance.set_index("metric").loc["calibration_slope@24"]
    assert slope["lower"] < 1 < slope["upper"]


@pytest.mark.parametrize("outcome", ["survival", "diagnosis"])
def test_a_recalibrated_model_is_right_on_third_patients(
    models: dict[str, TrainedModel], elsewhere: Cohort, tmp_path: Path, outcome: str
) -> None:
    again = recalibrate_model(models[outcome], elsewhere, tmp_path / "model")
    third = made(tmp_path / "third", people(600, prefix="W", shift=SHIFT, seed=2))
    loaded = TrainedModel.load(tmp_path / "model")
    before = validate_model(models[outcome], third, bootstrap=0)
    after = validate_model(loaded, third, bootstrap=100)
    assert (before.in_the_large["ratio"] > 1.2).all()
    assert after.in_the_large["ratio_lower"].iloc[0] < 1 < after.in_the_large["ratio_upper"].iloc[0]
    same = after.performance["value"].iloc[0]
    assert same == pytest.approx(before.performance["value"].iloc[0], abs=1e-9)  # order stays
    assert again.record.recalibrated is not None
    assert "## Recalibrated" in (tmp_path / "model" / "README.md").read_text()


def test_who_was_in_training_is_not_judged(models: dict[str, TrainedModel], tmp_path: Path) -> None:
    known = people(400, prefix="T")
    with pytest.raises(MissingModalityError, match="400 were in training"):
        validate_model(models["diagnosis"], made(tmp_path / "same", known))
    mixed = {
        name: pd.concat([known[name].head(5), people(80, prefix="N", seed=5)[name]])
        for name in known
    }
    found = validate_model(models["diagnosis"], made(tmp_path / "mixed", mixed), bootstrap=0)
    assert (found.counts["patients"], found.counts["in_training"]) == (80, 5)
    assert any("5 patients were in training" in text for text in found.warnings)


@pytest.mark.filterwarnings("ignore::msfusion_sdk.tables.issues.TableWarning")
def test_a_shifted_table_and_a_missing_one_are_named(
    models: dict[str, TrainedModel], tmp_path: Path
) -> None:
    older = people(100, prefix="M", seed=3)
    older["clinical"]["age"] += 18
    found = validate_model(models["diagnosis"], made(tmp_path / "c", older), bootstrap=0)
    assert set(found.shifts["kind"]) == {"out_of_range", "moved"}
    assert found.shifts["columns"].unique().tolist() == ["age"]
    assert found.availability.to_dict("records") == [
        {"modality": "clinical", "patients": 100, "share": 1.0, "share_training": 1.0}
    ]


def test_groups_have_counts_and_small_ones_no_value(
    models: dict[str, TrainedModel], elsewhere: Cohort
) -> None:
    found = validate_model(
        models["diagnosis"], elsewhere, subgroups=["sex", "clinical.age"], bootstrap=0
    )
    groups = found.subgroups.groupby("column")["patients"].sum()
    assert groups.to_dict() == {"sex": 600, "clinical.age": 600}
    assert len(found.subgroups[found.subgroups["column"] == "clinical.age"]) == 3
    small = validate_model(models["survival"], elsewhere, subgroups=["diagnosis"], bootstrap=0)
    assert set(small.subgroups["group"]) == {"healthy", "sick"}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"diagnosis": "benign"}, "does not know: 'benign'"),
        ({"diagnosis": None}, "two are needed|can be judged"),
    ],
)
def test_classes_that_the_model_does_not_know_are_refused(
    models: dict[str, TrainedModel], tmp_path: Path, change: dict[str, Any], match: str
) -> None:
    tables = people(60, prefix="X", seed=4)
    tables["patients"].loc[:30, "diagnosis"] = change["diagnosis"]
    if change["diagnosis"] is None:
        tables["patients"]["diagnosis"] = None
        tables["patients"].loc[:1, "diagnosis"] = "sick"
    with pytest.raises((TableError, DegenerateSplitError), match=match):
        validate_model(models["diagnosis"], made(tmp_path / "c", tables))


def test_times_in_another_unit_are_never_converted(
    models: dict[str, TrainedModel], tmp_path: Path
) -> None:
    tables = people(60, prefix="D", seed=6)
    tables["patients"] = tables["patients"].rename(columns={"time_months": "time_days"})
    with pytest.raises(TableError, match="counts time in months, and the cohort in days"):
        validate_model(models["survival"], made(tmp_path / "c", tables))


def test_the_folder_holds_page_numbers_and_figures(
    models: dict[str, TrainedModel], elsewhere: Cohort, tmp_path: Path
) -> None:
    found = validate_model(models["survival"], elsewhere, subgroups=["sex"], bootstrap=20)
    write_validation(found, tmp_path / "v", command="msfusion validate")
    names = {path.name for path in (tmp_path / "v").iterdir()}
    assert names == {
        "summary.md",
        "predictions.parquet",
        "calibration.png",
        "decision_curve.png",
        "validation.json",
    }
    record = ValidationRecord.read(tmp_path / "v")
    assert [item["number"] for item in record.tripod] == [str(n) for n in range(1, 28)]
    assert json.loads(record.model_dump_json())["counts"]["patients"] == 600
    assert "## Calibration in the large" in (tmp_path / "v" / "summary.md").read_text()


def test_too_few_events_do_not_recalibrate(models: dict[str, TrainedModel], tmp_path: Path) -> None:
    few = made(tmp_path / "few", people(12, prefix="F", seed=8))
    with pytest.raises(DegenerateSplitError, match="Recalibration needs at least 10"):
        recalibrate_model(models["survival"], few, tmp_path / "model")
    assert not (tmp_path / "model").exists()
