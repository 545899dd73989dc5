"""Further text tables of each kind that once went wrong: read exactly right, or refused by line."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk.errors import MsfusionError, TableError
from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

Reader = Callable[..., dict[str, list[Any]]]
Writer = Callable[..., Path]

ROWS = "TP53\t1\t2\nEGFR\t3\t4\n"
MATRIX = {"P1": [1, 3], "P2": [2, 4]}


def values(table: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return a matrix of genes without the column of names, whatever that is called."""
    names, *others = table
    assert table[names] == ["TP53", "EGFR"]
    return {name: table[name] for name in others}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"P1","P2"\n"TP53",1,2\n"EGFR",3,4\n', "t.csv"),  # write.csv
        ('"P1";"P2"\n"TP53";1;2\n"EGFR";3;4\n', "t.csv"),  # write.csv2
        ('"";"P1";"P2"\n"TP53";1;2\n"EGFR";3;4\n', "t.csv"),  # col.names=NA
        ("# gene\tP1\tP2\n" + ROWS, "t.tsv"),
        ('"#gene","P1","P2"\n"TP53",1,2\n"EGFR",3,4\n', "t.csv"),
        ("gene\tP1\tP2\n" + ROWS, "genomicMatrix"),
        ("gene\tP1\tP2\n" + ROWS, "t.CSV"),
        ("gene\tP1\tP2\r" + ROWS.replace("\n", "\r"), "old mac (1).TAB"),
    ],
)
def test_a_matrix_is_read_with_its_genes_and_patients(text: str, name: str, genes: Reader) -> None:
    assert values(genes(text, name)) == MATRIX


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        # A decimal comma makes two cells, and the header would move by one.
        ("gene,P1\nTP53,22,5\nEGFR,24,0\n", "t.csv", "line 1, begins with 'gene' and has 2 names"),
        ("sample\tP1\nTP53\t1\t2\n", "t.tsv", "Name every column"),
        ("P1\tP2\t\n" + ROWS, "t.tsv", "If 'P1' is a patient already, name the column of genes"),
        ("gene\tP1\tP2\tP3\n" + ROWS, "t.tsv", "do not have the 4 cells .* line 2: 3"),
        ("P1\tP2\nTP53\t1\t2\nEGFR\t3\n", "t.tsv", "do not have .* line 2: 3"),
        ("TP53\t1.5\t2.5\nEGFR\t0.5\t0.1\n", "t.tsv", "Line 1 .* holds values"),
        ("## mine\n#gene\tP1\tP2\n" + ROWS, "t.tsv", "line 2, begins with '#'.*the lines above"),
        ("// mine\ngene\tP1\tP2\n" + ROWS, "t.tsv", "Line 1 .* seems to be a title"),
        ("\t\t\ngene\tP1\tP2\n" + ROWS, "t.tsv", "Line 1 .* is blank, and the header"),
        ('!Series_title\t"x"\n"ID_REF"\t"GSM1"\n', "t.txt", "a series matrix of GEO"),
    ],
)
def test_a_matrix_with_a_wrong_header_is_refused(
    text: str, name: str, what: str, genes: Reader
) -> None:
    with pytest.raises(TableError, match=what):
        genes(text, name)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("patient_id,age,sex\nP1,61,f,\nP2,70,m\n", "line 2: 4"),
        ("patient_id;age;sex\nP1;61;f;\nP2;70;m;\n", "line 2: 4 cells, the last one empty"),
        ("patient_id,age,sex,\nP1,61,f\nP2,70,m\n", "line 1, ends with 1 separators more"),
        ("patient_id,age\n" + "P,1,\n" * 60 + "Q,2,note\n", "Delete the separator at the end"),
        ("patient_id,age\nP1,61\nSource: registry\n", "line 3: 1"),
        ("sep=;\npatient_id;age\nP1;61\n", "Line 1 .* title .'sep='"),
        (",,\npatient_id,age,sex\nP1,3,f\n", "Line 1 .* is blank"),
        (",Clinical,\npatient_id,age,sex\nP1,3,f\n", "Line 1 .* title .'Clinical'"),
    ],
)
def test_a_table_of_patients_with_too_many_separators_or_a_title_is_refused(
    text: str, what: str, patients: Reader
) -> None:
    with pytest.raises(TableError, match=what):
        patients(text)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.234,5", "250,0"], [1234.5, 250.0]),
        (["1,5E-03", "-2,5e+02"], [0.0015, -250.0]),
        (["22,5", "[Not Available]"], [22.5, None]),
        (["22,5", "-"], [22.5, None]),
        (["22.5", "1.234"], [22.5, 1.234]),  # Switzerland
        (["0.512", "1.234"], [0.512, 1.234]),
        (["22,5%", "24%"], ["22,5%", "24%"]),
    ],
)
def test_numbers_between_semicolons(
    cells: list[str], expected: list[Any], patients: Reader
) -> None:
    read = patients(f"patient_id;x\n0012;{cells[0]}\n1,5;{cells[1]}\n")
    assert read == {"patient_id": ["0012", "1,5"], "x": expected}


