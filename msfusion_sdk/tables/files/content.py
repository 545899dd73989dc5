"""What a file holds, found from its bytes: names and suffixes can be wrong."""

import gzip
import re
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

from msfusion_sdk.errors import TableError

__all__ = ["Content", "Kind", "read_content"]

Kind = Literal["text", "workbook", "parquet"]

# The old binary Office files are OLE, the new ones are zip archives.
GZIP, PARQUET, ZIP, OLE = b"\x1f\x8b", b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

MAX_BYTES = 2 * 2**30
"""Of text: 60,000 genes of 4,000 patients.  A few megabytes of gzip can claim a thousand times as
much as they hold."""
UNPACK = "Unpack it and pass the table in it"
OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "Save its table as CSV"),
    (b"{\\rtf", "a document in Rich Text Format", "Save its table as CSV"),
    (b"BZh", "compressed with bzip2", UNPACK),
    (b"\xfd7zXZ\0", "compressed with xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
    (b"\x04\x22\x4d\x18", "compressed with lz4", UNPACK),
    (b"\x1f\x9d", "compressed with compress", UNPACK),
    # These two are looked for in what gzip unpacked alone.
    (GZIP, "compressed twice with gzip", UNPACK),
    (PARQUET, "a Parquet file that is compressed with gzip", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"\x89HDF\r\n", "an HDF5 file", "Read an .h5ad with the layout 'anndata', from Python"),
    (b"RDX2\n", "data of R", "Write it with write.csv(x, file, row.names = FALSE)"),
    (b"RDX3\n", "data of R", "Write it with write.csv(x, file, row.names = FALSE)"),
    (b"X\n\0\0\0", "data of R", "Write it with write.csv(x, file, row.names = FALSE)"),
    (b"<stata_dta>", "data of Stata", "Export it as CSV"),
    (b"\0" * 12 + b"\xc2\xea\x81\x60", "data of SAS", "Export it as CSV"),
    (b"\x93NUMPY", "an array of numpy, without names", "Write a table with DataFrame.to_csv"),
    (b"\x80\x04\x95", "a pickle of Python", "Write its table with DataFrame.to_parquet"),
    (b"\x80\x05\x95", "a pickle of Python", "Write its table with DataFrame.to_parquet"),
    (b"ARROW1", "a Feather file", "Write its table with DataFrame.to_parquet"),
    (b"\x89PNG", "an image", "Pass the table, not its picture"),
    (b"\xff\xd8\xff", "an image", "Pass the table, not its picture"),
    (b"$FL2", "data of SPSS", "Export it as CSV"),
    (b"SQLite format 3", "a database", "Export the table as CSV"),
    (
        b"!Series_",
        "a series matrix of GEO",
        "Keep the lines between !series_matrix_table_begin and !series_matrix_table_end",
    ),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file", "Run: git lfs pull"),
)
AGAIN = "Download the table itself: a login page looks like this"
# The first that fits: portals write pages for spreadsheets, and call them .xls.
MARKUP: tuple[tuple[bytes, str, str], ...] = (
    (rb"<.*(?:microsoft-com:office|mso-application)",
     "markup for a spreadsheet", "Open it in one and save it as CSV"),
    (rb"<table", "an HTML page", "Open it in a spreadsheet and save it as CSV"),
    (rb"(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|title|meta|script|div)",
     "an HTML page", AGAIN),
    (rb"<\?xml", "an XML document", "Pass a table, tab-separated say"),
    (rb"<[!?/a-z]", "markup, HTML or XML", AGAIN),
    (rb"\[?\{", "JSON", "Pass a table, CSV or TSV say"),
)  # fmt: skip
INSIDE: tuple[tuple[str, str, str], ...] = (
    ("word/", "a document of a word processor", "Save its table as CSV"),
    ("Index/", "a spreadsheet of Numbers", "Export it as CSV or Excel"),
)


class Content(NamedTuple):
    """Bytes that are a table, uncompressed."""

    kind: Kind
    data: bytes
    """Empty for Parquet, which is read where it lies."""


