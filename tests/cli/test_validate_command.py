"""``msfusion validate`` as a user runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.study.train import train_on_cohort

pytestmark = pytest.mark.slow

Msfusion = Callable[..., Any]


def _cohort(folder: Path, prefix: str) -> Path:
    rng = np.random.default_rng(ord(prefix))
    ids, age = [f"{prefix}{number:02d}" for number in range(60)], rng.normal(60, 9, 60).round()
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "time_months": rng.exponential(40 * np.exp((60 - age) / 9)) + 1,
            "event": np.resize([1, 0, 1], 60),
            "sex": np.resize(["f", "m"], 60),
        }
    )
    cohort = Cohort.create(folder, patients=patients)
    cohort.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age}))
    return cohort.root


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model of survival, and a cohort of other patients."""
    folder = tmp_path_factory.mktemp("validate")
    train_on_cohort(Cohort.open(_cohort(folder / "here", "H")), "survival", folder / "model")
    return folder / "model", _cohort(folder / "there", "T")


def test_the_page_is_printed_and_stored_with_a_recalibrated_model(
    msfusion: Msfusion, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    options = ["--times", 20, 40, "--subgroups", "sex", "clinical.age", "--bootstrap", 20]
    stored = ["--recalibrate", tmp_path / "again", "--out", tmp_path / "judged"]
    done = msfusion("validate", *folders, *options, *stored)
    assert done.code == 0, done.stderr
    assert "# External validation of survival" in done.stdout
    assert "event by 40 months" in done.stdout
    assert "| clinical.age | up to" in done.stdout
    assert (tmp_path / "again" / "training.json").is_file()
    assert (tmp_path / "judged" / "validation.json").is_file()
    assert "is recalibrated; judge it on patients" in done.stderr


def test_programs_get_a_line_for_each_metric(
    msfusion: Msfusion, folders: tuple[Path, Path]
) -> None:
    done = msfusion("validate", *folders, "--bootstrap", 0, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (rows[0]["metric"], rows[0]["lower"]) == ("c_index", None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--outcome", "relapse"], "known: survival"),
        (["--subgroups", "city"], "no column 'city'"),
        (["--subgroups", "clinical.weight"], "no column 'weight'"),
        (["--times", 40, 20], "[Shape]"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    msfusion: Msfusion, folders: tuple[Path, Path], options: list[object], text: str
) -> None:
    done = msfusion("validate", *folders, *options, "--bootstrap", 0)
    assert (done.code, text in done.stderr) == (2, True), done.stderr
