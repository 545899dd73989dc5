"""Predictions of patients as a file for people and programs: Parquet or CSV."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from msfusion_sdk.files import storing
from msfusion_sdk.study.training_record import TrainingRecord

__all__ = ["require_predictions_path", "write_predictions"]


def require_predictions_path(path: str | Path) -> Path:
    """Return the path of a file of predictions, or refuse it before anything is computed.

    Raises
    ------
    ValueError
        When it ends neither in ``.parquet`` nor in ``.csv``.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        msg = f"Predictions are written as .parquet or .csv, and {path.name!r} is neither."
        raise ValueError(msg)
    return path


def write_predictions(
    predictions: pd.DataFrame,
    path: str | Path,
    record: TrainingRecord,
    *,
    warnings: Sequence[str] = (),
) -> Path:
    """Write predictions, indexed by patient_id, all at once, and return the path.

    A Parquet file also holds ``training.json`` and the warnings in its metadata.

    Parameters
    ----------
    path : path
        Ends in ``.parquet`` or ``.csv``; an older file is replaced when the new one is complete.
    warnings : sequence of str
        What readers of the file must know.

    Raises
    ------
    ValueError
        When ``path`` ends otherwise.
    StoreError
        When it cannot be written.
    """
    path = require_predictions_path(path)
    with storing(path) as temporary:
        if path.suffix == ".csv":
            predictions.to_csv(temporary)
        else:
            table = pa.Table.from_pandas(predictions.reset_index(), preserve_index=False)
            about = {"msfusion": record.model_dump_json()}
            if warnings:
                about["msfusion_warnings"] = json.dumps(list(warnings))
            table = table.replace_schema_metadata(about)
            pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
    return path
