"""Clinical tables as the portals give them, a row per patient."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.tables.issues import TableWarning

CBIOPORTAL = """#Patient Identifier\tSex\tAge
#Identifier\tSex\tAge
#STRING\tSTRING\tNUMBER
#1\t1\t1
PATIENT_ID\tSEX\tAGE
007\tMale\t61
TCGA-05-4249\tFemale\t[Not Available]
"""
BIOTAB = """bcr_patient_uuid\tbcr_patient_barcode\tage_at_diagnosis
bcr_patient_uuid\tbcr_patient_barcode\tage_at_initial_pathologic_diagnosis
CDE_ID:\tCDE_ID:2003301\tCDE_ID:2006657
U1\tTCGA-05-4244\t70
U2\tTCGA-05-4249\t67
"""
CLINICAL_TSV = """case_id\tcase_submitter_id\tage_at_index\ttreatment_type
c1\tTCGA-05-4244\t70\tPharmaceutical Therapy, NOS
c1\tTCGA-05-4244\t70\tRadiation Therapy, NOS
c2\tTCGA-05-4249\t'--\tRadiation Therapy, NOS
"""
XENA = """sampleID\t_PATIENT\tgender
TCGA-05-4244-01\tTCGA-05-4244\tMALE
TCGA-05-4244-11\tTCGA-05-4244\tMALE
TCGA-05-4249-01\tTCGA-05-4249\tFEMALE
"""


def read(layout: str, path: Path, text: str) -> pd.DataFrame:
    path.write_text(text)
    return ClinicalAdapter(layout=layout).read(path)


def test_a_clinical_file_of_cbioportal_is_read_below_its_comments(tmp_path: Path) -> None:
    table = read("cbioportal", tmp_path / "data_clinical_patient.txt", CBIOPORTAL)
    assert table.index.tolist() == ["007", "TCGA-05-4249"]
    assert table.columns.tolist() == ["SEX", "AGE"]
    assert table["AGE"].tolist()[0] == 61


def test_a_biotab_file_is_read_below_its_three_lines(tmp_path: Path) -> None:
    table = read("gdc", tmp_path / "clinical_patient_luad.txt", BIOTAB)
    assert table["age_at_diagnosis"].to_dict() == {"TCGA-05-4244": 70, "TCGA-05-4249": 67}


def test_of_several_rows_of_a_patient_what_they_agree_in_is_kept(tmp_path: Path) -> None:
    with pytest.warns(TableWarning, match=r"3 rows are of 2 patients.*1 columns.*treatment_type"):
        table = read("gdc", tmp_path / "clinical.tsv", CLINICAL_TSV)
    assert table.columns.tolist() == ["case_id", "age_at_index"]
    assert table["age_at_index"].tolist()[0] == 70


def test_of_the_samples_in_xena_the_tumour_is_taken(tmp_path: Path) -> None:
    table = read("xena", tmp_path / "LUAD_clinicalMatrix", XENA)
    assert table["gender"].to_dict() == {"TCGA-05-4244": "MALE", "TCGA-05-4249": "FEMALE"}


@pytest.mark.parametrize("layout", ["cbioportal", "gdc", "xena"])
def test_a_table_of_another_layout_is_refused_with_what_it_lacks(
    layout: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=f"layout '{layout}': none of its columns"):
        read(layout, tmp_path / "t.tsv", "patient\tage\nA\t1\n")
    with pytest.raises(TableError, match="layout='seer' is not one of"):
        read("seer", tmp_path / "t.tsv", "patient\tage\nA\t1\n")


def test_without_a_layout_it_is_a_table_of_patients(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("patient_id;age\n0012;61,5\n")
    assert ClinicalAdapter().read(tmp_path / "t.csv")["age"].to_dict() == {"0012": 61.5}


def test_joined_biotab_files_keep_their_patients_alone(tmp_path: Path) -> None:
    second = BIOTAB.replace("4244", "5420").replace("4249", "5423")
    table = read("gdc", tmp_path / "both.txt", BIOTAB + second)
    assert table["age_at_diagnosis"].to_dict() == {
        "TCGA-05-4244": 70,
        "TCGA-05-4249": 67,
        "TCGA-05-5420": 70,
        "TCGA-05-5423": 67,
    }


@pytest.mark.parametrize(
    ("layout", "text", "what"),
    [
        ("gdc", "bcr_patient_barcode\tage\nbcr_patient_barcode\tx\nA\t6\n", "another header"),
        ("gdc", "#submitter_id\tage\nA\t61\n", "line 1, begins with '#'.*Delete that mark"),
        ("gdc", "Table S1\nsubmitter_id\tage\nA\t61\n", "title .'Table S1'"),
        ("xena", "#sampleID\tage\nA\t61\n", "Delete that mark"),
        ("cbioportal", CBIOPORTAL + CBIOPORTAL, "repeat its header .*line 12"),
        ("cbioportal", CBIOPORTAL + "#1\t1\t1\n008\tMale\t1\n", "begin with '#' .*line 8"),
        ("cbioportal", "Patient ID\tAge\nA\t3\n", "'Patient ID'.*Rename the column"),
    ],
)
def test_a_file_that_was_joined_or_changed_is_refused_by_line(
    layout: str, text: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=what):
        read(layout, tmp_path / "t.txt", text)


def test_comments_above_a_table_of_xena_are_none_of_it(tmp_path: Path) -> None:
    table = read("xena", tmp_path / "t.tsv", "# of 2026\n" + XENA)
    assert table.index.tolist() == ["TCGA-05-4244", "TCGA-05-4249"]


@pytest.mark.parametrize(
    ("layout", "name"), [("cbioportal", "PATIENT_ID"), ("gdc", "case_id"), ("xena", "sampleID")]
)
def test_ids_that_a_workbook_made_numbers_are_refused(
    layout: str, name: str, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    for row in ([name, "AGE"], ["0012", 61], [123, 70]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(IdTypeError, match=rf"'{name}' has 1 cells .*A3, a number: '123'"):
        ClinicalAdapter(layout=layout).read(tmp_path / "t.xlsx")
