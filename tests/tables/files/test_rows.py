"""Rows that are none of the table: blank ones, and headers that come again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk.errors import DuplicateIdError, TableError
from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

Reader = Callable[..., dict[str, list[Any]]]
BIOTAB = (
    "bcr_patient_uuid\tbcr_patient_barcode\tage\n"
    "bcr_patient_uuid\tbcr_patient_barcode\tage_at_diagnosis\n"
    "CDE_ID:\tCDE_ID:2003301\tCDE_ID:\n"
    "U1\tTCGA-AA-0001\t61\n"
)
JOINED = "Hugo_Symbol\tSample\nTP53\tS1\nHugo_Symbol\tSample\nKRAS\tS2\n"


@pytest.mark.parametrize("end", [";;\n", ";;\n;;\n\n", " ; ;\n"])
def test_rows_that_a_spreadsheet_left_at_the_end_are_none(end: str, patients: Reader) -> None:
    found = patients("patient_id;age;sex\nA;1;f\n" + end)
    assert found == {"patient_id": ["A"], "age": [1], "sex": ["f"]}


def test_a_blank_row_between_others_is_refused_with_its_line(patients: Reader) -> None:
    with pytest.raises(TableError, match=r"1 rows .* blank.*line 3"):
        patients("patient_id,age\nA,1\n,\nB,2\n")


def test_a_header_that_comes_again_is_refused_with_its_line(patients: Reader) -> None:
    with pytest.raises(TableError, match=r"2 rows of t\.csv repeat its header \(first: line 3"):
        patients("patient_id,age\nA,1\npatient_id,age\nB,2\npatient_id,age\n")


def test_the_three_lines_of_biotab_are_refused_with_their_layout(patients: Reader) -> None:
    text = BIOTAB.replace("bcr_patient_uuid", "patient_id")
    with pytest.raises(TableError, match=r"three header lines.*line 2.*--layout gdc"):
        patients(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            BIOTAB,
            {"bcr_patient_uuid": ["U1"], "bcr_patient_barcode": ["TCGA-AA-0001"], "age": [61]},
        ),
        (JOINED, {"Hugo_Symbol": ["TP53", "KRAS"], "Sample": ["S1", "S2"]}),
    ],
)
def test_both_are_left_out_where_a_layout_has_them(
    text: str, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text(text)
    shape = TableShape(repeats_header=True)
    assert read_file(TableFile(path=tmp_path / "t.txt"), shape=shape).to_pydict() == expected


def test_a_name_that_occurs_twice_is_refused(patients: Reader) -> None:
    with pytest.raises(DuplicateIdError, match="'TP53'"):
        patients("patient_id,TP53,TP53\na,1,2\n")


def test_lines_are_counted_with_cells_that_span_lines_and_blank_lines(patients: Reader) -> None:
    with pytest.raises(TableError, match=r"repeat its header \(first: line 6"):
        patients('patient_id,x\n"a","u\nv"\n\nb,w\npatient_id,x\n')
