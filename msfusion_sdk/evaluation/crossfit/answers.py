"""What a model answered, checked: a row for each patient, finite, probabilities where meant."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import (
    IdMismatchError,
    InputTypeError,
    NonFiniteError,
    SurvivalLabelError,
)
from msfusion_sdk.phrases import first_few, what_is

__all__ = ["require_probabilities", "require_rows"]


def require_rows(method: str, predicted: Any, patient_ids: Collection[str]) -> Any:
    """Return the rows of ``patient_ids`` of a Series or DataFrame, in their order.

    Parameters
    ----------
    method : str
        What was called, for messages.

    Raises
    ------
    InputTypeError
        When it is neither.
    IdMismatchError
        When a patient was left out.
    NonFiniteError
        When a row holds NaN or infinity.
    """
    if not isinstance(predicted, pd.Series | pd.DataFrame):
        msg = (
            f"{method}() returned {what_is(predicted)}, and has to return a Series or DataFrame "
            "with a row per patient_id. Wrap the model in a class that adds them."
        )
        raise InputTypeError(msg)
    missing = [patient for patient in patient_ids if patient not in predicted.index]
    if missing:
        msg = (
            f"{method}() was asked for {len(patient_ids)} patients and left out {len(missing)} "
            f"(first: {first_few(missing)}). It has to return a row for each, by patient_id."
        )
        raise IdMismatchError(msg)
    rows = predicted.loc[list(patient_ids)]
    wrong = ~np.isfinite(rows.to_numpy(np.float64)).reshape(len(rows), -1).all(axis=1)
    if wrong.any():
        msg = (
            f"{method}() returned NaN or infinity for {int(wrong.sum())} of {len(rows)} patients "
            f"(first: {first_few(rows.index[wrong])}). Nothing is left out to hide that."
        )
        raise NonFiniteError(msg)
    return rows


def require_probabilities(table: pd.DataFrame) -> Floats:
    """Return the cells of a table, clipped to [0, 1] where rounding left it.

    Raises
    ------
    SurvivalLabelError
        When a cell is no probability.
    """
    chances = table.to_numpy(np.float64)
    # Sums of float32 probabilities are off by this much; more is another quantity.
    if (chances < -1e-6).any() or (chances > 1 + 1e-6).any():
        msg = (
            f"Predicted probabilities run from {chances.min():g} to {chances.max():g}, and must "
            "lie in [0, 1]."
        )
        raise SurvivalLabelError(msg)
    clipped: Floats = np.clip(chances, 0, 1)
    return clipped