def test_points_that_may_stand_between_thousands_are_asked_about(patients: Reader) -> None:
    text = "patient_id;platelets\nA;1.234\nB;250.000\n"
    with pytest.raises(TableError, match=r"'1.234' in 'platelets'.*decimal=','"):
        patients(text)
    assert patients(text, decimal=",")["platelets"] == [1234, 250000]
    assert patients(text, decimal=".")["platelets"] == [1.234, 250.0]


@pytest.mark.parametrize("second", ["\ufeffpatient_id,age", "Patient_ID,Age", "patient_id, age "])
def test_a_header_that_comes_again_is_known_in_other_writing(second: str, patients: Reader) -> None:
    with pytest.raises(TableError, match=r"repeat its header \(first: line 3"):
        patients(f"patient_id,age\nP1,3\n{second}\nP2,4\n")


@pytest.mark.parametrize("second", ["patient_id,sex,age", "patient_id,stage,grade", "sex,age,bmi"])
def test_the_header_of_another_table_is_no_patient(second: str, patients: Reader) -> None:
    with pytest.raises(TableError, match=r"Line 3 of t\.csv seems to be another header"):
        patients(f"patient_id,age,sex,bmi\nP1,3,f,20\n{second},x\nP2,m,4,21\n")


def test_patients_across_and_down_are_no_headers(patients: Reader) -> None:
    table = patients("patient_id,P1,P2\nP1,0,7\nP2,7,0\n")
    assert table == {"patient_id": ["P1", "P2"], "P1": [0, 7], "P2": [7, 0]}


PAGES = {
    "office": ('<html xmlns:o="urn:schemas-microsoft-com:office:office"><table>', "save it as CSV"),
    "2003": ('<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>', "save it as CSV"),
    "comment": ("<!-- saved from x -->\n<html>\n", "an HTML page"),
    "body": ("<body>\nsign in\n</body>", "an HTML page"),
    "storage": ("<Error><Code>NoSuchKey</Code></Error>", "markup, HTML or XML"),
    "json": ('[{"message": "x"}]', "JSON"),
    "404": ("404: Not Found", "a single line without cells .'404: Not Found'"),
    "denied": ("Access denied. Please log in.\n", "a single line without cells"),
}


