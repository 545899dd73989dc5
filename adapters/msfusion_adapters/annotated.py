"""Tables out of AnnData and MuData, the containers of single-cell and multi-omics work.

Needs ``pip install "msfusion-sdk[anndata]"``; nothing else in this package does.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from msfusion_sdk.errors import TableError
from msfusion_sdk.extras import import_extra
from msfusion_sdk.tables.frames import patient_table

__all__ = ["from_anndata", "read_h5ad", "read_h5mu"]


def read_h5ad(
    path: str | Path, *, layer: str | None = None, id_column: str | None = None
) -> pd.DataFrame:
    """Return the table in an AnnData file; see :func:`from_anndata`.

    Raises
    ------
    MissingExtraError
        When anndata is not installed.
    """
    return from_anndata(
        import_extra("anndata", "anndata", "An .h5ad file").read_h5ad(path),
        layer=layer,
        id_column=id_column,
    )


def read_h5mu(
    path: str | Path, *, layer: str | None = None, id_column: str | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables in a MuData file by the names of its modalities.

    Their rows may differ: a patient who is not in one of them lacks that modality.

    Raises
    ------
    MissingExtraError
        When mudata is not installed.
    """
    parts = import_extra("mudata", "anndata", "An .h5mu file").read_h5mu(path).mod
    return {
        name: from_anndata(part, layer=layer, id_column=id_column) for name, part in parts.items()
    }


def from_anndata(
    data: Any, *, layer: str | None = None, id_column: str | None = None
) -> pd.DataFrame:
    """Return a row per observation and a column per variable of an AnnData object.

    Parameters
    ----------
    layer : str, optional
        The matrix ``X`` by default.
    id_column : str, optional
        The column of ``obs`` that holds the patient ids; the names of the observations by
        default.  One observation per patient: sum or average cells before.

    Raises
    ------
    TableError
        When there is no such layer or column.
    DuplicateIdError
        When a patient has several observations.
    """
    if layer is not None and layer not in data.layers:
        msg = f"There is no layer {layer!r} (found: {', '.join(data.layers) or 'none'})."
        raise TableError(msg)
    if id_column is not None and id_column not in data.obs.columns:
        msg = f"There is no column {id_column!r} in obs (found: {', '.join(data.obs.columns)})."
        raise TableError(msg)
    table = data.to_df(layer=layer)
    if id_column is not None:
        # As objects: AnnData makes categories of text, and an index of these is no text.
        table.index = pd.Index(data.obs[id_column].astype(object))
    return patient_table(table)
