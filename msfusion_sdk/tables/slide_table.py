"""The slide table: which file belongs to which patient, with paths that survive any name.

A file name is bytes, a table holds Unicode.  So a path is stored absolute, with ``%`` and the
bytes that are not UTF-8 percent-escaped; ``path_of`` gives the real one back.
"""

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow.types import is_floating, is_integer, is_null

from msfusion_sdk.config import MAX_MPP, MIN_MPP
from msfusion_sdk.phrases import first_few
from msfusion_sdk.places.url import find_url
from msfusion_sdk.tables.arrow import TableSource, name_of, read_table
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.issues import Issue, issue, note
from msfusion_sdk.tables.paths import escape_path, real_path, stored_place

__all__ = ["SLIDE_ID", "find_bad_paths", "find_bad_spacings", "read_slides"]

SLIDE_ID, PATIENT_ID, PATH, MPP = "slide_id", "patient_id", "path", "mpp"
N_LISTED = 3
PROBES, PROBE_BYTES = 16, 65536


def read_slides(source: TableSource) -> pa.Table:
    """Return the slide table with stored paths; those in a file are relative to its folder.

    Without a column ``path`` it is of slides whose features are attached, and all are ''.

    Raises
    ------
    TableError
        When it cannot be read or lacks ``slide_id`` or ``patient_id``.
    IdTypeError
        When one of these is not text.
    """
    ids = (SLIDE_ID, PATIENT_ID, PATH)
    if not has_paths(source):
        table = read_table(source, id_columns=ids[:2])
        table = table.append_column(PATH, pa.array([""] * table.num_rows, pa.string()))
        written = [""] * table.num_rows
    elif isinstance(source, pd.DataFrame):
        table = read_table(_escaped(source), id_columns=ids)
        written = [real_path(path) for path in table.column(PATH).to_pylist()]
    else:
        table = read_table(source, id_columns=ids)
        written = [path or "" for path in table.column(PATH).to_pylist()]
    file = source.path if isinstance(source, TableFile) else source
    folder = os.path.dirname(file) if isinstance(file, str | Path) else ""  # noqa: PTH120
    stored = pa.array([_stored(path, folder) for path in written], pa.string())
    table = table.set_column(table.column_names.index(PATH), PATH, stored)
    if MPP not in table.column_names:
        return table.append_column(MPP, pa.nulls(table.num_rows, pa.float64()))
    mpp = table.column(MPP)
    # Text stays text: the check that follows names the cells that are no numbers.
    if any(test(mpp.type) for test in (is_integer, is_floating, is_null)):
        table = table.set_column(table.column_names.index(MPP), MPP, mpp.cast(pa.float64()))
    return table


def has_paths(source: TableSource) -> bool:
    """Return whether a slide table has a column of files."""
    if isinstance(source, pd.DataFrame):
        return PATH in source.columns
    return PATH in read_table(source, id_columns=(SLIDE_ID, PATIENT_ID)).column_names


def find_bad_spacings(table: pa.Table, source: TableSource) -> list[Issue]:
    """Return an issue for spacings that are no numbers or cannot be true."""
    values = table.column(MPP).to_pylist()
    wrong = [
        f"{slide}: {value}"
        for slide, value in zip(table.column(SLIDE_ID).to_pylist(), values, strict=True)
        if value is not None and not _is_plausible(value)
    ]
    message = (
        f"{len(wrong)} of {len(values)} mpp of {name_of(source)} are no spacings in µm per pixel "
        f"between {MIN_MPP} and {MAX_MPP} (first: {first_few(wrong)}). Give the scanner's value, "
        "for example 0.25 for a 40x scan, or leave the cell empty to use the file's own."
    )
    return issue("Table", len(wrong), message)