@pytest.mark.parametrize(("page", "what"), PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_a_server_sent_in_place_of_a_table_is_named(
    page: str, what: str, encoding: str, patients: Reader, genes: Reader
) -> None:
    for read in (patients, genes):
        with pytest.raises(TableError, match=what):
            read(page.encode(encoding), "t.tsv")


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame({"patient_id": ["P1"]}).to_parquet(file)
    return file.getvalue()


PACKED = {
    "twice": (gzip.compress(gzip.compress(b"gene\tP1\n")), "compressed twice"),
    "parquet": (gzip.compress(parquet()), "a Parquet file that is compressed"),
    "nothing": (gzip.compress(b""), "is empty"),
    "garbage behind": (gzip.compress(b"gene\tP1\nA\t1\n") + b"abc", "is damaged"),
    "two bytes": (b"\x1f\x8b", "breaks off"),
    "page": (gzip.compress(b"<!DOCTYPE html>"), "an HTML page"),
    "compress": (b"\x1f\x9d\x90abc" * 9, "compressed with compress"),
    "lz4": (b"\x04\x22\x4d\x18abc" * 9, "compressed with lz4"),
    "feather": (b"ARROW1\0\0abc", "a Feather file"),
    "numpy": (b"\x93NUMPY\1\0v\0", "an array of numpy"),
    "pickle": (b"\x80\x04\x95abc.", "a pickle of Python"),
    "sas": (b"\0" * 12 + b"\xc2\xea\x81\x60" + b"\0" * 40, "data of SAS"),
    "image": (b"\x89PNG\r\n\x1a\n\0\0", "an image"),
}


@pytest.mark.parametrize(("data", "what"), PACKED.values(), ids=PACKED)
def test_other_packings_and_other_files_are_named(data: bytes, what: str, genes: Reader) -> None:
    with pytest.raises(TableError, match=what):
        genes(data, "HiSeqV2.gz")


def test_zeros_behind_a_packed_file_are_none_of_it(genes: Reader) -> None:
    packed = gzip.compress(f"gene\tP1\tP2\n{ROWS}".encode("utf-16")) + b"\0" * 20
    assert values(genes(packed, "HiSeqV2.gz")) == MATRIX


MAF = TableShape(wanted=("gene", "sample"), has_comments=True, repeats_header=True)
PORTAL = TableShape(one_of=("PATIENT_ID",), has_comments=True)
BIOTAB = "uuid\tbarcode\tage\nuuid\tbarcode\tage_at_diagnosis\nCDE_ID:\tCDE_ID:20\tCDE_ID:21\n"


@pytest.mark.parametrize(
    ("shape", "text", "expected"),
    [
        (MAF, "#v1\ngene\tsample\nA\t1\n#v1\n#\ngene\tsample\nB\t2\n", {"gene": ["A", "B"]}),
        (MAF, "\ufeffgene\tsample\nA\t1\n\ufeffgene\tsample\nB\t2\n", {"gene": ["A", "B"]}),
        (MAF, "gene\tsample\nA\t1\nGENE\tSAMPLE\nB\t2\n", {"gene": ["A", "B"]}),
        (PORTAL, "#Patient\tAge\n#1\t1\nPATIENT_ID\tAGE\n7\t3\n", {"PATIENT_ID": [7]}),
        (
            TableShape(one_of=("barcode",), has_comments=True, repeats_header=True),
            f"{BIOTAB}u\tA1\t61\n{BIOTAB}v\tA2\t70\n",
            {"uuid": ["u", "v"], "barcode": ["A1", "A2"], "age": [61, 70]},
        ),
    ],
)
def test_joined_files_are_one_where_a_layout_has_them(
    shape: TableShape, text: str, expected: dict[str, list[Any]], written: Writer
) -> None:
    table = read_file(TableFile(path=written(text, "t.txt")), shape=shape).to_pydict()
    assert {name: table[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("shape", "text", "what"),
    [
        (MAF, "gene\tsample\nA\t1\nsample\tgene\n2\tB\n", "Line 3 .* another header"),
        (MAF, "gene\tsample\tx\nA\t1\t0\ngene\tsample\ty\nB\t2\t0\n", "Line 3 .* another header"),
        (MAF, "#gene\tsample\nA\t1\n", "line 1, begins with '#'.*Delete that mark"),
        (MAF, "#v1\n# gene\tsample\nA\t1\n", "line 2, begins with '#'"),
        (PORTAL, "#PATIENT_ID\tAGE\nP1\t61\n", "line 1, begins with '#'"),
        (PORTAL, "PATIENT_ID\tAGE\nP1\t61\n#1\t1\nP2\t3\n", "begin with '#' .first: line 3"),
        (PORTAL, "My table\t\nPATIENT_ID\tAGE\nP1\t61\n", "Line 1 .* title .'My table'"),
        (PORTAL, "My table\nPATIENT_ID\tAGE\nP1\t61\n", "Line 1 .* title .'My table'"),
    ],
)
def test_joined_files_and_headers_that_cannot_be_read_are_refused(
    shape: TableShape, text: str, what: str, written: Writer
) -> None:
    with pytest.raises(MsfusionError, match=what):
        read_file(TableFile(path=written(text, "t.txt")), shape=shape)


@pytest.mark.parametrize("name", ["tcga_lung_clinical.csv", "tcga_lung_rna.csv"])
@pytest.mark.parametrize(
    ("encoding", "separator", "decimal"),
    [("utf-16", "\t", "."), ("utf-8-sig", ";", ","), ("utf-8", "|", "."), ("utf-8", "\t", ",")],
)
def test_a_real_table_is_the_same_however_it_is_saved(
    name: str, encoding: str, separator: str, decimal: str, shared: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(shared / "data" / "tcga_lung_multipit" / name)
    table.to_csv(tmp_path / "t", sep=separator, decimal=decimal, encoding=encoding, index=False)
    read = read_file(TableFile(path=tmp_path / "t"), keep_text=(str(table.columns[0]),))
    pd.testing.assert_frame_equal(read.to_pandas(), table, check_dtype=False)
