"""A file is what its bytes are, whatever it is called; what is no table is named."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk.errors import TableError

MATRIX = "sample\tTCGA-05-0001-01\tTCGA-05-0002-01\nTP53\t1\t2\n"
READ = {"sample": ["TP53"], "TCGA-05-0001-01": [1], "TCGA-05-0002-01": [2]}


@pytest.mark.parametrize(
    "name",
    ["HiSeqV2.gz", "HiSeqV2", "TCGA-LUAD.htseq_fpkm.tsv.gz", "X.TSV", "x.TSV.GZ", "x.txt", "x.tab",
     "x.xls", "mc3.v0.2.8.PUBLIC.xena", "x.csv"],
)  # fmt: skip
def test_a_file_may_be_called_as_where_it_comes_from(name: str, genes: Callable[..., Any]) -> None:
    packed = name.lower().endswith("gz")
    assert genes(gzip.compress(MATRIX.encode()) if packed else MATRIX, name) == READ


def test_a_file_may_be_packed_and_not_say_so(genes: Callable[..., Any]) -> None:
    assert genes(gzip.compress(MATRIX.encode()), "HiSeqV2") == READ


def test_files_packed_one_after_the_other_are_one(genes: Callable[..., Any]) -> None:
    head, tail = MATRIX[:50].encode(), MATRIX[50:].encode()
    assert genes(gzip.compress(head) + gzip.compress(tail), "x.gz") == READ


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_packed_file_that_breaks_off_is_refused(part: float, genes: Callable[..., Any]) -> None:
    whole = gzip.compress(MATRIX.encode() * 1000)
    with pytest.raises(TableError, match=r"x\.gz breaks off.*get it again"):
        genes(whole[: int(part * len(whole))], "x.gz")


@pytest.mark.parametrize("place", [12, 30, -6, -2])
def test_a_packed_file_with_a_wrong_byte_is_refused(place: int, genes: Callable[..., Any]) -> None:
    wrong = bytearray(gzip.compress(MATRIX.encode() * 10))
    wrong[place] ^= 0xFF
    with pytest.raises(TableError, match=r"x\.gz (is damaged|breaks off)"):
        genes(bytes(wrong), "x.gz")


@pytest.mark.parametrize("name", ["HiSeqV2.gz", "t.csv.gz", "T.TXT.GZ"])
def test_a_file_that_only_says_it_is_packed_is_refused(
    name: str, genes: Callable[..., Any]
) -> None:
    with pytest.raises(TableError, match=r"is not compressed.*'sample.*Rename it without \.gz"):
        genes(MATRIX, name)


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, MATRIX)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("matrix.tsv"), io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "what"),
    [
        (b"<!DOCTYPE html>\n<html><title>Sign in</title>", "data.tsv", "an HTML page.*Sign in"),
        (b"\n  <html>\n", "data.csv", "an HTML page"),
        (gzip.compress(b"<HTML><body>404"), "HiSeqV2.gz", "an HTML page"),
        (b"<html>", "HiSeqV2.gz", "an HTML page"),
        (b"<table><tr><td>a", "report.xls", "an HTML page"),
        (b'<?xml version="1.0"?><bio>', "clinical.xml", "an XML document"),
        (b'{"data": {"hits": []}}', "cases.json", "JSON"),
        (b'[{"patient_id": 1}]', "cases.json", "JSON"),
        (b"%PDF-1.7", "table.pdf", "a PDF document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "t.csv", "git lfs pull"),
        (b"BZh91AY&SY", "t.csv.bz2", "bzip2"),
        (b"\x89HDF\r\n\x1a\n", "t.h5ad", "HDF5.*anndata"),
        (gzip.compress(b"RDX3\nX\n"), "t.rda", "data of R.*write.csv"),
        (zipped("a.csv", "b.csv"), "t.zip", "a zip archive of 2 files"),
        (tarred(), "t.tar.gz", "a tar archive"),
        (b"", "t.csv", r"is empty \(0 bytes\)"),
        (gzip.compress(b"\n \n"), "t.csv.gz", "is empty"),
        (b"no table", "t.parquet", "no Parquet file: it begins with 'no table'"),
        (b"PAR1 and no more", "t.csv", "could not be read as Parquet"),
    ],
    ids=lambda value: None if isinstance(value, str) else "content",  # bytes hold the time
)  # fmt: skip
def test_what_people_pass_by_mistake_is_named(
    content: bytes, name: str, what: str, patients: Callable[..., Any]
) -> None:
    with pytest.raises(TableError, match=what):
        patients(content, name)


def test_a_parquet_file_is_one_under_any_name(patients: Callable[..., Any], tmp_path: Path) -> None:
    pd.DataFrame({"patient_id": ["01"], "x": [1]}).to_parquet(tmp_path / "made.parquet")
    content = (tmp_path / "made.parquet").read_bytes()
    assert patients(content, "data.dat") == {"patient_id": ["01"], "x": [1]}


def test_a_folder_and_a_missing_file_are_refused(patients: Callable[..., Any]) -> None:
    from msfusion_sdk.tables.files.content import read_content

    with pytest.raises(TableError, match="is a folder"):
        read_content(Path())
    with pytest.raises(TableError, match=r"no file absent\.csv"):
        read_content(Path("absent.csv"))
