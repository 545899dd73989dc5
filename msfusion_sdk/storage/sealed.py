"""Sealed Parquet: the one scheme of every Parquet file that is ours.

A file has page checksums; a header, JSON with a schema version; beside it a digest of all
that a reader gets back; and a seal over all bytes.  Page checksums guard the pages only, so a
damaged footer shows by the digest.  The seal lies between the last page and the footer, where
Parquet readers do not look: it tells a damaged file, even where the damage changes nothing,
from one that another program has rewritten, which has none.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from msfusion_sdk.errors import StoreCorruptError, StoreSchemaError, StoreVersionError
from msfusion_sdk.files import read_bytes, storing

__all__ = [
    "DAMAGE",
    "FileKind",
    "Sealed",
    "corrupt",
    "is_sealed",
    "open_sealed",
    "read_header",
    "read_sealed",
    "write_sealed",
]

SEAL = b"msfusion-seal-1:"
SEAL_BYTES = len(SEAL) + hashlib.sha256().digest_size
BLOCK_BYTES = 2**20
DAMAGE = (
    pa.ArrowException,
    OSError,
    ArithmeticError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    AttributeError,
)
"""What reading a damaged Parquet file can raise: a broken footer shows as almost anything."""


@dataclass(frozen=True)
class FileKind:
    """What files of one kind have in common."""

    key: bytes
    """Of the header in the file's metadata; the digest is under the same with ``_sha256``."""
    version: int
    """The newest that this version of the SDK reads, and the one that it writes."""
    is_not_ours: str
    """What to say of a Parquet file that is not of this kind; a sentence."""
    remedy: str
    """What to do when it is damaged; a sentence."""
    digest: Callable[[pa.Table, str], str] | None = None
    """Of content and header; None for files that only their seal vouches for."""

    @property
    def digest_key(self) -> bytes:
        """Of the digest in the file's metadata."""
        return self.key + b"_sha256"


class Sealed(NamedTuple):
    """What a file holds, verified."""

    table: pa.Table
    notes: dict[str, Any]
    """The header, read."""
    header: str
    """The header as the text over which, with the table, the digest is taken."""
    is_sealed: bool
    """False when another program has rewritten the file, with equal content."""


def write_sealed(
    path: Path,
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    header: str,
    kind: FileKind,
    *,
    digest: str | None = None,
    check: Callable[[Path], None] | None = None,
    **options: Any,
) -> int:
    """Write tables of one schema one after the other, all at once; return the number of rows.

    Parameters
    ----------
    header : str
        JSON with ``schema_version``.
    digest : str, optional
        What ``kind.digest`` gives for the table, when there is one.
    check : callable, optional
        Called with the file before it has its name; what it raises ends the writing.
    **options
        Of ``pyarrow.parquet.ParquetWriter``, and ``row_group_size``.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written; what was there before stays.
    """
    own = {kind.key: header.encode()}
    if digest is not None:
        own[kind.digest_key] = digest.encode()
    schema, rows = schema.with_metadata(own), 0
    # An argument of every table, not of the writer.
    size = options.pop("row_group_size", None)
    options = {"compression": "zstd", "write_page_checksum": True, **options}
    with storing(path) as temporary:
        with pq.ParquetWriter(temporary, schema, **options) as writer:
            for table in tables:
                writer.write_table(_as(table, schema), row_group_size=size)
                rows += table.num_rows
        _seal(temporary)
        if check is not None:
            check(temporary)
    return rows


def read_sealed(path: Path, kind: FileKind, *, columns: list[str] | None = None) -> Sealed:
    """Return what a file holds, every byte of it verified.

    Parameters
    ----------
    columns : list of str, optional
        Those that are needed; all by default.

    Raises
    ------
    FileNotFoundError
    StoreCorruptError
        When any of it is not what was written.
    StoreVersionError
        When it was written by a newer version.
    StoreSchemaError
        When it is Parquet of another kind.
    StoreError
        When the system does not give its bytes.
    """
    data = read_bytes(path)
    return open_sealed(path, data, kind, columns=columns)


