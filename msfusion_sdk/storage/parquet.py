"""One slide's result as one Parquet file: a row, the patches nested in it, provenance beside it.

Written with zstd, page checksums and a schema version.  Page checksums guard the pages
only, so a digest of everything that a reader gets back lies in the header as well: a
damaged file gives an error and never other numbers.  A seal over all bytes lies between the
last page and the footer, where Parquet readers do not look: it tells a damaged file, even
where the damage changes nothing, from one that another program has rewritten.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from msfusion_sdk.config import PATCH_VECTOR
from msfusion_sdk.errors import StoreCorruptError, StoreSchemaError
from msfusion_sdk.files import storing

__all__ = [
    "SCHEMA_VERSION",
    "Stored",
    "digest_of",
    "patch_schema",
    "is_sealed",
    "read_parquet",
    "seal",
    "slide_schema",
    "write_parquet",
]

SCHEMA_VERSION = 1
KEY = b"msfusion"
DIGEST = b"msfusion_sha256"
SEAL = b"msfusion-seal-1:"
SEAL_BYTES = len(SEAL) + hashlib.sha256().digest_size


def _field(name: str, kind: pa.DataType, unit: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit})


def _vector_field(dim: int = PATCH_VECTOR, *, nullable: bool) -> pa.Field:
    kind = pa.list_(pa.float32(), dim)
    return _field("vector", kind, "512 context then 512 detail features", nullable=nullable)


def patch_schema() -> pa.Schema:
    """Return the columns of the patch table, with units in the field metadata."""
    scores = "scores in (0, 1), by attention or by evidence: see the provenance; row by row"
    return pa.schema(
        [
            _field("x", pa.int64(), "level-0 px, left"),
            _field("y", pa.int64(), "level-0 px, top"),
            _field("size_px", pa.int64(), "level-0 px, edge"),
            _field("context_score", pa.float32(), "score in (0, 1), as tile_scores"),
            _field("tile_scores", pa.list_(pa.float32(), 4), scores),
            _field("weight", pa.float32(), "share; sums to 1 over the slide"),
            _vector_field(nullable=False),
        ]
    )


@cache
def slide_schema(*, patches: bool, dim: int = PATCH_VECTOR) -> pa.Schema:
    """Return the columns of the slide row; ``dim`` differs for vectors that were imported."""
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
        structs = pa.list_(pa.struct(list(patch_schema())))
        fields.append(pa.field("patches", structs, nullable=False))
    return pa.schema(fields)


def write_parquet(
    path: Path, row: dict[str, Any], patches: pa.Table | None, metadata: dict[str, Any]
) -> Path:
    """Write one slide, atomically; ``metadata`` goes as JSON into the file's own."""
    dim = PATCH_VECTOR if row["vector"] is None else len(row["vector"])
    schema = slide_schema(patches=patches is not None, dim=dim)
    header = json.dumps({"schema_version": SCHEMA_VERSION, **metadata})
    digest = digest_of(row, patches, header)
    cells = {name: pa.array([value], schema.field(name).type) for name, value in row.items()}
    if patches is not None:
        cells["patches"] = _nest(patches)
    own = {KEY: header.encode(), DIGEST: digest.encode()}
    columns = [cells[name] for name in schema.names]
    table = pa.Table.from_arrays(columns, schema=schema.with_metadata(own))
    with storing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
        seal(temporary)
    return path


def seal(path: Path) -> None:
    """Put a digest of all bytes of a Parquet file before its footer."""
    data = path.read_bytes()
    place = _footer_start(data)
    path.write_bytes(data[:place] + SEAL + hashlib.sha256(data).digest() + data[place:])


def is_sealed(data: bytes) -> bool | None:
    """Return whether all bytes are those that were sealed; None for a file without a seal."""
    place = _footer_start(data)
    start = place - SEAL_BYTES
    if start < 0 or data[start : start + len(SEAL)] != SEAL:
        return None
    digest = hashlib.sha256(data[:start] + data[place:]).digest()
    return digest == data[start + len(SEAL) : place]


