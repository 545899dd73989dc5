"""Predictions as a sealed Parquet file, with what they are of beside them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from msfusion_sdk.storage.sealed import FileKind, read_sealed, write_sealed

__all__ = ["read_predictions", "store_predictions"]

PREDICTIONS_FILE = FileKind(
    key=b"msfusion",
    version=1,
    is_not_ours="holds no predictions (columns: {columns}). Pass a file that evaluate or predict "
    "wrote.",
    remedy="Evaluate or predict again.",
)


def store_predictions(path: Path, table: pd.DataFrame, about: Mapping[str, Any]) -> Path:
    """Write a table and JSON about it, all at once; return the path.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written.
    """
    rows = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    header = json.dumps({"schema_version": PREDICTIONS_FILE.version, **about})
    write_sealed(path, [rows], rows.schema, header, PREDICTIONS_FILE)
    return path


def read_predictions(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table and what is noted about it, both verified.

    Raises
    ------
    FileNotFoundError
    StoreError
        One of its kinds, when it is damaged, of a newer version, or not ours.
    """
    found = read_sealed(path, PREDICTIONS_FILE)
    return found.table.to_pandas(), found.notes
