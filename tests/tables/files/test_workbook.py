"""Spreadsheets hand over what they store; ids that they have made something else are refused."""

import datetime
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

Rows = Sequence[Sequence[Any]]

PATIENTS: Rows = [
    ["patient_id", "age", "bmi", "sex", "stage"],
    ["0012", 61, 22.5, "f", "[Not Available]"],
    ["1e5", 70, None, "m", "II"],
]
READ = {
    "patient_id": ["0012", "1e5"],
    "age": [61, 70],
    "bmi": [22.5, None],
    "sex": ["f", "m"],
    "stage": ["[Not Available]", "II"],
}

ODS = (
    '<?xml version="1.0"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
    "<office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"
)


def ods_cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    kind = 'string"' if isinstance(value, str) else f'float" office:value="{value}"'
    return (
        f'<table:table-cell office:value-type="{kind}><text:p>{value}</text:p></table:table-cell>'
    )


def save(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write a workbook as the programs of its format do."""
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(path)
    elif path.suffix == ".xls":
        old = xlwt.Workbook()
        for name, rows in sheets.items():
            sheet = old.add_sheet(name)
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    if value is not None:
                        sheet.write(number, place, value)
        old.save(str(path))
    else:
        tables = "".join(
            f'<table:table table:name="{name}">'
            + "".join(
                f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows
            )
            + "</table:table>"
            for name, rows in sheets.items()
        )
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("content.xml", ODS.format(tables))
            archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return path


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, list[Any]]]:
    def reading(
        sheets: Mapping[str, Rows] | Rows, name: str = "t.xlsx", genes: bool = False, **said: Any
    ) -> dict[str, list[Any]]:
        named = sheets if isinstance(sheets, Mapping) else {"Sheet1": sheets}
        file = TableFile(path=save(tmp_path / name, named), **said)
        shape = TableShape(has_row_names=True) if genes else TableShape(wanted=("patient_id",))
        return dict(read_file(file, keep_text=("patient_id",), shape=shape).to_pydict())

    return reading


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.ods"])
def test_a_sheet_of_every_format_is_read(name: str, read: Callable[..., Any]) -> None:
    assert read(PATIENTS, name) == READ


def test_a_workbook_is_one_under_any_name(read: Callable[..., Any], tmp_path: Path) -> None:
    save(tmp_path / "t.xlsx", {"S": PATIENTS}).rename(tmp_path / "t.csv")
    shape = TableShape(wanted=("patient_id",))
    table = read_file(TableFile(path=tmp_path / "t.csv"), keep_text=("patient_id",), shape=shape)
    assert table.to_pydict() == READ


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.ods"])
def test_the_sheet_is_said_by_name(name: str, read: Callable[..., Any]) -> None:
    sheets = {"notes": [["made in May"]], "patients": PATIENTS}
    assert read(sheets, name, sheet="patients") == READ
    with pytest.raises(TableError, match=r"2 sheets with cells \('notes', 'patients'\).*--sheet"):
        read(sheets, name)
    with pytest.raises(TableError, match=r"no sheet 'Patients'.*'notes', 'patients'"):
        read(sheets, name, sheet="Patients")


def test_the_only_sheet_that_holds_anything_need_not_be_said(read: Callable[..., Any]) -> None:
    assert read({"Sheet1": PATIENTS, "Sheet2": [], "Sheet3": []}) == READ


def test_dates_flags_and_fractions_come_as_they_are_stored(read: Callable[..., Any]) -> None:
    values = [
        ("day", datetime.date(2020, 2, 29), "2020-02-29"),
        ("moment", datetime.datetime(2020, 2, 29, 8, 30), "2020-02-29T08:30:00"),
        ("flag", True, True),
        ("third", 1 / 3, 1 / 3),
        ("tiny", 1e-10, 1e-10),
        ("whole", 7.0, 7),
    ]
    names, cells, expected = zip(*values, strict=True)
    found = read([["patient_id", *names], ["a", *cells]])
    assert found == {"patient_id": ["a"], **{n: [e] for n, e in zip(names, expected, strict=True)}}


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (12, "A3, a number: '12'"),
        (123456789012345680, "a number: '1"),
        (datetime.datetime(2021, 3, 1), "a date or time: '2021-03-01'"),
        (True, "true or false: 'True'"),
    ],
)
def test_an_id_that_is_no_text_is_refused_by_cell(
    wrong: Any, kind: str, read: Callable[..., Any]
) -> None:
    with pytest.raises(IdTypeError, match=f"1 cells that are no text in t.xlsx.*{kind}"):
        read([["patient_id", "x"], ["a", 1], [wrong, 2]])


def test_a_gene_that_became_a_date_is_refused_by_cell(read: Callable[..., Any]) -> None:
    rows = [["gene", "P1"], ["TP53", 1], [datetime.datetime(2021, 3, 1), 2]]
    with pytest.raises(IdTypeError, match=r"'gene'.*A3, a date or time"):
        read(rows, genes=True)


def test_patients_across_that_became_numbers_are_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(IdTypeError, match=r"2 names in row 1 .*'12', '13'"):
        read([["gene", 12, 13], ["TP53", 1, 2]], genes=True)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([["Table S1"], [], ["patient_id", "x"], ["a", 1]], r"title \('Table S1'\)"),
        ([["Table S1", None], ["patient_id", "x"], ["a", 1]], r"title \('Table S1'\)"),
        ([["patient_id", "x"], ["a", 1], [], ["b", 2]], "blank in every cell.*row 3"),
        ([["patient_id", "x", None, None], ["a", 1, None, "?"]], "Column 3, 4 of .* no name"),
        ([["patient_id", "x", "x"], ["a", 1, 2]], "occur twice"),
    ],
)
def test_a_sheet_that_is_no_plain_table_is_refused(
    rows: Rows, what: str, read: Callable[..., Any]
) -> None:
    with pytest.raises(TableError, match=what):
        read(rows)


def test_blank_columns_and_rows_at_the_end_are_none_of_the_table(
    read: Callable[..., Any],
) -> None:
    rows = [["patient_id", "x", None], ["a", 1, ""], ["b", 2, None], [None, "", None]]
    assert read(rows) == {"patient_id": ["a", "b"], "x": [1, 2]}


def test_what_a_sheet_could_not_compute_is_missing(read: Callable[..., Any]) -> None:
    found = read([["patient_id", "x"], ["a", "#DIV/0!"], ["b", 2.5]])
    assert found["x"] == [None, 2.5]


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.ods"])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.98])
def test_a_workbook_that_breaks_off_is_refused(name: str, part: float, tmp_path: Path) -> None:
    path = save(tmp_path / name, {"S": PATIENTS})
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(TableError, match=name):
        read_file(TableFile(path=path))


def test_a_workbook_without_cells_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(TableError, match="holds no cells"):
        read({"a": [], "b": []})
