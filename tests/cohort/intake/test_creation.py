"""A cohort is created from tables that were checked together, or not at all."""

import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.intake.creation import read_cohort_tables
from msfusion_sdk.errors import (
    DuplicateIdError,
    IdMismatchError,
    StoreError,
    StoreFullError,
    SurvivalLabelError,
    TableError,
)
from msfusion_sdk.tables.paths import path_of

pytestmark = pytest.mark.slow

PATIENTS = """patient_id,diagnosis,time_months,event,site
0012,luad,5.5,True,A
NA,luad,10,False,A
1e5,lusc,20,True,B
P4,lusc,40,False,B
"""
SLIDES = """slide_id,patient_id,path,mpp
S1,0012,slides/S1.svs,0.25
S2,0012,slides/S2.svs,
S3,NA,slides/S3.svs,0.5
S4,1e5,slides/S4.svs,0.25
S5,P4,slides/S5.svs,0.25
"""
CLINICAL = "patient_id,age,sex\n0012,61,female\nNA,,male\n1e5,58,female\n"


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with the three tables and the slide files."""
    folder = tmp_path / "source"
    (folder / "slides").mkdir(parents=True)
    for number in range(1, 6):
        (folder / "slides" / f"S{number}.svs").write_bytes(bytes(number))
    for name, text in (("patients", PATIENTS), ("slides", SLIDES), ("clinical", CLINICAL)):
        written(folder, f"{name}.csv", text)
    return folder


@pytest.fixture
def cohort(source: Path, tmp_path: Path) -> Cohort:
    return Cohort.create(
        tmp_path / "cohort", patients=source / "patients.csv", slides=source / "slides.csv"
    )


def refused(tmp_path: Path, source: Path, **texts: str) -> TableError:
    """Create with other texts and return the error; nothing may have been written."""
    for name, text in texts.items():
        written(source, f"{name}.csv", text)
    with pytest.raises(TableError) as caught:
        Cohort.create(
            tmp_path / "c", patients=source / "patients.csv", slides=source / "slides.csv"
        )
    assert not (tmp_path / "c").exists()
    return caught.value


def test_a_good_cohort_gives_no_remark(cohort: Cohort) -> None:
    report = cohort.report()
    assert (report.n_patients, report.n_slides, report.findings) == (4, 5, ())
    assert report.outcomes == {"survival": 4, "diagnosis": 4}


def test_ids_survive_from_the_file_to_every_table(cohort: Cohort, source: Path) -> None:
    cohort.add_modality("clinical", source / "clinical.csv")
    again = Cohort.open(cohort.root)
    assert again.patient_ids == ["0012", "NA", "1e5", "P4"]
    assert again.tables()["clinical"].index.tolist() == ["0012", "NA", "1e5"]
    assert again.outcome("survival").index.tolist() == ["0012", "NA", "1e5", "P4"]
    assert again.outcome("diagnosis").to_dict()["1e5"] == "lusc"


def test_slides_come_back_with_their_files_and_spacings(cohort: Cohort, source: Path) -> None:
    rows = Cohort.open(cohort.root).slides.to_pylist()
    assert [path_of(row) for row in rows] == [source / "slides" / f"S{i}.svs" for i in range(1, 6)]
    assert [row["mpp"] for row in rows] == [0.25, None, 0.5, 0.25, 0.25]


def test_a_cohort_needs_no_slides(tmp_path: Path, source: Path) -> None:
    cohort = Cohort.create(tmp_path / "c", patients=source / "patients.csv")
    assert cohort.slides is None
    assert cohort.completeness()["slide"].tolist() == [False]


def test_frames_and_arrow_tables_make_a_cohort_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"patient_id": ["a", "b"], "diagnosis": ["x", "y"]})
    one = Cohort.create(tmp_path / "1", patients=frame)
    other = Cohort.create(tmp_path / "2", patients=pa.Table.from_pandas(frame))
    assert one.patients.equals(other.patients)


def test_all_problems_of_both_tables_come_in_one_error(tmp_path: Path, source: Path) -> None:
    error = refused(
        tmp_path,
        source,
        patients=PATIENTS + "P4,lusc,-1,False,B\n,luad,1,True,A\np4,luad,1,True,A\n",
        slides=SLIDES + "S5,P4,other/S5.svs,0.25\ns1,12,slides/S9.svs,352.78\nS7,P4,slides/S1.svs,",
    )
    assert isinstance(error, DuplicateIdError)
    for words in (
        "'P4' 2 times",
        "are blank (rows 6,",
        "'P4', 'p4'",
        "values of time_months are negative",
        "'S5' 2 times",
        "other/S5.svs'",
        "'S1', 's1'",
        "'12' may be '0012'",
        "s1: 352.78",
        "slides/S1.svs: 'S1', 'S7'",
    ):
        assert words in str(error)
    assert str(error).startswith("9 problems")


def test_slides_of_unknown_patients_are_refused(tmp_path: Path, source: Path) -> None:
    error = refused(tmp_path, source, slides=SLIDES.replace(",P4,", ",P5,"))
    assert type(error) is IdMismatchError
    assert "1 of 4 patient ids of slides.csv are not in the patient table (first: 'P5')" in str(
        error
    )


def test_slides_without_a_patient_are_refused(tmp_path: Path, source: Path) -> None:
    error = refused(tmp_path, source, slides=SLIDES.replace(",P4,", ", ,"))
    assert "1 of 5 patient ids of slides.csv are blank (rows 5," in str(error)


def test_tables_of_which_nothing_matches_are_refused_with_the_reason(
    tmp_path: Path, source: Path
) -> None:
    rows = "".join(f"S{i},case-{i},slides/S1.svs\n" for i in range(1, 2))
    error = refused(
        tmp_path,
        source,
        patients="patient_id,x\nCase-1,1\n",
        slides=f"slide_id,patient_id,path\n{rows}",
    )
    assert type(error) is IdMismatchError
    assert "1 would match if case were ignored" in str(error)


def test_patients_without_slides_are_remarked(tmp_path: Path, source: Path) -> None:
    written(source, "slides.csv", SLIDES.replace("S3,NA,slides/S3.svs,0.5\n", ""))
    cohort = Cohort.create(
        tmp_path / "c", patients=source / "patients.csv", slides=source / "slides.csv"
    )
    (finding,) = Cohort.open(cohort.root).report().findings
    assert finding.message == "1 of 4 patients have no slide (first: 'NA')."


def test_rows_that_repeat_another_are_left_out_only_when_asked(
    tmp_path: Path, source: Path
) -> None:
    error = refused(tmp_path, source, patients=PATIENTS + PATIENTS.splitlines()[1] + "\n")
    assert type(error) is DuplicateIdError
    assert "on_duplicate='drop_identical'" in str(error)
    cohort = Cohort.create(
        tmp_path / "c", patients=source / "patients.csv", on_duplicate="drop_identical"
    )
    assert cohort.patient_ids == ["0012", "NA", "1e5", "P4"]
    assert "1 rows that repeat another one were left out" in str(cohort.report())


def test_rows_of_one_patient_that_differ_are_refused_even_then(
    tmp_path: Path, source: Path
) -> None:
    written(source, "patients.csv", PATIENTS + "0012,lusc,5.5,True,A\n")
    with pytest.raises(DuplicateIdError, match="'0012' 2 times"):
        Cohort.create(
            tmp_path / "c", patients=source / "patients.csv", on_duplicate="drop_identical"
        )


@pytest.mark.parametrize("content", ["cohort", "file"])
def test_a_folder_that_holds_anything_is_refused(
    content: str, cohort: Cohort, source: Path
) -> None:
    folder = cohort.root if content == "cohort" else source
    with pytest.raises(StoreError, match=r"not empty.* in the shell msfusion cohort status"):
        Cohort.create(folder, patients=source / "patients.csv")


def test_a_disk_that_fills_leaves_nothing(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        message = "full"
        raise StoreFullError(message)

    monkeypatch.setattr("msfusion_sdk.cohort.intake.writing.write_manifest", full)
    with pytest.raises(StoreFullError):
        Cohort.create(tmp_path / "c", patients=source / "patients.csv")
    assert not (tmp_path / "c").exists()


def test_an_outcome_can_be_declared_at_creation_instead_of_the_standard_one(
    tmp_path: Path, source: Path
) -> None:
    text = PATIENTS.replace("True", "Dead").replace("False", "Alive")
    error = refused(tmp_path, source, patients=text)
    assert type(error) is SurvivalLabelError
    told = {"time": "time_months", "event": "event", "event_values": {"Dead": 1, "Alive": 0}}
    cohort = Cohort.create(
        tmp_path / "c", patients=source / "patients.csv", outcomes={"survival": told}
    )
    labels = Cohort.open(cohort.root).outcome("survival")
    assert labels["event"].tolist() == [True, False, True, False]
    assert labels.attrs["unit"] == "months"


def test_five_thousand_patients_with_ten_thousand_slides_are_checked_in_seconds() -> None:
    n = 5000
    patients = pd.DataFrame({"patient_id": [f"P{i:05d}" for i in range(n)]})
    slides = pd.DataFrame(
        {
            "slide_id": [f"S{i:05d}" for i in range(2 * n)],
            # Nothing matches, so that all suggestions are computed too.
            "patient_id": [f"p{i // 2}" for i in range(2 * n)],
            "path": [f"absent/{i}.svs" for i in range(2 * n)],
        }
    )
    start = time.process_time()
    with pytest.raises(IdMismatchError, match="several of these"):
        read_cohort_tables(patients, slides, {}, on_duplicate="refuse")
    assert time.process_time() - start < 3


@pytest.mark.process
def test_the_composed_cohort_of_the_shared_folder_becomes_a_cohort(
    shared: Path, tmp_path: Path
) -> None:
    tool, tiles = shared / "tools" / "compose_cohort.py", shared / "data" / "tiles" / "lc25000"
    made = tmp_path / "made"
    command = [sys.executable, str(tool), "--tiles", str(tiles), "--out", str(made), "--no-slides"]
    subprocess.run(command, check=True, capture_output=True)
    cohort = Cohort.create(
        tmp_path / "cohort", patients=made / "patients.csv", slides=made / "slides.csv"
    )
    cohort.add_modality("clinical", made / "clinical.csv")
    cohort.add_modality("genomics", made / "expression.csv")
    expected = pd.read_csv(made / "patients.csv", index_col="patient_id")
    survival = cohort.outcome("survival")
    assert survival["time"].to_dict() == expected["time_months"].to_dict()
    assert survival["event"].to_dict() == expected["event"].to_dict()
    assert cohort.completeness()["patients"].sum() == 24
    assert (
        cohort.tables()["genomics"].shape == pd.read_csv(made / "expression.csv", index_col=0).shape
    )
