"""Who was sequenced, from a file: a list of ids, or a case list of cBioPortal."""

import re
from collections.abc import Iterable
from pathlib import Path

from msfusion_adapters.barcodes import PATIENT_NAMES, SAMPLE_NAMES
from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.content import read_content
from msfusion_sdk.tables.files.encoding import to_utf8
from msfusion_sdk.tables.files.table_file import TableFile

__all__ = ["read_profiled"]

HEADERS = ("x", "v1", "id", "ids", "patient", "barcode", "case", *SAMPLE_NAMES, *PATIENT_NAMES)


def read_profiled(source: Iterable[str] | str | Path) -> list[str]:
    """Return who was sequenced: the ids themselves, or those in a file.

    Parameters
    ----------
    source : ids, or the path of a text file
        With an id in each line, or a case list of cBioPortal (``cases_sequenced.txt``).

    Raises
    ------
    TableError
        When the file holds no ids, or begins with a header.
    IdTypeError
        When an id is no text.
    """
    if not isinstance(source, str | Path | TableFile):
        found = list(source)
        wrong = [name for name in found if not isinstance(name, str)]
        if wrong:
            msg = (
                f"{len(wrong)} of the profiled are no text (first: {first_few(wrong)}). Quote ids."
            )
            raise IdTypeError(msg)
        return found
    file = source if isinstance(source, TableFile) else TableFile(path=Path(source))
    path, content = file.path, read_content(file.path)
    if content.kind != "text":
        msg = f"{path} is no text file. Give one with an id in each line."
        raise TableError(msg)
    lines = to_utf8(path, content.data, file.encoding).decode().splitlines()
    listed = [line for line in lines if line.startswith("case_list_ids:")]
    if listed:
        # A case list has all ids in one line.
        ids = re.split(r"[\t ]+", listed[0].removeprefix("case_list_ids:"))
    else:
        ids = [line for line in lines if not line.startswith("#")]
    # R puts ids in quotes.
    found = [name for line in ids if (name := line.strip().strip('"'))]
    wide = [name for name in found if any(mark in name for mark in "\t,;")]
    if wide or not found:
        msg = (
            f"{path} is no list of ids (line {first_few(wide, 1) or 'none'}). Give an id in each "
            "line, or a case list of cBioPortal."
        )
        raise TableError(msg)
    if found[0].casefold() in HEADERS:
        msg = f"The first line of {path}, {found[0]!r}, is a header, and no id. Delete it."
        raise TableError(msg)
    return found
