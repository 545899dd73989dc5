"""``msfusion report`` as a user runs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from msfusion_sdk import Cohort

Msfusion = Callable[..., Any]


def test_report_writes_one_file_and_says_how_large(msfusion: Msfusion, tmp_path: Path) -> None:
    patients = pd.DataFrame({"patient_id": ["A", "B"], "diagnosis": ["luad", "lusc"]})
    Cohort.create(tmp_path / "cohort", patients=patients)
    done = msfusion("report", tmp_path / "cohort", "-o", tmp_path / "report.html")
    assert done.code == 0, done.stderr
    assert "report.html: 0." in done.stdout
    assert "treat it as patient data" in done.stdout
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_folder_of_something_else_is_wrong_use_and_says_what_to_pass(
    msfusion: Msfusion, tmp_path: Path
) -> None:
    done = msfusion("report", tmp_path, "-o", tmp_path / "report.html")
    assert done.code == 2
    assert "Pass a cohort, a model folder of msfusion train" in done.stderr


def test_a_report_needs_a_folder(msfusion: Msfusion, tmp_path: Path) -> None:
    assert msfusion("report", "-o", tmp_path / "report.html").code == 2


def test_a_report_is_not_named_after_another_format(msfusion: Msfusion, tmp_path: Path) -> None:
    done = msfusion("report", tmp_path, "-o", tmp_path / "report.pdf")
    assert done.code == 2
    assert "A report is HTML" in done.stderr
    assert not (tmp_path / "report.pdf").exists()
