"""Predictions of patients as a file for people and programs: Parquet or CSV."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from msfusion_sdk.files import store_text
from msfusion_sdk.files.csv_text import csv_for_people
from msfusion_sdk.storage.predictions import store_predictions
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
