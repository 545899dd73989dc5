"""One slide's result as one sealed Parquet file: a row, the patches nested in it, provenance."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from msfusion_sdk.config import PATCH_VECTOR
from msfusion_sdk.errors import StoreSchemaError
from msfusion_sdk.storage.sealed import FileKind, corrupt, read_sealed, write_sealed

__all__ = [
    "SCHEMA_VERSION",
    "Stored",
    "digest_of",
    "has_quality",
    "patch_schema",
    "read_parquet",
    "slide_schema",
    "tiles_of",
    "write_parquet",
]

SCHEMA_VERSION = 1


def _field(name: str, kind: pa.DataType, unit: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit})


def _vector_field(dim: int = PATCH_VECTOR, *, nullable: bool) -> pa.Field:
    kind = pa.list_(pa.float32(), dim)
    # Two texts, because parts keep the bytes that version 0.1.0 gave them.
    text = "context then detail features"
    unit = "512 context then 512 detail features" if dim == PATCH_VECTOR else text
    return _field("vector", kind, unit, nullable=nullable)


_SHARE = "share of the patch, 0 to 1"
_QUALITY = (
    _field("focus", pa.float32(), "sharpness; NaN: too pale to tell"),
    *(_field(name, pa.float32(), _SHARE) for name in ("fold", "bubble", "pen", "dust")),
)


@cache
def patch_schema(dim: int = PATCH_VECTOR, tiles: int = 4, *, quality: bool = False) -> pa.Schema:
    """Return the columns of the patch table, with units in the field metadata.

    Parameters
    ----------
    dim : int
        Length of a patch vector.
    tiles : int
        Tiles of a patch.
    quality : bool
        Whether the quality of patches was measured.
    """
    scores = "scores in (0, 1), by attention or by evidence: see the provenance; row by row"
    return pa.schema(
        [
            _field("x", pa.int64(), "level-0 px, left"),
            _field("y", pa.int64(), "level-0 px, top"),
            _field("size_px", pa.int64(), "level-0 px, edge"),
            _field("context_score", pa.float32(), "score in (0, 1), as tile_scores"),
            _field("tile_scores", pa.list_(pa.float32(), tiles), scores),
            _field("weight", pa.float32(), "share; sums to 1 over the slide"),
            _vector_field(dim, nullable=False),
            *(_QUALITY if quality else ()),
        ]
    )


@cache
def slide_schema(
    *, patches: bool, dim: int = PATCH_VECTOR, tiles: int = 4, quality: bool = False
) -> pa.Schema:
    """Return the columns of the slide row; arguments as of ``patch_schema``."""
    recall = "share of tissue inside kept patches"
    fields = [
        _field("slide_id", pa.string(), "identifier"),
        _field("status", pa.string(), "ok | ok_with_warnings | empty"),
        _field("reason", pa.string(), "text"),
        _vector_field(dim, nullable=True),
        _field("n_patches", pa.int64(), "count"),
        _field("tissue_area_mm2", pa.float64(), "mm²"),
        _field("tissue_recall", pa.float64(), recall, nullable=True),
        _field("n_bad_regions", pa.int64(), "count"),
        _field("fingerprint", pa.string(), "SHA-256 of weights and settings"),
    ]
    if patches:
        structs = pa.list_(pa.struct(list(patch_schema(dim, tiles, quality=quality))))
        fields.append(pa.field("patches", structs, nullable=False))
    return pa.schema(fields)


def write_parquet(
    path: Path,
    row: dict[str, Any],
    patches: pa.Table | None,
    metadata: dict[str, Any],
    *,
    dim: int = PATCH_VECTOR,
) -> Path:
    """Write one slide, atomically; ``metadata`` goes as JSON into the file's own.

    Parameters
    ----------
    dim : int
        Length that the vector would have, for a slide without one.
    """
    dim = dim if row["vector"] is None else len(row["vector"])
    tiles = 4 if patches is None else tiles_of(patches)
    quality = patches is not None and has_quality(patches.schema)
    schema = slide_schema(patches=patches is not None, dim=dim, tiles=tiles, quality=quality)
    header = json.dumps({"schema_version": SCHEMA_VERSION, **metadata})
    cells = {name: pa.array([value], schema.field(name).type) for name, value in row.items()}
    if patches is not None:
        cells["patches"] = _nest(patches)
    table = pa.Table.from_arrays([cells[name] for name in schema.names], schema=schema)
    digest = digest_of(row, patches, header)
    write_sealed(path, [table], schema, header, SLIDE_FILE, digest=digest)
    return path


class Stored(NamedTuple):
    """One slide as it lies in a file."""

    row: dict[str, Any]
    patches: pa.Table | None
    """None when they were left out."""
    metadata: dict[str, Any]
    header: str
    """The metadata as the text over which, with the row, the digest is taken."""


def read_parquet(path: Path, *, must_be_sealed: bool = False) -> Stored:
    """Return what ``write_parquet`` wrote.

    Parameters
    ----------
    must_be_sealed : bool
        Whether a file that another program has rewritten, with equal content, is refused.

    Raises
    ------
    StoreCorruptError, StoreSchemaError, StoreVersionError, StoreError, FileNotFoundError
        As ``read_sealed``.
    """
    table, metadata, header, is_sealed = read_sealed(path, SLIDE_FILE)
    if must_be_sealed and not is_sealed:
        raise corrupt(path, "it is not what was written", SLIDE_FILE)
    if not _is_slide(table):
        msg = f"{path} has {table.num_rows} rows and the columns {table.column_names}, not ours."
        raise StoreSchemaError(msg)
    row, patches = _unpack(table)
    return Stored(row, patches, metadata, header)


def _is_slide(table: pa.Table) -> bool:
    if table.num_rows != 1 or "vector" not in table.column_names:
        return False
    kind = table.schema.field("vector").type
    # No schema of ours has the length 0, so that the comparison says no.
    dim = kind.list_size if pa.types.is_fixed_size_list(kind) else 0
    has_patches = "patches" in table.column_names
    quality = has_patches and _has_quality_in(table)
    wanted = slide_schema(patches=has_patches, dim=dim, tiles=_tiles_in(table), quality=quality)
    return bool(table.schema.equals(wanted))


def _tiles_in(table: pa.Table) -> int:
    """Return the tiles of a patch in a stored slide; the usual number where it is no such table."""
    if "patches" not in table.column_names:
        return 4
    kind = table.schema.field("patches").type
    is_struct = pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)
    place = kind.value_type.get_field_index("tile_scores") if is_struct else -1
    scores = kind.value_type.field(place).type if place >= 0 else None
    return scores.list_size if scores and pa.types.is_fixed_size_list(scores) else 4


def _has_quality_in(table: pa.Table) -> bool:
    kind = table.schema.field("patches").type
    is_struct = pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)
    return bool(is_struct and kind.value_type.get_field_index("focus") >= 0)


def _unpack(table: pa.Table) -> tuple[dict[str, Any], pa.Table | None]:
    """Return the row and the patches of a slide."""
    patches = None
    if "patches" in table.column_names:
        structs = table.column("patches").combine_chunks().flatten()
        dim = table.schema.field("vector").type.list_size
        schema = patch_schema(dim, _tiles_in(table), quality=_has_quality_in(table))
        patches = pa.Table.from_arrays(structs.flatten(), schema=schema)
        table = table.drop_columns("patches")
    return table.to_pylist()[0], patches


def tiles_of(patches: pa.Table) -> int:
    """Return how many tiles a patch of a patch table has."""
    return int(patches.schema.field("tile_scores").type.list_size)


def has_quality(patches: pa.Schema) -> bool:
    """Return whether a patch table has the columns of quality."""
    return "focus" in patches.names


def _nest(patches: pa.Table) -> pa.Array:
    """Return the patch table as one list of structs."""
    dim = patches.schema.field("vector").type.list_size
    schema = patch_schema(dim, tiles_of(patches), quality=has_quality(patches.schema))
    columns = [patches.column(name).combine_chunks() for name in schema.names]
    structs = pa.StructArray.from_arrays(columns, fields=list(schema))
    return pa.ListArray.from_arrays(pa.array([0, len(structs)], pa.int32()), structs)


def digest_of(row: dict[str, Any], patches: pa.Table | None, header: str) -> str:
    """Return the SHA-256 of a result, independent of how Parquet lays it out."""
    vector = row["vector"]
    cells = {name: value for name, value in row.items() if name != "vector"}
    # Sorted keys: the order of the columns does not count.
    digest = hashlib.sha256(json.dumps([header, cells], sort_keys=True).encode())
    digest.update(b"" if vector is None else np.asarray(vector, np.float32).tobytes())
    for column in () if patches is None else patches.combine_chunks().itercolumns():
        values = column.combine_chunks()
        is_list = pa.types.is_fixed_size_list(values.type)
        # ``flatten`` respects the offset of a slice; ``values`` would give the whole buffer.
        digest.update((values.flatten() if is_list else values).to_numpy(zero_copy_only=False))
    return digest.hexdigest()


def _digest(table: pa.Table, header: str) -> str:
    return digest_of(*_unpack(table), header)


SLIDE_FILE = FileKind(
    key=b"msfusion",
    version=SCHEMA_VERSION,
    is_not_ours="was not written by SlideEmbedding.to_parquet (columns: {columns}). Pass a file "
    "that encode wrote.",
    remedy="Encode the slide again.",
    digest=_digest,
)
