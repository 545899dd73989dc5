"""``msfusion cohort create --outcome``, ``outcome``, ``add``, ``set``, ``relocate``, ``remove``."""

import io
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk import Cohort

pytestmark = pytest.mark.slow

Msfusion = Callable[..., Any]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "patients.csv").write_text(
        "patient_id,OS_MONTHS,OS_STATUS,SUBTYPE\n"
        "A,3.5,1:DECEASED,luad\nB,9,0:LIVING,lusc\nC,4,1:DECEASED,luad\n"
    )
    (tmp_path / "slides.csv").write_text(
        "slide_id,patient_id,path\nS1,A,raw/a.svs\nS2,B,raw/b.svs\n"
    )
    (tmp_path / "raw").mkdir()
    for name in "ab":
        (tmp_path / "raw" / f"{name}.svs").write_bytes(b"x")
    return tmp_path


@pytest.fixture
def cohort(msfusion: Msfusion, tables: Path) -> Path:
    made = tables / "cohort"
    options = ["--patients", tables / "patients.csv", "--slides", tables / "slides.csv"]
    done = msfusion("cohort", "create", made, *options)
    assert done.code == 0, done.stderr
    assert "1 outcome recognised by the names of columns, and not declared" in done.stdout
    assert f"msfusion cohort outcome add {made} os=OS_MONTHS,OS_STATUS" in done.stdout
    return made


