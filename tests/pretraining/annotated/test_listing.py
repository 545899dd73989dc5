from pathlib import Path

import pytest

from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, TableError
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.listing import list_slides

BY_DIAGNOSIS = DatasetConfig(label="diagnosis")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outlines").mkdir()
    for name in ("0012.xml", "NA.geojson"):
        (tmp_path / "outlines" / name).write_text("")
    return tmp_path


def table(folder: Path, text: str, name: str = "slides.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_ids_stay_text_and_paths_are_relative_to_the_table(folder: Path) -> None:
    slides = table(
        folder, "slide_id,patient_id,path,mpp,diagnosis\nNA,7,b.svs,,normal\n0012,07,a.svs,0.5,x\n"
    )
    first, second = list_slides(slides, folder / "outlines", BY_DIAGNOSIS)
    assert (first.slide_id, first.patient_id, first.mpp, first.label) == ("0012", "07", 0.5, "x")
    assert first.path == folder / "a.svs"
    assert first.outlines == folder / "outlines" / "0012.xml"
    assert (second.slide_id, second.mpp, second.outlines.name) == ("NA", None, "NA.geojson")
    assert second.is_normal(BY_DIAGNOSIS)
    assert not first.is_normal(BY_DIAGNOSIS)


def test_classes_may_be_in_the_patient_table(folder: Path) -> None:
    slides = table(folder, "slide_id,patient_id,path\nNA,7,b.svs\n0012,07,a.svs\n")
    patients = table(folder, "patient_id,diagnosis\n07,luad\n7,normal\n", "patients.csv")
    entries = list_slides(slides, folder / "outlines", BY_DIAGNOSIS, patients)
    assert [entry.label for entry in entries] == ["luad", "normal"]


def test_without_a_column_outlines_name_the_classes(folder: Path) -> None:
    slides = table(folder, "slide_id,patient_id,path\nNA,7,b.svs\n")
    (entry,) = list_slides(slides, folder / "outlines", DatasetConfig())
    assert entry.label is None


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("slide_id,path\nNA,b.svs\n", TableError, "no column 'patient_id'"),
        ("slide_id,patient_id,path\n", TableError, "no rows"),
        (
            "slide_id,patient_id,path\nNA,,b.svs\n",
            TableError,
            "1 of 1 patient ids of slides.csv are blank",
        ),
        ("slide_id,patient_id,path\nNA,7,a\nNA,7,b\n", DuplicateIdError, "more than once"),
        ("slide_id,patient_id,path,mpp\nNA,7,a,fine\n", TableError, "no spacings.*NA: fine"),
        ("slide_id,patient_id,path\nother,7,a\n", TableError, "outlines of none"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    folder: Path, text: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        list_slides(table(folder, text), folder / "outlines", DatasetConfig())


def test_a_patient_that_is_not_listed_is_named(folder: Path) -> None:
    slides = table(folder, "slide_id,patient_id,path\nNA,7,b.svs\n")
    patients = table(folder, "patient_id,diagnosis\n07,luad\n", "patients.csv")
    with pytest.raises(IdMismatchError, match="'7'"):
        list_slides(slides, folder / "outlines", BY_DIAGNOSIS, patients)


def test_two_files_of_outlines_are_refused(folder: Path) -> None:
    (folder / "outlines" / "NA.xml").write_text("")
    slides = table(folder, "slide_id,patient_id,path\nNA,7,b.svs\n")
    with pytest.raises(DuplicateIdError, match="2 files of outlines"):
        list_slides(slides, folder / "outlines", DatasetConfig())