def read_content(path: Path) -> Content:
    """Return what a file holds, unpacked when it is compressed with gzip.

    Raises
    ------
    TableError
        When there is no such file, it cannot be read or unpacked, or is no table; each kind
        of file that people pass by mistake is named.
    """
    data = _bytes_of(path)
    if data.startswith(PARQUET):
        return Content("parquet", b"")
    if path.suffix.lower() in (".parquet", ".pq"):
        msg = f"{path} is no Parquet file: it begins with {_beginning(data)}. Write it again."
        raise TableError(msg)
    if data.startswith(GZIP):
        data = _unpacked(path, data)
    else:
        # Before the suffix is blamed: a page saved under a name in .gz is a page first of all.
        _require_known(path, data)
        if path.suffix.lower() == ".gz":
            msg = (
                f"{path} ends in .gz and is not compressed: it begins with {_beginning(data)}. A "
                "browser may have unpacked it. Rename it without .gz."
            )
            raise TableError(msg)
    _require_known(path, data)
    if not data.strip():
        msg = f"{path} is empty ({len(data)} bytes). Give a header and rows."
        raise TableError(msg)
    return Content("workbook" if _is_workbook(path, data) else "text", data)


def _bytes_of(path: Path) -> bytes:
    if path.is_dir():
        msg = f"{path} is a folder. Pass the table in it."
        raise TableError(msg)
    if not path.is_file():
        msg = f"There is no file {path}. Check the path (relative paths start at {Path.cwd()})."
        raise TableError(msg)
    try:
        with path.open("rb") as file:
            start = file.read(len(PARQUET))
            if start == PARQUET:
                return start
            _require_size(path, path.stat().st_size)
            return start + file.read()
    except OSError as error:
        msg = f"{path} could not be read: {error}. Check the file and who may read it."
        raise TableError(msg) from error


def _require_size(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        msg = (
            f"{path} holds more than {MAX_BYTES / 2**30:g} GiB of text, which is no table of "
            "patients. If it is one, write it as Parquet, or split its columns into several files."
        )
        raise TableError(msg)


def _unpacked(path: Path, data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as file:
            unpacked = file.read(MAX_BYTES + 1)
        _require_size(path, len(unpacked))
        return unpacked
    except EOFError as error:
        msg = (
            f"{path} breaks off: it is compressed with gzip and its end is missing after "
            f"{len(data)} bytes. The copy or download did not finish: get it again."
        )
        raise TableError(msg) from error
    except (OSError, zlib.error) as error:
        msg = f"{path} is damaged: gzip cannot unpack it ({error}). Get it again."
        raise TableError(msg) from error


def _require_known(path: Path, data: bytes) -> None:
    # Markup may stand behind a byte order mark and blank lines, and be in UTF-16.
    start = data[:512].lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").lstrip().lower()
    for magic, what, remedy in OTHERS:
        if data.startswith(magic):
            raise _no_table(path, what, remedy)
    # A tar archive has its mark behind the name of its first member.
    if data[257:262] == b"ustar":
        raise _no_table(path, "a tar archive", UNPACK)
    for magic, what, remedy in MARKUP:
        if re.match(magic, start, re.DOTALL):
            raise _no_table(path, f"{what} (it begins with {_beginning(data)})", remedy)


def _is_workbook(path: Path, data: bytes) -> bool:
    if data.startswith(OLE):
        return True
    if not data.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names, damaged = archive.namelist(), archive.testzip()
        if damaged is not None:
            msg = f"the checksum of {damaged!r} is another"
            raise zipfile.BadZipFile(msg)
    except (
        zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError
    ) as error:  # fmt: skip
        msg = f"{path} is a damaged spreadsheet or zip archive ({error}). Get it again."
        raise TableError(msg) from error
    if "content.xml" in names or any(name.startswith("xl/") for name in names):
        return True
    for folder, what, remedy in INSIDE:
        if any(name.startswith(folder) for name in names):
            raise _no_table(path, what, remedy)
    raise _no_table(path, f"a zip archive of {len(names)} files", UNPACK)


def _no_table(path: Path, what: str, remedy: str) -> TableError:
    return TableError(f"{path} is no table, but {what}. {remedy}.")


def _beginning(data: bytes) -> str:
    return repr(data[:40].decode("utf-8", "replace").strip())
