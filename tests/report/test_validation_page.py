"""The page on an external validation: its numbers, and every item of TRIPOD+AI."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.report.write import write_report
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.validation.record import write_validation
from msfusion_sdk.validation.result import ExternalValidation
from msfusion_sdk.validation.validate import validate_model

from .conftest import Page, read_page


def _cohort(folder: Path, seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    ids, age = [f"{seed}-{number}" for number in range(120)], rng.normal(60, 10, 120)
    sick = np.where(rng.normal(age, 8) > 60, "sick", "healthy")
    patients = pd.DataFrame({"patient_id": ids, "diagnosis": sick, "sex": ["f", "m"] * 60})
    made = Cohort.create(folder, patients=patients)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age}))
    return made


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> ExternalValidation:
    folder = tmp_path_factory.mktemp("validated")
    train_on_cohort(_cohort(folder / "here", 0), "diagnosis", folder / "model")
    model = TrainedModel.load(folder / "model")
    return validate_model(model, _cohort(folder / "there", 1), subgroups=["sex"], bootstrap=20)


@pytest.fixture(scope="module")
def page(found: ExternalValidation, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("page")
    write_validation(found, folder, command="msfusion validate model there")
    return read_page(write_report(folder, folder / "r.html"))


def test_the_main_number_comes_first_with_its_interval(
    page: Page, found: ExternalValidation
) -> None:
    row = found.performance.iloc[0]
    first = page.tables["chapter-1-performance-table"][1]
    assert first[0] == "AUROC"
    assert first[1].replace("\u00a0", " ") == (
        f"{row['value']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})"
    )


def test_groups_and_calibration_are_there(page: Page) -> None:
    groups = [row[:2] for row in page.tables["chapter-1-group-table"][1:]]
    assert groups == [["sex", "f"], ["sex", "m"]]
    assert page.tables["chapter-1-large-table"][1][0] == "class sick"
    assert len(page.all("img")) == 2


def test_every_item_of_the_checklist_is_answered_or_left_to_the_authors(page: Page) -> None:
    rows = page.tables["chapter-1-tripod-table"][1:]
    answers = {row[0]: row[2] for row in rows}
    assert len(answers) == 27
    assert answers["1"] == "to be written by the authors"
    assert "groups of sex" in answers["23"]