def _footer_start(data: bytes) -> int:
    """Return where the footer begins: its length stands before the last four bytes."""
    return max(0, len(data) - 8 - int.from_bytes(data[-8:-4], "little"))


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
    StoreCorruptError, StoreSchemaError, FileNotFoundError
    """
    damaged = f"{path} is damaged or not Parquet"
    data = path.read_bytes()
    sealed = is_sealed(data)
    if sealed is False or (must_be_sealed and sealed is None):
        msg = f"{damaged} (it is not what was written). Encode the slide again."
        raise StoreCorruptError(msg)
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            # One small row: handing it to threads costs more than reading it.
            table = file.read(use_threads=False)
            header, digest = _header(path, table)
        row, patches, metadata = _unpack(path, table, header)
        # A seal covers every byte, and so the content.
        is_intact = bool(sealed) or digest == digest_of(row, patches, header)
    except (FileNotFoundError, StoreSchemaError):
        raise
    # Damage in the footer, which no page checksum covers, shows as almost any error.
    except (pa.ArrowException, OSError, ArithmeticError, LookupError, MemoryError, TypeError,
            ValueError) as error:  # fmt: skip
        msg = f"{damaged} ({error}). Encode the slide again."
        raise StoreCorruptError(msg) from error
    if not is_intact:
        msg = f"{damaged} (its content does not have the digest it states). Encode the slide again."
        raise StoreCorruptError(msg)
    return Stored(row, patches, metadata, header)


def _header(path: Path, table: pa.Table) -> tuple[str, str]:
    """Return our JSON and the digest that the file states, or say that it is not ours."""
    own = table.schema.metadata or {}
    if KEY not in own or DIGEST not in own:
        msg = (
            f"{path} was not written by SlideEmbedding.to_parquet (columns: "
            f"{', '.join(table.column_names[:8])}). Pass a file that encode wrote."
        )
        raise StoreSchemaError(msg)
    return own[KEY].decode(), own[DIGEST].decode()


def _unpack(
    path: Path, table: pa.Table, header: str
) -> tuple[dict[str, Any], pa.Table | None, dict[str, Any]]:
    metadata = json.loads(header)
    # Before the columns are looked at: a newer version may have others.
    if metadata["schema_version"] > SCHEMA_VERSION:
        msg = (
            f"{path} has schema version {metadata['schema_version']}, this SDK reads up to "
            f"{SCHEMA_VERSION}. Upgrade msfusion-sdk."
        )
        raise StoreSchemaError(msg)
    has_patches = "patches" in table.column_names
    dim = table.schema.field("vector").type.list_size
    if not table.schema.equals(slide_schema(patches=has_patches, dim=dim)) or table.num_rows != 1:
        msg = f"{path} has {table.num_rows} rows and the columns {table.column_names}, not ours."
        raise StoreSchemaError(msg)
    table.validate(full=True)
    patches = None
    if has_patches:
        structs = table.column("patches").combine_chunks().flatten()
        patches = pa.Table.from_arrays(structs.flatten(), schema=patch_schema())
        table = table.drop_columns("patches")
    return table.to_pylist()[0], patches, metadata


def _nest(patches: pa.Table) -> pa.Array:
    """Return the patch table as one list of structs."""
    columns = [patches.column(name).combine_chunks() for name in patch_schema().names]
    structs = pa.StructArray.from_arrays(columns, fields=list(patch_schema()))
    return pa.ListArray.from_arrays(pa.array([0, len(structs)], pa.int32()), structs)


def digest_of(row: dict[str, Any], patches: pa.Table | None, header: str) -> str:
    """Return the SHA-256 of a result, independent of how Parquet lays it out."""
    vector = row["vector"]
    cells = {name: value for name, value in row.items() if name != "vector"}
    digest = hashlib.sha256(json.dumps([header, cells], sort_keys=True).encode())
    digest.update(b"" if vector is None else np.asarray(vector, np.float32).tobytes())
    for column in () if patches is None else patches.combine_chunks().itercolumns():
        values = column.combine_chunks()
        is_list = pa.types.is_fixed_size_list(values.type)
        digest.update((values.flatten() if is_list else values).to_numpy(zero_copy_only=False))
    return digest.hexdigest()
