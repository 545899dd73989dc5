"""Bytes of a text file as UTF-8, and the line where they are none."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from pathlib import Path

from msfusion_sdk.errors import TableError

__all__ = ["to_utf8"]

# The longer marks first: that of UTF-16 begins that of UTF-32.
MARKS = (
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
)


def to_utf8(path: Path, data: bytes, encoding: str | None) -> bytes:
    """Return the text of a file as UTF-8, without its mark and with one kind of line ends.

    Parameters
    ----------
    encoding : str or None
        The encoding given by the caller; None means UTF-8, or UTF-16 or UTF-32 with their marks.

    Raises
    ------
    TableError
        When it is in none of these; the line, and what it may be.
    """
    named = encoding or next((name for mark, name in MARKS if data.startswith(mark)), None)
    if named is not None:
        data = _decoded(path, data, named)
    # Joined files have a mark at the beginning of each.
    data = data.removeprefix(BOM_UTF8).replace(b"\n" + BOM_UTF8, b"\n")
    if b"\0" in data:
        raise _zero_bytes(path, data)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(path, data, error.start) from error
    _require_no_controls(path, data)
    if b"\n" not in data:  # an old Mac ends its lines like this
        return data.replace(b"\r", b"\n")
    _require_whole_lines(path, data)
    return data


def _decoded(path: Path, data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode()
    except LookupError as error:
        msg = f"encoding={encoding!r} is not known. Use one of Python's: 'utf-8', 'cp1252', …"
        raise TableError(msg) from error
    except UnicodeError as error:
        msg = f"{path} is not in {encoding}: {error}. Check the encoding, or get the file again."
        raise TableError(msg) from error


def _not_utf8(path: Path, data: bytes, place: int) -> TableError:
    start = data.rfind(b"\n", 0, place) + 1
    end = data.find(b"\n", place)
    # Only to show it: which encoding it is remains the user's to say.
    line = data[start : end if end >= 0 else None].decode("cp1252", "replace")
    shown = line[max(0, place - start - 20) : place - start + 10].strip()
    number = data.count(b"\n", 0, place) + 1
    return TableError(
        f"{path} is not UTF-8 text: line {number} has the byte "
        f"0x{data[place]:02x} ({shown!r} if it is Latin-1, as Excel writes it on Windows). Save it "
        "as CSV in UTF-8; or say encoding='cp1252', or --encoding cp1252 where a cohort is made or "
        "gets a table."
    )


def _zero_bytes(path: Path, data: bytes) -> TableError:
    first = data.index(b"\0")
    if data.count(b"\0") > len(data) // 4:
        # Letters of Latin script are below 256: their high byte is the zero.
        name = "utf-16-le" if first % 2 else "utf-16-be"
        return TableError(
            f"{path} has a zero byte beside every letter: it is UTF-16 without its mark. Save it "
            f"in UTF-8, or say encoding={name!r} (--encoding {name})."
        )
    line = data.count(b"\n", 0, first) + 1
    return TableError(
        f"{path} holds a zero byte in line {line}: it is damaged or no text. Write it again."
    )


def _require_no_controls(path: Path, data: bytes) -> None:
    """Refuse characters that no program shows, some of which would be trimmed like blanks."""
    found = re.search(rb"[\x01-\x08\x0e-\x1f\x7f]", data)
    if found:
        place = found.start()
        line = data.count(b"\n", 0, place) + 1
        msg = (
            f"{path} holds the control character 0x{data[place]:02x} in line {line}, which no "
            "program shows: the file is damaged, or no table. Take it out, or get the file again."
        )
        raise TableError(msg)


def _require_whole_lines(path: Path, data: bytes) -> None:
    """Refuse a carriage return inside a line: programs differ in whether it ends a row."""
    if b"\r" not in data:
        return
    alone = re.search(rb"\r(?!\n)", data)
    if alone:
        line = data.count(b"\n", 0, alone.start()) + 1
        msg = (
            f"{path} has a carriage return inside line {line}, where it may or may not begin a new "
            "row. Replace it by a space, or write all line ends alike."
        )
        raise TableError(msg)
