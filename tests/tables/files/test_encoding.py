"""UTF-8 and what bears its own mark are read; another encoding is named, by its line."""

from collections.abc import Callable
from typing import Any

import pytest

from msfusion_sdk.errors import TableError

TEXT = "patient_id\tname\n0012\tMüller\n0013\tŁukasz\n"
READ = {"patient_id": ["0012", "0013"], "name": ["Müller", "Łukasz"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_says_its_encoding_by_its_mark(encoding: str, patients: Callable[..., Any]) -> None:
    assert patients(TEXT.encode(encoding), "t.txt") == READ


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe"])
def test_both_orders_of_utf_16_are_read(mark: bytes, patients: Callable[..., Any]) -> None:
    order = "utf-16-be" if mark == b"\xfe\xff" else "utf-16-le"
    assert patients(mark + TEXT.encode(order)) == READ


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_named_and_read_when_it_is_said(
    order: str, patients: Callable[..., Any]
) -> None:
    with pytest.raises(TableError, match=f"UTF-16 without its mark.*encoding='{order}'"):
        patients(TEXT.encode(order))
    assert patients(TEXT.encode(order), encoding=order) == READ


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso8859-15"])
def test_latin_1_is_named_with_its_line_and_read_when_it_is_said(
    encoding: str, patients: Callable[..., Any]
) -> None:
    text = "patient_id,site\na,Köln\nb,Zürich\n".encode(encoding)
    with pytest.raises(TableError, match=r"line 2.*0xf6 \('a,Köln'.*cp1252"):
        patients(text)
    assert patients(text, encoding=encoding)["site"] == ["Köln", "Zürich"]


def test_an_encoding_that_is_wrong_or_unknown_is_refused(patients: Callable[..., Any]) -> None:
    with pytest.raises(TableError, match="is not in ascii"):
        patients(TEXT, encoding="ascii")
    with pytest.raises(TableError, match="'utf8x' is not known"):
        patients(TEXT, encoding="utf8x")


def test_half_a_character_at_the_end_is_refused(patients: Callable[..., Any]) -> None:
    with pytest.raises(TableError, match="line 2"):
        patients("patient_id,x\na,ü".encode()[:-1])
    with pytest.raises(TableError, match="is not in utf-16"):
        patients(TEXT.encode("utf-16")[:-1])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(end: str, patients: Callable[..., Any]) -> None:
    assert patients(TEXT.replace("\n", end), "t.txt") == READ


def test_a_carriage_return_inside_a_line_is_refused(patients: Callable[..., Any]) -> None:
    with pytest.raises(TableError, match="carriage return inside line 3"):
        patients("patient_id,x\na,1\nb,2\rc,3\n")


def test_a_control_character_is_refused_and_not_trimmed(patients: Callable[..., Any]) -> None:
    with pytest.raises(TableError, match="control character 0x1f in line 2"):
        patients("patient_id,x\na,5\x1f\n")