def find_bad_paths(table: pa.Table) -> list[Issue]:
    """Return issues for paths that are blank, shared by slides, or lead to no file."""
    rows = table.select([SLIDE_ID, PATH]).to_pylist()
    blank = [row[SLIDE_ID] for row in rows if not row[PATH]]
    by_path: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row[PATH]:
            by_path[row[PATH]].append(row[SLIDE_ID])
    by_file: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    by_size: defaultdict[int, list[str]] = defaultdict(list)
    missing = []
    for path in by_path:
        # No server is asked before it is to be encoded.
        if find_url(real_path(path)) is not None:
            continue
        try:
            # Of ten thousand paths, pathlib alone would take half of the time of all checks.
            status = os.stat(real_path(path))  # noqa: PTH116
        # A zero byte in a path is a ValueError.
        except (OSError, ValueError):
            missing.append(path)
        else:
            known = by_file[status.st_dev, status.st_ino]
            # Two names of one file are reported as links, and are no copies of each other.
            if not known and status.st_size and stat.S_ISREG(status.st_mode):
                by_size[status.st_size].append(path)
            known.append(path)
    is_without = len(blank) == len(rows)  # a cohort of features alone
    return [
        *issue(
            "Table",
            0 if is_without else len(blank),
            f"{len(blank)} of {len(rows)} slides have no path (first: {first_few(blank)}). Fill it "
            "in.",
        ),
        *_shared(by_path),
        *_linked(by_file.values()),
        *_copies(by_size.values()),
        *_missing(missing, len(by_path)),
    ]


def _escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with paths as Arrow can hold them, whatever their names."""
    if PATH not in frame.columns:
        return frame
    paths = [escape_path(v) if isinstance(v, str | os.PathLike) else v for v in frame[PATH]]
    return frame.assign(**{PATH: pd.Series(paths, frame.index, dtype=object)})


def _stored(path: str, folder: str) -> str:
    # Absolute but not resolved: the companions of a slide lie beside the name that was given.
    if not path.strip():
        return ""
    if (url := find_url(path.strip())) is not None:
        return stored_place(url)
    return escape_path(os.path.abspath(os.path.join(folder, path)))  # noqa: PTH100, PTH118


def _is_plausible(value: object) -> bool:
    return isinstance(value, float) and MIN_MPP <= value <= MAX_MPP


def _shared(by_path: Mapping[str, Sequence[str]]) -> list[Issue]:
    shared = [
        f"{find_url(real_path(path)) or path}: {first_few(ids)}"
        for path, ids in by_path.items()
        if len(set(ids)) > 1
    ]
    message = (
        f"{len(shared)} files are listed under more than one slide id (first: "
        f"{'; '.join(shared[:3])}), so they would count double. Keep one row for each file."
    )
    return issue("DuplicateId", len(shared), message)


def _linked(groups: Iterable[Sequence[str]]) -> list[Issue]:
    same = [" and ".join(paths[:2]) for paths in groups if len(paths) > 1]
    message = (
        f"{len(same)} files are reached by two paths (first: {'; '.join(same[:3])}): links to one "
        "slide, which counts double. Keep one of the rows."
    )
    return note("DuplicateId", len(same), message)


def _copies(groups: Iterable[Sequence[str]]) -> list[Issue]:
    """Return a note of files of one size and content; by samples, as slides are large."""
    same = []
    for paths in groups:
        by_content: defaultdict[bytes, list[str]] = defaultdict(list)
        for path in paths if len(paths) > 1 else ():
            by_content[_sampled_digest(real_path(path))].append(path)
        same += [" and ".join(equal[:2]) for key, equal in by_content.items() if key and equal[1:]]
    message = (
        f"{len(same)} slides are there twice, as files of the same content (first: "
        f"{'; '.join(same[:3])}), which counts double. Keep one of the rows."
    )
    return note("DuplicateId", len(same), message)


def _sampled_digest(path: str) -> bytes:
    """Return the digest of 16 places of a file and its end; nothing when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            size = file.seek(0, os.SEEK_END)
            for probe in range(PROBES):
                file.seek((size - 1) * probe // PROBES)
                digest.update(file.read(PROBE_BYTES))
            # The end as well: scanners put directories there, which differ first.
            file.seek(max(0, size - PROBE_BYTES))
            digest.update(file.read(PROBE_BYTES))
    except OSError:
        return b""
    return digest.digest()


def _missing(paths: Sequence[str], n: int) -> list[Issue]:
    more = f" … and {len(paths) - N_LISTED} more" if len(paths) > N_LISTED else ""
    message = (
        f"{len(paths)} of {n} slide files were not there when the table was last checked: "
        f"{', '.join(paths[:N_LISTED])}{more}. Mount the disk or correct the paths before encoding."
    )
    return note("Table", len(paths), message)
