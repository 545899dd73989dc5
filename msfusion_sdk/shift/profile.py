"""What the tables of training looked like: a row per column, kept beside the model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from msfusion_sdk.storage.sealed import FileKind, read_sealed, write_sealed

__all__ = ["PROFILE_FILE", "profile_tables", "read_profile", "write_profile"]

PROFILE_FILE = "training_profile.parquet"
MOST_LEVELS = 50
"""Words that a column may hold to be categories; with more it is text, and no level is kept."""

SCHEMA = pa.schema(
    [
        pa.field("table", pa.string(), metadata={"unit": "name of a modality"}),
        pa.field("column", pa.string(), metadata={"unit": "name"}),
        pa.field("kind", pa.string(), metadata={"unit": "number | category | text"}),
        pa.field("patients", pa.int64(), metadata={"unit": "rows of the table"}),
        pa.field("missing", pa.float64(), metadata={"unit": "share of these rows"}),
        pa.field("mean", pa.float64(), metadata={"unit": "of the column"}),
        pa.field("sd", pa.float64(), metadata={"unit": "of the column"}),
        pa.field("low", pa.float64(), metadata={"unit": "of the column, smallest"}),
        pa.field("high", pa.float64(), metadata={"unit": "of the column, largest"}),
        pa.field("levels", pa.list_(pa.string()), metadata={"unit": "categories, sorted"}),
    ]
)
KIND = FileKind(
    key=b"msfusion_profile",
    version=1,
    is_not_ours="is no profile of training tables (columns: {columns}). Move it away.",
    remedy="Copy the model folder again, or train the model again.",
)


def profile_tables(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a row per column of each table: its kind, range, mean and how much is missing.

    Parameters
    ----------
    tables : mapping of name to DataFrame indexed by patient_id
        With the patients of training only.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``kind`` (number, category or text), ``patients``, ``missing``
        (share), ``mean``, ``sd``, ``low``, ``high`` (of numbers), ``levels`` (of categories).
    """
    rows = [
        {"table": name, "column": str(column), **_described(table[column])}
        for name, table in tables.items()
        for column in table.columns
    ]
    return pd.DataFrame(rows, columns=SCHEMA.names)


def write_profile(folder: Path, profile: pd.DataFrame) -> Path:
    """Write a profile into a model folder and return its path.

    Parameters
    ----------
    folder : Path
        The model folder, which exists.
    profile : DataFrame
        A row per column of the training tables, as ``profile_tables`` makes it.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    path = Path(folder) / PROFILE_FILE
    columns = [pa.array(profile[field.name].to_list(), field.type) for field in SCHEMA]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    header = json.dumps({"schema_version": KIND.version})
    # The option keeps the name that the items of lists have in the schema.
    write_sealed(path, [table], SCHEMA, header, KIND, use_compliant_nested_type=False)
    return path


def read_profile(folder: Path) -> pd.DataFrame | None:
    """Return the profile in a model folder, or None for a model of before version 0.2.

    Raises
    ------
    StoreCorruptError, StoreSchemaError, StoreError
        When it is damaged, something else, or cannot be read.
    """
    try:
        found = read_sealed(Path(folder) / PROFILE_FILE, KIND)
    except FileNotFoundError:
        return None
    frame: pd.DataFrame = found.table.to_pandas()
    return frame


def _described(values: "pd.Series[Any]") -> dict[str, Any]:
    known = values.dropna()
    row: dict[str, Any] = {"patients": len(values), "missing": 1 - len(known) / max(1, len(values))}
    nothing: dict[str, Any] = {"mean": None, "sd": None, "low": None, "high": None, "levels": None}
    row |= nothing
    # Flags are categories: their range is always 0 to 1.
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = known.to_numpy(np.float64)
        row["kind"] = "number"
        if len(numbers):
            row |= {"mean": float(numbers.mean()), "sd": float(numbers.std())}
            row |= {"low": float(numbers.min()), "high": float(numbers.max())}
        return row
    levels = sorted({str(value) for value in known})
    if len(levels) > MOST_LEVELS:
        return row | {"kind": "text"}
    return row | {"kind": "category", "levels": levels}
