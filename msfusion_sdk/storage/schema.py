"""The tables of a cohort as Parquet: units beside the columns, damage never unnoticed.

Written with zstd, page checksums and a schema version.  Page checksums guard the pages
only, so the header holds a digest of names, types and cells as well.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from msfusion_sdk.errors import StoreCorruptError, StoreError, StoreSchemaError
from msfusion_sdk.files import storing

__all__ = [
    "SCHEMA_VERSION",
    "TableKind",
    "read_column",
    "read_notes",
    "read_stored",
    "with_units",
    "write_stored",
]

TableKind = Literal["patients", "slides", "modality"]

SCHEMA_VERSION = 1
KEY = b"msfusion_table"
DIGEST = b"msfusion_table_sha256"

UNITS = {
    "patient_id": "identifier, as written",
    "slide_id": "identifier, as written",
    "path": "absolute, percent-escaped",
    "mpp": "µm per px of level 0",
}
UNITS_BY_ENDING = {
    "_days": "days",
    "_weeks": "weeks",
    "_months": "months",
    "_years": "years",
    "_um": "µm",
    "_mm": "mm",
    "_mm2": "mm²",
}


def with_units(table: pa.Table) -> pa.Table:
    """Return the table with the unit of each column, where its name tells, in the metadata."""
    fields = []
    for field in table.schema:
        told = (unit for ending, unit in UNITS_BY_ENDING.items() if field.name.endswith(ending))
        unit = UNITS.get(field.name) or next(told, None)
        fields.append(field.with_metadata({"unit": unit} if unit else None))
    return table.cast(pa.schema(fields))


def write_stored(path: Path, table: pa.Table, notes: Mapping[str, Any], *, kind: TableKind) -> None:
    """Write a table and JSON notes about it, all at once.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written; what was there before stays.
    """
    table = with_units(table)
    header = json.dumps({**notes, "schema_version": SCHEMA_VERSION, "kind": kind})
    own = {KEY: header.encode(), DIGEST: _digest(table, header).encode()}
    with storing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(own),
            temporary,
            compression="zstd",
            write_page_checksum=True,
            # Otherwise the items of lists come back under another name.
            use_compliant_nested_type=False,
        )


def read_stored(path: Path, kind: TableKind) -> tuple[pa.Table, dict[str, Any]]:
    """Return a table and its notes, both verified.

    Raises
    ------
    StoreCorruptError
        When any of it is not what was written.
    StoreSchemaError
        When it is no such table, or of a newer version.
    StoreError
        When it is not there.
    """
    table = _read(path, None)
    notes = _notes(path, table.schema, kind)
    header = table.schema.metadata[KEY].decode(errors="replace")
    if _digest(table, header).encode() != table.schema.metadata[DIGEST]:
        raise _corrupt(path, "its content does not have the digest it states")
    return table.cast(pa.schema(_own_metadata(field) for field in table.schema)), notes


def read_column(path: Path, kind: TableKind, name: str) -> list[Any]:
    """Return one column, its pages verified, without reading the others."""
    table = _read(path, [name])
    _notes(path, table.schema, kind)
    return list(table.column(name).to_pylist())


def read_notes(path: Path, kind: TableKind) -> dict[str, Any]:
    """Return the notes of a table without reading it."""
    return _notes(path, _read(path, []).schema, kind)


def _read(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(columns)
        table.validate(full=True)
        # Damaged names show only when they are decoded.
        _ = table.column_names
    except FileNotFoundError as error:
        msg = f"{path} is not there, and belongs to the cohort. Bring it back from a copy."
        raise StoreError(msg) from error
    # Damage in the footer, which no page checksum covers, shows as almost any error.
    except (pa.ArrowException, OSError, ArithmeticError, LookupError, MemoryError, TypeError,
            ValueError) as error:  # fmt: skip
        raise _corrupt(path, str(error)) from error
    return table


def _notes(path: Path, schema: pa.Schema, kind: TableKind) -> dict[str, Any]:
    own = schema.metadata or {}
    if KEY not in own or DIGEST not in own:
        msg = (
            f"{path} was not written by a cohort (columns: {', '.join(schema.names[:8])}). Pass "
            "your own tables to Cohort.create or add_modality."
        )
        raise StoreSchemaError(msg)
    try:
        notes: dict[str, Any] = json.loads(own[KEY])
        version, found = int(notes.pop("schema_version")), notes.pop("kind")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _corrupt(path, f"its header is not legible: {error}") from error
    if version > SCHEMA_VERSION:
        msg = (
            f"{path} has schema version {version}, this SDK reads up to {SCHEMA_VERSION}. Upgrade "
            "msfusion-sdk."
        )
        raise StoreSchemaError(msg)
    if found != kind:
        msg = f"{path} is a table of {found!r}, where {kind!r} is needed. Bring back the right one."
        raise StoreSchemaError(msg)
    return notes


def _own_metadata(field: pa.Field) -> pa.Field:
    """Return the field with its unit, and without what Parquet adds on reading."""
    unit = (field.metadata or {}).get(b"unit")
    return field.with_metadata({b"unit": unit} if unit else None)


def _corrupt(path: Path, why: str) -> StoreCorruptError:
    msg = (
        f"{path} is damaged or not Parquet ({why}). Bring it back from a copy, or create the "
        "cohort again from its source tables."
    )
    return StoreCorruptError(msg)


def _digest(table: pa.Table, header: str) -> str:
    """Return the SHA-256 of a table, independent of how Parquet lays it out."""
    fields = [[f.name, str(f.type), repr(_own_metadata(f).metadata)] for f in table.schema]
    digest = hashlib.sha256(json.dumps([header, fields]).encode())
    for column in table.itercolumns():
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            filled = pc.fill_null(column, pa.scalar(0).cast(kind))
            for cells in (pc.is_null(column), filled):
                digest.update(cells.to_numpy().tobytes())
        else:
            digest.update(json.dumps(column.to_pylist(), default=str).encode())
    return digest.hexdigest()
