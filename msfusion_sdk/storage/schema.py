"""The tables of a cohort as sealed Parquet, units beside the columns."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from msfusion_sdk.errors import StoreError, StoreSchemaError
from msfusion_sdk.storage.sealed import FileKind, Sealed, corrupt, read_sealed, write_sealed

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
        units = (unit for ending, unit in UNITS_BY_ENDING.items() if field.name.endswith(ending))
        unit = UNITS.get(field.name) or next(units, None)
        fields.append(field.with_metadata({"unit": unit} if unit else None))
    return table.cast(pa.schema(fields))


def write_stored(path: Path, table: pa.Table, notes: Mapping[str, Any], *, kind: TableKind) -> None:
    """Write a table and JSON notes about it, all at once.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written, or would not be read back as it is; what was there before
        stays.
    """
    table = with_units(table)
    header = json.dumps({**notes, "schema_version": SCHEMA_VERSION, "kind": kind})
    digest = _digest(table, header)
    write_sealed(
        path,
        [table],
        table.schema,
        header,
        TABLE_FILE,
        digest=digest,
        # Otherwise the items of lists come back under another name.
        use_compliant_nested_type=False,
        check=lambda written: _require_kept(written, path, table, digest),
    )


def _require_kept(written: Path, path: Path, table: pa.Table, digest: str) -> None:
    """Read a table before it is given its name.

    Raises
    ------
    StoreError
        When Parquet has changed a type or a value.
    """
    back, _, header, _ = read_sealed(written, TABLE_FILE)
    if _digest(back, header) == digest:
        return
    kinds = {field.name: field.type for field in back.schema}
    changed = [field.name for field in table.schema if field.type != kinds[field.name]]
    msg = (
        f"{path} was not written, because it would not be read back as it is (columns: "
        f"{', '.join(changed[:5]) or 'none changed its type'}). Give them plain types: text, "
        "numbers, true or false, dates."
    )
    raise StoreError(msg)


def read_stored(path: Path, kind: TableKind) -> tuple[pa.Table, dict[str, Any]]:
    """Return a table and its notes, both verified.

    Raises
    ------
    StoreCorruptError
        When any of it is not what was written.
    StoreSchemaError
        When it is no such table, or of a newer version.
    StoreError
        When it is not there, or cannot be read.
    """
    found = _read(path, kind, None)
    # Arrow adds the number of every Parquet column, which would make equal tables differ.
    fields = pa.schema(_own_metadata(field) for field in found.table.schema)
    return found.table.cast(fields), found.notes


def read_column(path: Path, kind: TableKind, name: str) -> list[Any]:
    """Return one column; errors as of ``read_stored``."""
    return list(_read(path, kind, [name]).table.column(name).to_pylist())


def read_notes(path: Path, kind: TableKind) -> dict[str, Any]:
    """Return the notes of a table; errors as of ``read_stored``."""
    return _read(path, kind, []).notes


def _read(path: Path, kind: TableKind, columns: list[str] | None) -> Sealed:
    try:
        found = read_sealed(path, TABLE_FILE, columns=columns)
    except FileNotFoundError as error:
        msg = f"{path} is not there, and belongs to the cohort. Bring it back from a copy."
        raise StoreError(msg) from error
    if "kind" not in found.notes:
        raise corrupt(path, "its header does not say what it is a table of", TABLE_FILE)
    if (stated := found.notes.pop("kind")) != kind:
        msg = (
            f"{path} is a table of {stated!r}, where {kind!r} is needed. Bring back the right one."
        )
        raise StoreSchemaError(msg)
    return found


def _own_metadata(field: pa.Field) -> pa.Field:
    """Return the field with its unit, and without what Parquet adds on reading."""
    unit = (field.metadata or {}).get(b"unit")
    return field.with_metadata({b"unit": unit} if unit else None)


def _digest(table: pa.Table, header: str) -> str:
    """Return the SHA-256 of a table, independent of how Parquet lays it out."""
    fields = [[f.name, str(f.type), repr(_own_metadata(f).metadata)] for f in table.schema]
    digest = hashlib.sha256(json.dumps([header, fields]).encode())
    for column in table.itercolumns():
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            # What lies under a null is arbitrary: hence a mask of the nulls, and zeros in their
            # place.
            filled = pc.fill_null(column, pa.scalar(0).cast(kind))
            for cells in (pc.is_null(column), filled):
                digest.update(cells.to_numpy().tobytes())
        else:
            # JSON has no dates, times or decimals: their texts stand for them.
            digest.update(json.dumps(column.to_pylist(), default=str).encode())
    return digest.hexdigest()


TABLE_FILE = FileKind(
    key=b"msfusion_table",
    version=SCHEMA_VERSION,
    is_not_ours="was not written by a cohort (columns: {columns}). Pass your own tables to "
    "Cohort.create or add_modality.",
    remedy="Bring it back from a copy, or create the cohort again from its source tables.",
    digest=_digest,
)
