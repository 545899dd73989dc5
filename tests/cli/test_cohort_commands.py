"""``msfusion cohort`` as a user runs it: four commands from two tables to one file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow

Msfusion = Callable[..., Any]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    make_slide(folder / "one.svs", 1280, 768, tissue="full")
    (folder / "patients.csv").write_text(
        "patient_id,time_months,event\n0012,3.5,1\n0013,9,0\n0014,4,1\n"
    )
    (folder / "slides.csv").write_text(
        "slide_id,patient_id,path\nS1,0012,one.svs\nS2,0013,gone.svs\n"
    )
    (folder / "clinical.csv").write_text("patient_id,age\n0012,61\n0014,70\n")
    return folder


@pytest.fixture
def cohort(msfusion: Msfusion, tables: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "cohort"
    done = msfusion(
        "cohort",
        "create",
        folder,
        "--patients",
        tables / "patients.csv",
        "--slides",
        tables / "slides.csv",
    )
    assert done.code == 0, done.stderr
    assert "3 patients, 2 slides" in done.stdout
    assert msfusion("cohort", "add", folder, "clinical", tables / "clinical.csv").code == 0
    return folder


@pytest.mark.process
def test_four_commands_lead_from_tables_to_one_file(
    msfusion: Msfusion, cohort: Path, small_model: Path, tmp_path: Path
) -> None:
    done = msfusion("cohort", "encode", cohort, "--model", small_model, "--device", "cpu")
    assert done.code == 3, "one slide is not there"
    assert "S2: [SlideNotFound]" in done.stdout
    assert f"1 of 2 slides failed. See {cohort / 'summary.md'}." in done.stderr
    assert (cohort / "summary.md").is_file()
    status = json.loads(msfusion("cohort", "status", cohort, "--json").stdout)
    assert status["counts"] == {"failed": 1, "ok_with_warnings": 1}
    done = msfusion("cohort", "export", cohort, tmp_path / "x.parquet")
    assert "3 rows, one per patient" in done.stdout
    assert "Slides without a vector: 1 failed" in done.stdout
    row = pq.read_table(tmp_path / "x.parquet").to_pylist()[0]
    assert (row["patient_id"], row["clinical.age"], row["survival.event"]) == ("0012", 61, True)
    assert len(row["slide.vector"]) == 1024
    assert "1 results moved" in msfusion("cohort", "compact", cohort).stdout


def test_status_shows_who_has_what(msfusion: Msfusion, cohort: Path) -> None:
    done = msfusion("cohort", "status", cohort)
    assert done.code == 0
    assert "modality clinical: 2 patients" in done.stdout
    assert "2       not_encoded" in done.stdout


def test_feature_folders_come_in_by_command(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    (tmp_path / "h5").mkdir()
    with h5py.File(tmp_path / "h5" / "S1.h5", "w") as file:
        file["features"], file["coords"] = np.ones((2, 8)), np.zeros((2, 2))
    done = msfusion("cohort", "import-features", cohort, tmp_path / "h5", "--name", "uni")
    assert "1 imported, 1 without file, 0 unknown files" in done.stdout
    done = msfusion("cohort", "export-features", cohort, tmp_path / "out")
    assert done.code == 2
    assert "patches=True" in done.stderr


def test_status_shows_each_model_of_several(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    for name, width in (("uni", 8), ("conch", 4)):
        (tmp_path / name).mkdir()
        with h5py.File(tmp_path / name / "S1.h5", "w") as file:
            file["features"], file["coords"] = np.ones((2, width)), np.zeros((2, 2))
        msfusion("cohort", "attach-features", cohort, tmp_path / name, "--name", name)
    done = msfusion("cohort", "status", cohort)
    assert done.code == 0, done.stderr
    assert "Model uni " in done.stdout
    assert "Model conch " in done.stdout
    assert "other commands take one by --model" in done.stdout
    lines = msfusion("cohort", "status", cohort, "--json").stdout.splitlines()
    assert len({json.loads(line)["fingerprint"] for line in lines}) == 2
    one = msfusion("cohort", "status", cohort, "--model", "uni").stdout
    assert "Model uni " in one
    assert "also conch " in one


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["encode", "--shard", "0/4"], 2, "--array=1-20"),
        (["encode", "--engine", "dask"], 2, "engine"),
        (["export", "x.parquet", "--level", "cell"], 2, "level"),
        (["export", "x.parquet", "--level", "slide"], 2, "Run msfusion cohort encode first"),
    ],
)
def test_what_cannot_be_done_is_said(
    msfusion: Msfusion, cohort: Path, small_model: Path, options: list[str], code: int, text: str
) -> None:
    model = ["--model", small_model] if options[0] == "encode" else []
    done = msfusion("cohort", options[0], cohort, *options[1:], *model)
    assert (done.code, text in done.stderr) == (code, True), done.stderr


def test_names_of_what_is_not_there_are_wrong_use(msfusion: Msfusion, tmp_path: Path) -> None:
    cohort = Cohort.create(tmp_path / "c", patients=pd.DataFrame({"patient_id": ["A"]}))
    for words in (
        ["cohort", "status", cohort.root, "--model", "0"],
        ["cohort", "compact", cohort.root],
        ["report", tmp_path / "nowhere", "-o", tmp_path / "x.html"],
        ["cohort", "encode", tmp_path / "nowhere"],
    ):
        assert msfusion(*words).code == 2, words


def test_a_folder_that_is_no_cohort_is_named(msfusion: Msfusion, tmp_path: Path) -> None:
    done = msfusion("cohort", "status", tmp_path)
    assert done.code == 2
    assert str(tmp_path) in done.stderr


def test_a_file_of_a_portal_is_added_by_its_layout(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    (tmp_path / "data_mrna.txt").write_text("Hugo_Symbol\tS1\tS2\nTP53\t1.5\t2.5\n")
    (tmp_path / "samples.csv").write_text("sample_id;patient_id\nS1;0012\nS2;0014\n")
    refused = msfusion("cohort", "add", cohort, "genomics", tmp_path / "data_mrna.txt")
    assert "--layout cbioportal" in refused.stderr
    done = msfusion(
        *("cohort", "add", cohort, "genomics", tmp_path / "data_mrna.txt"),
        *("--layout", "cbioportal", "--samples", tmp_path / "samples.csv"),
    )
    assert "modality genomics: 2 patients" in done.stdout, done.stderr


def test_mutations_are_added_with_who_was_sequenced(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.maf").write_text(
        "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\nTP53\tNonsense_Mutation\t0012\n"
    )
    (tmp_path / "sequenced.txt").write_text("0012\n0013\n0014\n")
    done = msfusion(
        *("cohort", "add", cohort, "mutations", tmp_path / "m.maf", "--adapter", "genomics"),
        *("--layout", "maf", "--profiled", tmp_path / "sequenced.txt"),
    )
    assert "modality mutations: 3 patients" in done.stdout, done.stderr


def test_what_a_file_leaves_open_is_said_by_options(
    msfusion: Msfusion, cohort: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_bytes("patient_id Größe\n0012 1,234\n0013 2,5\n".encode("cp1252"))
    done = msfusion(
        *("cohort", "add", cohort, "body", tmp_path / "t.txt", "--separator", "space"),
        *("--decimal", ",", "--encoding", "cp1252"),
    )
    assert "modality body: 2 patients" in done.stdout, done.stderr
    wrong = msfusion("cohort", "add", cohort, "b", tmp_path / "t.txt", "--decimal", "x")
    assert (wrong.code, "decimal" in wrong.stderr) == (2, True)


def test_patients_and_slides_may_be_sheets_of_one_workbook(
    msfusion: Msfusion, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    sheets: dict[str, list[list[object]]] = {
        "people": [["patient_id", "age"], ["0012", 61]],
        "scans": [["slide_id", "patient_id", "path"], ["S1", "0012", "one.svs"]],
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "study.xlsx")
    done = msfusion(
        *("cohort", "create", tmp_path / "cohort", "--patients", tmp_path / "study.xlsx"),
        *("--sheet", "people", "--slides", tmp_path / "study.xlsx", "--slides-sheet", "scans"),
    )
    assert "1 patients, 1 slides" in done.stdout, done.stderr
