"""Many committed parts in one file: a folder of 10,000 small files is slow to list and to read.

    embeddings/<fingerprint>/pack-<digest>.parquet

A pack has the columns of a part, and beside each row the header and the digest that the part
had: every row is verified as if it still were a file of its own.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from msfusion_sdk.cohort.store.part import Part, part_of
from msfusion_sdk.config import PATCH_VECTOR
from msfusion_sdk.storage.parquet import digest_of, slide_schema
from msfusion_sdk.storage.sealed import DAMAGE, FileKind, is_sealed, write_sealed

__all__ = ["ARCHIVE_ROWS", "Archives", "write_archive"]

ARCHIVE_ROWS = 512
GROUP_ROWS = 64
"""Rows that a damaged byte can cost."""
ARCHIVE_FILE = FileKind(
    key=b"msfusion_pack",
    version=1,
    is_not_ours="is no archive of results (columns: {columns}). Move it away.",
    remedy="Encode the cohort again, which makes only what is lost anew.",
)


def archive_schema(dim: int) -> pa.Schema:
    """Return the columns of a pack of vectors of one length."""
    text = {"unit": "text"}
    return pa.schema(
        [
            *slide_schema(patches=False, dim=dim),
            pa.field("header", pa.string(), nullable=False, metadata=text),
            pa.field("digest", pa.string(), nullable=False, metadata=text),
        ]
    )


def write_archive(folder: Path, parts: list[Part]) -> Path:
    """Write parts, sorted by slide id, into one file whose name is the digest of its content."""
    parts = sorted(parts, key=lambda part: part.slide_id)
    digests = [digest_of(part.row, None, part.header) for part in parts]
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


class Archives:
    """The packs of one folder, read when they are asked for and remembered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, dict[str, Part]] = {}

    def slide_ids(self) -> set[str]:
        """Return the slides that are in a pack, without reading their vectors."""
        ids: set[str] = set()
        for pack in self._folder.glob("pack-*.parquet"):
            try:
                table = pq.read_table(pack, columns=["slide_id"], page_checksum_verification=True)
            except DAMAGE:
                continue  # ``parts`` repairs it
            ids |= set(table.column("slide_id").to_pylist())
        return ids

    def parts(self) -> dict[str, Part]:
        """Return every intact part that is in a pack, by slide id.

        A damaged pack is set aside as ``*.corrupt`` once its intact rows are in a new one.
        """
        found: dict[str, Part] = {}
        for pack in sorted(self._folder.glob("pack-*.parquet")):
            if pack not in self._read:
                parts, is_whole = read_archive(pack)
                self._read[pack] = {part.slide_id: part for part in parts}
                if not is_whole:
                    self._read[write_archive(self._folder, parts)] = self._read.pop(pack)
                    set_aside(pack, "corrupt")
                    return self.parts()
            found |= self._read[pack]
        return found


def set_aside(path: Path, why: str) -> None:
    """Rename a file that cannot be used; it is kept for whoever wants to look at it."""
    try:
        path.replace(path.with_name(f"{path.name}.{secrets.token_hex(3)}.{why}"))
    except FileNotFoundError:
        return  # another process was faster


def read_archive(pack: Path) -> tuple[list[Part], bool]:
    """Return the intact parts of a pack, and whether these are all that were written.

    Damage to one group of rows does not cost the others.
    """
    parts: list[Part] = []
    data = pack.read_bytes()
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            groups = [_read_group(file, index) for index in range(file.num_row_groups)]
    except DAMAGE:
        return [], False
    for row in (row for group in groups for row in group or ()):
        header, digest = row.pop("header"), row.pop("digest")
        if digest == digest_of(row, None, header):
            parts.append(part_of(row, header))
    name = _name(digest_of(part.row, None, part.header) for part in parts)
    return parts, pack.name == name and is_sealed(data) is True


def _read_group(file: pq.ParquetFile, index: int) -> list[dict[str, Any]] | None:
    try:
        table = file.read_row_group(index)
        table.validate(full=True)
        vectors = table.column("vector").combine_chunks()
        rows: list[dict[str, Any]] = table.drop_columns("vector").to_pylist()
    except DAMAGE:
        return None
    # As one array: a list of Python numbers for each vector would take ten times as long.
    present = iter(vectors.flatten().to_numpy().reshape(-1, vectors.type.list_size))
    for row, is_there in zip(rows, vectors.is_valid().to_pylist(), strict=True):
        row["vector"] = next(present) if is_there else None
    return rows


def _name(digests: Iterable[str]) -> str:
    return f"pack-{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:32]}.parquet"
