"""The files of an export: Parquet, or AnnData in HDF5 or Zarr."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from msfusion_sdk.cohort.export.annotated import (
    annotated_patches,
    annotated_rows,
    write_annotated,
)
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import made_folder, require_unused
from msfusion_sdk.places.url import Url, require_disk
from msfusion_sdk.remote.sending import outgoing
from msfusion_sdk.slides.files.names import result_name
from msfusion_sdk.storage.sealed import FileKind, write_sealed

__all__ = ["EXPORT_FILE", "Format", "Level", "require_own_suffix", "write_export"]

Level = Literal["slide", "patient", "patch"]
Format = Literal["parquet", "anndata", "zarr"]
SUFFIXES: dict[Format, str] = {"parquet": ".parquet", "anndata": ".h5ad", "zarr": ".zarr"}
PROMISED: dict[str, Format] = {
    **{suffix: form for form, suffix in SUFFIXES.items()},
    **dict.fromkeys((".h5", ".hdf5"), "anndata"),
}
"""The format that a suffix promises."""
NOT_WRITTEN = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".json")
EXPORT_FILE = FileKind(
    key=b"msfusion_export",
    version=1,
    is_not_ours="is no export of a cohort (columns: {columns}).",
    remedy="Export the cohort again.",
)


def require_own_suffix(path: Path, form: Format) -> None:
    """Raise where the name promises another format, and an older file of that may lie.

    Raises
    ------
    TableError
    """
    suffix = path.suffix.lower()
    promised = PROMISED.get(suffix)
    if suffix in NOT_WRITTEN:
        way_out = (
            f"for {path.suffix} read that file with pandas, Polars, R or DuckDB and write it from "
            "there"
        )
    elif promised not in (None, form):
        way_out = f"or pass format={promised!r} (--format {promised})"
    else:
        return
    msg = (
        f"{path.name} would hold {'Parquet' if form == 'parquet' else 'AnnData'} under the name of "
        f"another format. Name it {path.stem}{SUFFIXES[form]}; {way_out}."
    )
    raise TableError(msg)


def write_export(
    path: Path | Url,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    metadata: Mapping[str, Any],
    level: Level,
    form: Format,
    modalities: Collection[str],
) -> int:
    """Write the tables, all at once; return the number of rows.

    Patches as AnnData are a file for each slide, in a new folder.  The same cohort gives the same
    bytes of Parquet: no time, host or path is written.

    Parameters
    ----------
    metadata : mapping
        JSON.
    modalities : collection of str
        As of ``annotated_rows``.
    """
    if form == "parquet":
        header = json.dumps({"schema_version": EXPORT_FILE.version, **metadata}, sort_keys=True)
        with outgoing(path) as file:
            return write_sealed(file, tables, schema, header, EXPORT_FILE)
    if level == "patch":
        return _write_patches(path, tables, metadata, form)
    table = pa.concat_tables(tables)
    target = _on_disk(path, "A Zarr store") if form == "zarr" else path
    data = annotated_rows(table, f"{level}_id", metadata, modalities)
    with outgoing(target) as file:
        write_annotated(data, file, form)
    return int(table.num_rows)


def _write_patches(
    path: Path | Url,
    tables: Iterable[pa.Table],
    metadata: Mapping[str, Any],
    form: Literal["anndata", "zarr"],
) -> int:
    folder, rows = _on_disk(path, "A folder of patches, a file for each slide,"), 0
    require_unused(folder, "Give a new folder: it gets a file for each slide.")
    made_folder(folder)
    for table in tables:
        name = result_name(table.column("slide_id")[0].as_py())
        data = annotated_patches(table, metadata)
        write_annotated(data, folder / f"{name}{SUFFIXES[form]}", form)
        rows += table.num_rows
    return rows


def _on_disk(path: Path | Url, what: str) -> Path:
    return path if isinstance(path, Path) else require_disk(path.full, what)
