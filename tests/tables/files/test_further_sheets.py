"""Further spreadsheets of each kind that once went wrong, and what is called one and is none."""

import datetime
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from msfusion_sdk.errors import IdTypeError, MsfusionError, TableError
from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape
from msfusion_sdk.tables.frames import patient_table, read_table

Rows = Sequence[Sequence[Any]]
GENES, PATIENTS = TableShape(has_row_names=True), TableShape(wanted=("patient_id",))


def save(path: Path, rows: Rows) -> TableFile:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return TableFile(path=path)


@pytest.mark.parametrize(
    ("shape", "rows", "what"),
    [
        (PATIENTS, [[None, None], ["patient_id", "age"], ["P1", 3]], "Line 1 .* is blank"),
        (PATIENTS, [["Table S1"], [None], ["patient_id", "age"], ["P1", 3]], "title .'Table S1'"),
        (PATIENTS, [[None, "patient_id"], [None, "P1"]], "Column 1 .* has no name in line 1"),
        (PATIENTS, [["patient_id", "age"], ["P1", 3], ["patient_id", "bmi"]], "Row 3 .* another h"),
        (PATIENTS, [["patient_id", "age"], [True, 3]], "A2, true or false"),
        (PATIENTS, [["patient_id", "age"], [1234567890123456, 3]], "A2, a number"),
        (PATIENTS, [["patient_id"], [datetime.datetime(2021, 3, 1)]], "A2, a date"),
        (GENES, [["P1", "P2", None], ["TP53", 1.0, 2.0]], "If 'P1' is a patient already"),
        (GENES, [["gene", 123], ["TP53", 1.0]], "B1, a number: '123'"),
        (GENES, [["gene", "P1"], [44256, 1.0]], "A2, a number: '44256'"),
    ],
)
def test_a_sheet_that_has_been_changed_is_refused_by_cell(
    shape: TableShape, rows: Rows, what: str, tmp_path: Path
) -> None:
    file = save(tmp_path / "t.xlsx", rows)
    with pytest.raises(MsfusionError, match=what):
        read_file(file, keep_text=shape.wanted, shape=shape)


def test_patients_whose_cell_was_merged_with_the_one_above_are_refused(tmp_path: Path) -> None:
    file = save(tmp_path / "t.xlsx", [["patient_id", "age"], ["P1", 3], [None, 4]])
    with pytest.raises(IdTypeError, match=r"1 of 2 patient ids .*first: ''; row 2 of the table"):
        patient_table(read_table(file))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[None, "P1", "P2"], ["TP53", 1.5, "NA"]], {"P1": [1.5], "P2": [None]}),
        ([["#gene", "P1"], ["MARCHF1", 2]], {"P1": [2]}),
        ([["gene", "P1"], ["44256", 2]], {"P1": [2]}),
    ],
)
def test_a_sheet_of_genes_is_read(
    rows: Rows, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    table = read_file(save(tmp_path / "t.xlsx", rows), shape=GENES).to_pydict()
    names, *_ = table
    assert table.pop(names) == [rows[1][0]]
    assert table == expected


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.ods"])
@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_text_may_be_called_a_workbook(name: str, separator: str, tmp_path: Path) -> None:
    text = "patient_id\tage\n0012\t61\n".replace("\t", separator)
    (tmp_path / name).write_text(text)
    table = read_table(tmp_path / name)
    assert table.to_dict("list") == {"patient_id": ["0012"], "age": [61]}


@pytest.mark.parametrize(
    ("member", "what"),
    [
        ("word/document.xml", "a document of a word processor"),
        ("Index/Document.iwa", "a spreadsheet of Numbers"),
        ("a.csv", "a zip archive of 1 files"),
    ],
)
def test_other_archives_are_named(member: str, what: str, patients: Callable[..., Any]) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(member, "x")
    with pytest.raises(TableError, match=what):
        patients(data.getvalue(), "t.xlsx")
