"""An export as AnnData: vectors in X, tables in obs and obsm, for scanpy, squidpy and the like."""

import json
import shutil
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from msfusion_sdk.errors import StoreError, TableError
from msfusion_sdk.extras import import_extra
from msfusion_sdk.files import storing, temporary_beside
from msfusion_sdk.places.url import require_disk

__all__ = ["AnnotatedFormat", "annotated_patches", "annotated_rows", "write_annotated"]

AnnotatedFormat = Literal["anndata", "zarr"]
NOTES = "msfusion_export"
VECTORS = ("slide.vector", "vector")


def annotated_rows(
    table: pa.Table, key: str, metadata: Mapping[str, Any], modalities: Collection[str] = ()
) -> Any:
    """Return the rows of an export as AnnData.

    Parameters
    ----------
    table : Arrow table
        A row per patient or slide, as an export has it.
    key : str
        The column that names the rows.
    metadata : mapping
        JSON, for ``uns["msfusion_export"]``.
    modalities : collection of str
        Names of tables: one that holds numbers alone goes to ``obsm``.

    Returns
    -------
    AnnData
        ``X`` has the slide vectors, rows of NaN where there is none; ``obsm`` a DataFrame for each
        modality of numbers alone; ``obs`` all other columns: outcomes, words, flags, counts.

    Raises
    ------
    MissingExtraError
        Without the extra ``[anndata]``.
    TableError
        When two columns would have one name, because AnnData knows no ``/`` in names.
    """
    ids = pd.Index(table.column(key).to_pylist(), name=key)
    vectors = next((name for name in VECTORS if name in table.column_names), None)
    rest = [name for name in table.column_names if name not in (key, vectors)]
    frames: dict[str, dict[str, pd.Series[Any]]] = {}
    for name in rest:
        group = name.partition(".")[0] if "." in name else ""
        frames.setdefault(group, {})[name] = _column(table.column(name), ids)
    wide = {
        group: columns
        for group, columns in frames.items()
        if group in modalities and all(_is_number(table.column(name)) for name in columns)
    }
    obs = [columns for group, columns in frames.items() if group not in wide]
    values = _matrix(table.column(vectors)) if vectors else np.empty((len(ids), 0), np.float32)
    return _anndata(
        values,
        _frame({name: column for columns in obs for name, column in columns.items()}, ids),
        metadata,
        obsm={
            _plain(group): _frame(
                {name.removeprefix(f"{group}."): column for name, column in columns.items()}, ids
            ).astype(np.float64)
            for group, columns in wide.items()
        },
    )


def annotated_patches(patches: pa.Table, metadata: Mapping[str, Any]) -> Any:
    """Return the patches of a slide as AnnData.

    Returns
    -------
    AnnData
        ``X`` has the patch vectors; ``obsm["spatial"]`` the centres (x, y) in level-0 pixels, as
        squidpy looks for them; ``obsm["tile_scores"]`` a score per tile; ``obs`` all the others.
    """
    ids = pd.Index([str(number) for number in range(patches.num_rows)], name="patch")
    lists = ("vector", "tile_scores")
    columns = {
        name: _column(patches.column(name), ids)
        for name in patches.column_names
        if name not in lists
    }
    corners = np.column_stack([columns["x"], columns["y"]]).astype(np.float64)
    half = columns["size_px"].to_numpy(np.float64)[:, None] / 2
    found = {name: _matrix(patches.column(name)) for name in lists}
    return _anndata(
        found["vector"],
        _frame(columns, ids),
        metadata,
        obsm={"spatial": corners + half, "tile_scores": found["tile_scores"]},
    )


def write_annotated(data: Any, path: Path, form: AnnotatedFormat) -> None:
    """Write AnnData as an ``.h5ad`` file or a Zarr folder, all at once.

    Raises
    ------
    StoreError
        When it cannot be written, or something else than a Zarr store is there.
    """
    with warnings.catch_warnings():
        # Announcements of what its next version does, to those who write files by it.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", UserWarning)
        if form == "anndata":
            with storing(path) as temporary:
                data.write_h5ad(temporary)
            return
        import_extra("zarr", "anndata", "Writing a Zarr store", 'use format="anndata"')
        path = require_disk(path, "A Zarr store")
        if path.exists() and not any((path / name).is_file() for name in (".zgroup", "zarr.json")):
            msg = f"{path} is there and is no Zarr store. Move it away, or choose another name."
            raise StoreError(msg)
        temporary = temporary_beside(path)
        try:
            data.write_zarr(temporary)
            if path.exists():
                shutil.rmtree(path)
            temporary.rename(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _anndata(
    values: NDArray[np.float32],
    obs: pd.DataFrame,
    metadata: Mapping[str, Any],
    obsm: Mapping[str, Any],
) -> Any:
    module = import_extra("anndata", "anndata", "An export as AnnData", 'use format="parquet"')
    names = [f"v{number:04d}" for number in range(values.shape[1])]
    # Text: its dictionaries know neither None nor lists of them.
    notes = {NOTES: json.dumps(metadata, sort_keys=True)}
    return module.AnnData(
        X=values, obs=obs, var=pd.DataFrame(index=names), obsm=dict(obsm), uns=notes
    )


def _matrix(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return lists of one length as rows, NaN where there is none."""
    array = column.combine_chunks()
    length = array.type.list_size
    rows = np.full((len(array), length), np.nan, np.float32)
    is_there = array.is_valid().to_numpy(zero_copy_only=False)
    rows[is_there] = array.drop_null().flatten().to_numpy().reshape(-1, length)
    return rows


def _column(column: pa.ChunkedArray, ids: pd.Index) -> "pd.Series[Any]":
    """Return a column as AnnData can hold it: words as categories, nulls as missing."""
    kind = column.type
    if types.is_string(kind) or types.is_large_string(kind):
        return pd.Series(pd.Categorical(column.to_pylist()), index=ids)
    if types.is_temporal(kind):
        return pd.Series(pd.Categorical(column.cast(pa.string()).to_pylist()), index=ids)
    if types.is_boolean(kind) and column.null_count:
        return pd.Series(pd.array(column.to_pylist(), "boolean"), index=ids)
    return pd.Series(column.to_pandas().to_numpy(), index=ids)


def _is_number(column: pa.ChunkedArray) -> bool:
    return bool(types.is_integer(column.type) or types.is_floating(column.type))


def _frame(columns: "Mapping[str, pd.Series[Any]]", ids: pd.Index) -> pd.DataFrame:
    names = [_plain(name) for name in columns]
    twice = [name for name in columns if names.count(_plain(name)) > 1]
    if twice:
        msg = (
            f"AnnData knows no / in names of columns, and without it {', '.join(twice[:3])} would "
            'be one. Rename one of them, or use format="parquet" (--format parquet).'
        )
        raise TableError(msg)
    if not columns:
        return pd.DataFrame(index=ids)
    return pd.DataFrame(dict(zip(names, columns.values(), strict=True)), index=ids)


def _plain(name: str) -> str:
    return name.replace("/", "_")
