"""Where ``--out`` names what somebody else keeps there, commands refuse before they compute."""

import shutil
from pathlib import Path

import pytest

from msfusion_sdk.errors import ExitCode

from .conftest import Msfusion

V0_1 = Path(__file__).parents[1] / "data" / "v0_1"


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    return Path(shutil.copytree(V0_1 / "cohort", tmp_path / "cohort"))


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["predict", "COHORT", "--model", V0_1 / "model_survival", "--out"], "clinical.csv"),
        (
            ["apply", V0_1 / "model_survival", "--cohort", "COHORT", "--out"],
            "clinical.csv",
        ),
        (["report", "COHORT", "--out"], "notes.html"),
    ],
)
def test_a_file(
    command: list[object], name: str, cohort: Path, tmp_path: Path, msfusion: Msfusion
) -> None:
    mine = tmp_path / name
    mine.write_text("patient_id,age\na,1\n")
    done = msfusion(*[cohort if part == "COHORT" else part for part in command], mine)
    assert done.code == ExitCode.USAGE
    assert "Name another file, or move this one away first." in " ".join(done.stderr.split())
    assert mine.read_text() == "patient_id,age\na,1\n"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["evaluate", "COHORT", "--outcome", "os", "--out"], "summary.md"),
        (["validate", V0_1 / "model_survival", "COHORT", "--out"], "calibration.png"),
        (["explain", "COHORT", "P001", "--model", V0_1 / "model_survival", "--out"], "map-1.png"),
    ],
)
def test_a_folder(
    command: list[object], name: str, cohort: Path, tmp_path: Path, msfusion: Msfusion
) -> None:
    mine = tmp_path / "mine" / name
    mine.parent.mkdir()
    mine.write_text("my own")
    done = msfusion(*[cohort if part == "COHORT" else part for part in command], mine.parent)
    assert done.code == ExitCode.USAGE
    told = " ".join(done.stderr.split())
    assert f"holds {name}, which a new" in told
    assert "Choose a new folder, or move them away first." in told
    assert [path.name for path in mine.parent.iterdir()] == [name]
