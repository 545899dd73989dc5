"""Many committed parts in one file: a folder of 10,000 small files is slow to list and to read.

An archive has the columns of a part, and beside each row the header and the digest that the
part had: every row is verified as if it still were a file of its own.  It is never changed.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from msfusion_sdk.cohort.store.part import Part, part_of
from msfusion_sdk.config import PATCH_VECTOR
from msfusion_sdk.errors import StoreCorruptError, StoreError, StoreVersionError
from msfusion_sdk.files import read_bytes
from msfusion_sdk.storage.parquet import SCHEMA_VERSION, digest_of, slide_schema
from msfusion_sdk.storage.sealed import (
    DAMAGE,
    FileKind,
    corrupt,
    is_sealed,
    read_header,
    write_sealed,
)

__all__ = ["ARCHIVE", "ARCHIVE_ROWS", "read_archive", "read_digests", "write_archive"]

ARCHIVE_ROWS = 512
GROUP_ROWS = 8
"""Rows that a damaged byte can cost, outside the footer; files of version 0.1.0 have 64."""
ARCHIVE = "pack-"
ARCHIVE_FILE = FileKind(
    key=b"msfusion_pack",
    version=1,
    is_not_ours="is no archive of results (columns: {columns}). Move it away.",
    remedy="Encode the cohort again, which makes only what is lost anew.",
)
KEY = ARCHIVE_FILE.key
NO_HEADER = json.dumps({"schema_version": 1}).encode()
"""Of archives that version 0.1.0 wrote."""


def archive_schema(dim: int) -> pa.Schema:
    """Return the columns of an archive of vectors of one length."""
    text = {"unit": "text"}
    return pa.schema(
        [
            *slide_schema(patches=False, dim=dim),
            pa.field("header", pa.string(), nullable=False, metadata=text),
            pa.field("digest", pa.string(), nullable=False, metadata=text),
        ]
    )


def write_archive(folder: Path, parts: Iterable[Part]) -> Path:
    """Write parts, sorted by slide id, into one file whose name is the digest of its content."""
    # Sorted, so that processes which compact the same parts make one and the same file.
    parts = sorted(parts, key=lambda part: part.slide_id)
    digests = [part.digest for part in parts]
    rows = [
        {**part.row, "header": part.header, "digest": digest}
        for part, digest in zip(parts, digests, strict=True)
    ]
    path = folder / _name(digests)
    dim = next((len(part.vector) for part in parts if part.vector is not None), PATCH_VECTOR)
    schema = archive_schema(dim)
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    write_sealed(
        path,
        [pa.Table.from_arrays(columns, schema=schema)],
        schema,
        json.dumps({"schema_version": ARCHIVE_FILE.version}),
        ARCHIVE_FILE,
        row_group_size=GROUP_ROWS,
        write_statistics=False,  # of long texts: they would fill the footer
    )
    return path


def read_archive(path: Path) -> tuple[list[Part], StoreError | None]:
    """Return the intact parts of an archive, and why it is damaged, if it is.

    Damage to one group of rows does not cost the others.

    Raises
    ------
    FileNotFoundError
    StoreVersionError, StoreError
        When it is of a newer version, or cannot be read.
    """
    try:
        data = read_bytes(path)
    except StoreCorruptError as error:
        return [], error
    groups, why = _groups(path, data)
    parts: list[Part] = []
    for row in (row for group in groups for row in group):
        header, digest = row.pop("header"), row.pop("digest")
        # A row that fails is left out; the name of the archive then shows that it is damaged.
        if digest == digest_of(row, None, header):
            _require_known(path, header)
            parts.append(part_of(row, header))
    # The name also tells of rows that are missing, which no digest of a row can.
    is_whole = not why and path.name == _name(part.digest for part in parts)
    if is_whole and is_sealed(data):
        return parts, None
    return parts, corrupt(path, why or "it is not what was written", ARCHIVE_FILE)


def read_digests(path: Path) -> dict[str, str]:
    """Return the digest of every row by slide id, without the vectors.

    Raises
    ------
    FileNotFoundError
    StoreCorruptError, StoreVersionError, StoreError
        When the archive is damaged, of a newer version, or cannot be read.
    """
    data = read_bytes(path)
    if is_sealed(data) is not True:
        _groups(path, data)  # a newer version's is no damage
        raise corrupt(path, "it is not what was written", ARCHIVE_FILE)
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            _check_header(path, file.schema_arrow)
            table = file.read(["slide_id", "digest"], use_threads=False)
            return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
    except StoreVersionError:
        raise
    except DAMAGE as error:
        raise corrupt(path, str(error), ARCHIVE_FILE) from error


def _groups(path: Path, data: bytes) -> tuple[list[list[dict[str, Any]]], str]:
    """Return the rows of every group that can be read, and what is wrong with the others."""
    groups, why, first = [], "", 0
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            _check_header(path, file.schema_arrow)
            for index in range(file.num_row_groups):
                after = first + file.metadata.row_group(index).num_rows
                try:
                    groups.append(_read_group(file, index))
                except DAMAGE as error:
                    why = f"rows {first + 1} to {after}: {error}"
                first = after
    except StoreVersionError:
        raise
    except DAMAGE as error:
        return groups, str(error)
    return groups, why


def _check_header(path: Path, schema: pa.Schema) -> None:
    own = {KEY: NO_HEADER, **(schema.metadata or {})}
    read_header(path, own, schema.names, ARCHIVE_FILE)


def _require_known(path: Path, header: str) -> None:
    """Raise when a row is of a newer version than this one reads."""
    version = json.loads(header)["schema_version"]
    if version > SCHEMA_VERSION:
        msg = (
            f"{path} holds a result of schema version {version}, this SDK reads up to "
            f"{SCHEMA_VERSION}. Upgrade msfusion-sdk."
        )
        raise StoreVersionError(msg)


def _read_group(file: pq.ParquetFile, index: int) -> list[dict[str, Any]]:
    table = file.read_row_group(index)
    table.validate(full=True)
    vectors = table.column("vector").combine_chunks()
    rows: list[dict[str, Any]] = table.drop_columns("vector").to_pylist()
    # As one array: a list of Python numbers for each vector would take ten times as long.
    present = iter(vectors.flatten().to_numpy().reshape(-1, vectors.type.list_size))
    for row, is_there in zip(rows, vectors.is_valid().to_pylist(), strict=True):
        row["vector"] = next(present) if is_there else None
    return rows


def _name(digests: Iterable[str]) -> str:
    digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()[:32]
    return f"{ARCHIVE}{digest}.parquet"
