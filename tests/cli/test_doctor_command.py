"""``msfusion doctor`` as a user runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_the_command_answers_people_and_programs(msfusion: Any, tmp_path: Path) -> None:
    answer = json.loads(msfusion("doctor", "--json", "--folder", tmp_path).stdout)
    assert {"model", "self-test", "openslide", "folder"} <= {f["check"] for f in answer["findings"]}
    missing = msfusion("doctor", "--folder", tmp_path / "nowhere")
    assert missing.code == 3
    assert "mkdir -p" in missing.stdout.replace("\n", "")


def test_a_cohort_is_examined_and_repaired(msfusion: Any, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("patient_id,diagnosis\nP1,x\nP2,y\n")
    msfusion("cohort", "create", tmp_path / "c", "--patients", tmp_path / "p.csv")
    assert msfusion("doctor", "--cohort", tmp_path / "c").code == 0
    path = tmp_path / "c" / "patients.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    answer = msfusion("doctor", "--cohort", tmp_path / "c", "--repair", "--json")
    assert answer.code == 3
    assert json.loads(answer.stdout)["findings"][0]["level"] == "problem"
    assert msfusion("doctor", "--repair").code == 2