def open_sealed(
    path: Path, data: bytes, kind: FileKind, *, columns: list[str] | None = None
) -> Sealed:
    """Return what ``data``, the bytes of ``path``, hold; errors as of ``read_sealed``."""
    sealed = is_sealed(data)
    if sealed is False:
        raise corrupt(path, "it is not what was written", kind)
    # A seal covers every byte; without it the digest needs all columns.
    is_whole = sealed or kind.digest is None
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            # Small tables: handing them to threads costs more than reading them.
            table = file.read(columns if is_whole else None, use_threads=False)
        own = dict(table.schema.metadata or {})
        names = table.column_names  # damaged ones show only when they are decoded
    except DAMAGE as error:
        raise corrupt(path, str(error), kind) from error
    notes, header = read_header(path, own, names, kind)
    try:
        # Offsets that point outside would crash the process as soon as a value is used.
        table.validate(full=True)
        if not is_whole:
            assert kind.digest is not None
            if kind.digest(table, header).encode() != own[kind.digest_key]:
                raise corrupt(path, "its content does not have the digest it states", kind)
            table = table if columns is None else table.select(columns)
    # It is an OSError as well, so the next clause would wrap it once more.
    except StoreCorruptError:
        raise
    except DAMAGE as error:
        raise corrupt(path, str(error), kind) from error
    return Sealed(table, notes, header, bool(sealed))


def read_header(
    path: Path, own: dict[bytes, bytes], names: list[str], kind: FileKind
) -> tuple[dict[str, Any], str]:
    """Return the header of a file, read and as text, or say that it is not ours or too new."""
    if kind.key not in own or (kind.digest is not None and kind.digest_key not in own):
        columns = ", ".join(names[:8])
        msg = f"{path} {kind.is_not_ours.format(columns=columns)}"
        raise StoreSchemaError(msg)
    try:
        header = own[kind.key].decode()
        notes: dict[str, Any] = json.loads(header)
        version = int(notes.pop("schema_version"))
    except DAMAGE as error:
        raise corrupt(path, f"its header is not legible: {error}", kind) from error
    if version > kind.version:
        msg = (
            f"{path} has schema version {version}, this SDK reads up to {kind.version}. Upgrade "
            "msfusion-sdk."
        )
        raise StoreVersionError(msg)
    return notes, header


def is_sealed(data: bytes) -> bool | None:
    """Return whether all bytes are those that were sealed; None for a file without a seal."""
    # In a damaged file the length of the footer can be anything.
    place = max(0, len(data) - 8 - int.from_bytes(data[-8:-4], "little"))
    start = place - SEAL_BYTES
    if start < 0 or data[start : start + len(SEAL)] != SEAL:
        return None
    view = memoryview(data)
    digest = hashlib.sha256(view[:start])
    # The seal itself is left out: digested is the file as it was before it got one.
    digest.update(view[place:])
    return digest.digest() == data[start + len(SEAL) : place]


def corrupt(path: Path, why: str, kind: FileKind) -> StoreCorruptError:
    """Return that a file is damaged, why, and what to do."""
    return StoreCorruptError(f"{path} is damaged or not Parquet ({why}). {kind.remedy}")


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table if table.schema.equals(schema) else table.cast(schema)


def _seal(path: Path) -> None:
    """Put a digest of all bytes of a Parquet file before its footer."""
    digest = hashlib.sha256()
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        # A Parquet file ends in the footer, its length (4 bytes, little-endian) and ``PAR1``.
        file.seek(size - 8)
        place = size - 8 - int.from_bytes(file.read(4), "little")
        file.seek(0)
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
        file.seek(place)
        footer = file.read()
        file.seek(place)
        # The footer names pages by their offset from the start, so it can move.
        file.write(SEAL + digest.digest() + footer)
