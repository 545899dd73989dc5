"""-v, -q and --log-format anywhere on the line; cohort watch."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.cli.shared import logging_options
from msfusion_sdk.cli.shared.logging_options import take_logging

pytestmark = pytest.mark.slow

Msfusion = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "watched", "bars", "style", "level"),
    [
        ("cohort encode c", True, True, "text", logging.ERROR),
        ("cohort encode c", False, False, "text", logging.INFO),
        ("-v cohort encode c", True, True, "text", logging.INFO),
        ("cohort encode c -vv", False, False, "text", logging.DEBUG),
        ("cohort encode c -q", True, False, "text", logging.WARNING),
        ("cohort encode c --log-format json", True, False, "json", logging.INFO),
        ("cohort --log-format=json encode c", False, False, "json", logging.INFO),
    ],
)
def test_what_a_command_says(
    monkeypatch: pytest.MonkeyPatch, words: str, watched: bool, bars: bool, style: str, level: int
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: watched, raising=False)
    rest, talk = take_logging(words.split())
    assert rest == ["cohort", "encode", "c"]
    assert talk == (bars, style, level)


def test_what_stands_behind_two_dashes_is_left_alone() -> None:
    assert take_logging(["info", "--", "-q"])[0] == ["info", "--", "-q"]


def test_a_format_that_is_not_known_ends_with_two(msfusion: Msfusion) -> None:
    done = msfusion("adapters", "--log-format", "xml")
    assert (done.code, "text or json" in done.stderr) == (2, True)


def test_stages_are_logged_once_a_minute_and_at_their_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "msfusion_sdk")
    monkeypatch.setattr(logging_options, "_said", {})
    for done in range(1, 6):
        logging_options.log_progress("epochs", done, 5, "loss 0.1")
    assert [r.getMessage() for r in caplog.records] == [
        "epochs: 1 of 5 loss 0.1",
        "epochs: 5 of 5 loss 0.1",
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["cohort", "status", "nowhere"], "StoreSchema"),
        (["cohort", "status"], "Usage"),
        (["cohort", "statu", "nowhere"], "Usage"),
        (["encode", "x.svs", "-o", "out", "--preset", "big"], "Setting"),
    ],
)
def test_errors_are_objects_for_programs(
    msfusion: Msfusion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = msfusion(*words, "--log-format", "json")
    (row,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (row["level"], row["event"], row["code"]) == ("error", "error", code)
    assert done.code == 2


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Forty slides whose disk is not mounted."""
    names = [f"S{number}" for number in range(40)]
    slides = pd.DataFrame({"slide_id": names, "patient_id": "P", "path": "/mnt/none/x.svs"})
    slides["path"] = [f"/mnt/none/{name}.svs" for name in names]
    patients = pd.DataFrame({"patient_id": ["P"]})
    return Cohort.create(tmp_path / "cohort", patients=patients, slides=slides).root


def test_forty_of_forty_missing_files_end_with_four(
    msfusion: Msfusion, cohort: Path, small_model: Path
) -> None:
    done = msfusion("cohort", "encode", cohort, "--model", small_model, "--log-format", "json")
    assert done.code == 4
    assert "is a disk not mounted?" in done.stderr
    rows = [json.loads(line) for line in done.stderr.splitlines()]
    # Twenty of one kind in a row have a line each; one more counts the others.
    told = [row for row in rows if row.get("code") == "SlideNotFound"]
    assert [row.get("slide_id") for row in told[:20]] == [f"S{number}" for number in range(20)]
    assert len(told) == 21
    assert "20 more slides failed" in str(told[20])
    assert [row["state"] for row in rows if row.get("event") == "end"] == ["stopped"]
    done = msfusion("cohort", "watch", cohort, "--once")
    assert "40 slides: 40 failed; 40 in the last hour" in done.stdout
    assert "[SlideNotFound] 40" in done.stdout
    done = msfusion("cohort", "watch", cohort, "--json")
    assert json.loads(done.stdout)["failures"] == {"SlideNotFound": 40}
