"""Predictions of patients as a file for people and programs: Parquet or CSV."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from msfusion_sdk.files import store_text
from msfusion_sdk.files.csv_text import csv_for_people
from msfusion_sdk.files.replacing import holds, require_replaceable
from msfusion_sdk.storage.predictions import store_predictions
from msfusion_sdk.study.training_record import TrainingRecord
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["require_predictions_path", "write_predictions"]

IN_METADATA = b'"schema_version"', b'"outcome"', b'"modalities"'
"""Stand in the metadata of every Parquet file of predictions, and of no other of ours."""
PREDICTED = re.compile("risk|predicted|proba_.+")
BESIDE = re.compile("class|survival@.+|n_slides|reason")
LONGEST_HEADER = 1_000_000


def require_predictions_path(path: str | Path) -> Path:
    """Return the path of a file of predictions, or refuse it before anything is computed.

    Raises
    ------
    ValueError
        When it ends neither in ``.parquet`` nor in ``.csv``.
    StoreError
        When a file lies there that holds no predictions.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        msg = f"Predictions are written as .parquet or .csv, and {path.name!r} is neither."
        raise ValueError(msg)
    require_replaceable(path, "a file of predictions", _holds_predictions)
    return path


def _holds_predictions(path: Path) -> bool:
    if path.suffix == ".parquet":
        return holds(path, *IN_METADATA)
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline(LONGEST_HEADER)
    try:
        names = next(csv.reader([header]), [])
    except csv.Error:  # a cell longer than any of ours
        return False
    if names[:1] != [ID_COLUMN]:
        return False
    others = [name for name in names[1:] if not PREDICTED.fullmatch(name)]
    # A column that is never written here is somebody's own.
    return len(others) < len(names) - 1 and all(map(BESIDE.fullmatch, others))


def write_predictions(
    predictions: pd.DataFrame,
    path: str | Path,
    record: TrainingRecord,
    *,
    warnings: Sequence[str] = (),
) -> Path:
    """Write predictions, indexed by patient_id, all at once, and return the path.

    A Parquet file is sealed, and also holds ``training.json`` and the warnings in its metadata.

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
    if path.suffix == ".csv":
        return store_text(path, csv_for_people(predictions, index=True))
    about = record.model_dump(mode="json")
    told = {"warnings": list(warnings)} if warnings else {}
    return store_predictions(path, predictions.reset_index(), {**about, **told})