def test_create_declares_outcomes_and_says_which(msfusion: Msfusion, tables: Path) -> None:
    done = msfusion(
        "cohort", "create", tables / "cohort", "--patients", tables / "patients.csv",
        "--outcome", "death=OS_MONTHS,OS_STATUS", "kind=SUBTYPE", "--event-values", "1:DECEASED",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "outcome death: 3 patients" in done.stdout
    assert "outcome kind: 3 patients" in done.stdout
    cohort = Cohort.open(tables / "cohort")
    assert cohort.outcome("death")["event"].tolist() == [True, False, True]


def test_the_command_that_create_prints_declares_the_outcome(
    msfusion: Msfusion, tables: Path
) -> None:
    options = ("--patients", tables / "patients.csv")
    told = msfusion("cohort", "create", tables / "cohort", *options).stdout
    (line,) = [line for line in told.splitlines() if "cohort outcome add" in line]
    done = msfusion(*shlex.split(line)[1:])
    assert done.code == 0, done.stderr
    assert Cohort.open(tables / "cohort").outcome("os")["event"].tolist() == [True, False, True]


def test_create_says_how_to_declare_where_nothing_is_recognised(
    msfusion: Msfusion, tables: Path
) -> None:
    (tables / "plain.csv").write_text("patient_id,SUBTYPE\nA,luad\nB,lusc\n")
    done = msfusion("cohort", "create", tables / "c", "--patients", tables / "plain.csv")
    assert "No outcome was found" in done.stdout
    assert f"msfusion cohort outcome add {tables / 'c'}" in done.stdout


def test_outcomes_are_added_listed_and_forgotten(msfusion: Msfusion, cohort: Path) -> None:
    done = msfusion(
        "cohort",
        "outcome",
        "add",
        cohort,
        "death=OS_MONTHS,OS_STATUS",
        "--event-values",
        "1:DECEASED",
    )
    assert done.code == 0, done.stderr
    row = json.loads(msfusion("cohort", "outcome", "list", cohort, "--json").stdout)
    assert (row["name"], row["unit"], row["events"]) == ("death", "months", "2")
    done = msfusion("cohort", "outcome", "remove", cohort, "death")
    assert "death" not in done.stdout
    assert not Cohort.open(cohort).manifest.outcomes


def test_a_value_that_is_not_there_ends_with_two(msfusion: Msfusion, cohort: Path) -> None:
    done = msfusion(
        "cohort", "outcome", "add", cohort, "death=OS_MONTHS,OS_STATUS", "--event-values", "dead"
    )
    assert (done.code, "'0:LIVING', '1:DECEASED'" in done.stderr) == (2, True)


def test_a_cohort_grows_by_slides_and_patients(
    msfusion: Msfusion, cohort: Path, tables: Path
) -> None:
    (tables / "more.csv").write_text("patient_id,SUBTYPE\nD,lusc\n")
    assert "1 added" in msfusion("cohort", "add", cohort, "patients", tables / "more.csv").stdout
    with (tables / "slides.csv").open("a") as file:
        file.write("S3,D,raw/a.svs\n")
    done = msfusion(
        "cohort", "add", cohort, "slides", tables / "slides.csv", "--on-duplicate", "drop_identical"
    )
    assert (done.code, "listed under more than one slide id" in done.stderr) == (2, True)
    (tables / "raw" / "d.svs").write_bytes(b"d")
    text = (tables / "slides.csv").read_text().replace("S3,D,raw/a.svs", "S3,D,raw/d.svs")
    (tables / "slides.csv").write_text(text)
    done = msfusion(
        "cohort", "add", cohort, "slides", tables / "slides.csv", "--on-duplicate", "drop_identical"
    )
    assert "1 added, 2 there already" in done.stdout
    assert "4 patients, 3 slides" in done.stdout


def test_slides_are_mended_moved_and_removed(
    msfusion: Msfusion, cohort: Path, tables: Path
) -> None:
    done = msfusion("cohort", "set", cohort, "S1", "--mpp", 0.25, "--patient", "C", "--json")
    assert json.loads(done.stdout)["changed"] == 1
    (tables / "raw").rename(tables / "new")
    done = msfusion("cohort", "relocate", cohort, tables / "raw", tables / "new")
    assert "2 changed" in done.stdout
    done = msfusion("cohort", "remove", cohort, "--patients", "B", "--yes")
    assert "1 slides removed, 1 patients removed" in done.stdout
    (row,) = Cohort.open(cohort).slides.to_pylist()
    assert (row["slide_id"], row["patient_id"], row["mpp"]) == ("S1", "C", 0.25)
    assert row["path"] == str(tables / "new" / "a.svs")


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["no", "nobody there"])
@pytest.mark.parametrize("words", [("remove", "--slides", "S1"), ("drop-model", "uni")])
def test_without_a_yes_nothing_is_removed_and_it_says_how_not_to_be_asked(
    msfusion: Msfusion,
    cohort: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    done = msfusion("cohort", words[0], cohort, *words[1:])
    assert done.code == 2
    assert "Nothing was changed. With --yes nothing is asked." in done.stderr
    assert Cohort.open(cohort).slides.num_rows == 2


def test_a_spacing_for_all_says_for_how_many_and_how_to_give_it_to_one(
    msfusion: Msfusion, cohort: Path
) -> None:
    msfusion("cohort", "set", cohort, "S1", "--mpp", 0.25)
    done = msfusion("cohort", "encode", cohort, "--mpp", 0.5)
    assert "0.5 µm per pixel now stands in the table for 1 slides" in done.stderr
    assert f"msfusion cohort set {cohort} SLIDE --mpp" in done.stderr
    assert Cohort.open(cohort).slides["mpp"].to_pylist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("set", "S1"), "Nothing was given to set"),
        (("set", "S1", "--mpp", "0,25"), "such as 0.25, or header"),
        (("set", "S7", "--mpp", "0.5"), "no slide 'S7'"),
        (("relocate", "nowhere", "new"), "No slide of the cohort lies at"),
        (("remove", "--yes"), "Give --slides or --patients"),
        (("remove", "--slides", "S9", "--yes"), "no slide 'S9'"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    msfusion: Msfusion, cohort: Path, words: tuple[str, ...], text: str
) -> None:
    done = msfusion("cohort", words[0], cohort, *words[1:])
    assert (done.code, text in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    "option",
    [["--layout", "maf"], ["--samples", "s.csv"], ["--profiled", "p.csv"],
     ["--adapter", "genomics"], ["--replace"], ["--unmatched", "report"]],
)  # fmt: skip
def test_options_of_modalities_are_refused_for_slides(
    msfusion: Msfusion, cohort: Path, tables: Path, option: list[str]
) -> None:
    done = msfusion("cohort", "add", cohort, "slides", tables / "slides.csv", *option)
    assert done.code == 2
    assert option[0] in done.stderr


def test_a_table_of_another_dialect_is_read_when_it_is_said(
    msfusion: Msfusion, cohort: Path, tables: Path
) -> None:
    (tables / "age.csv").write_bytes("patient_id;Größe\nA;1,75\nB;1,80\n".encode("cp1252"))
    done = msfusion(
        "cohort", "add", cohort, "clinical", tables / "age.csv",
        "--encoding", "cp1252", "--separator", ";", "--decimal", ",",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert Cohort.open(cohort).modality("clinical")["Größe"].tolist() == [1.75, 1.8]
