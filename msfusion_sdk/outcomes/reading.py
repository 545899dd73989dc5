"""The door: ``y`` as people give it becomes an outcome, checked once."""

from typing import Any

import pandas as pd

from msfusion_sdk.errors import IdTypeError
from msfusion_sdk.outcomes.classes import class_outcome
from msfusion_sdk.outcomes.numbers import number_outcome
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.survival import survival_outcome

__all__ = ["read_outcome"]


def read_outcome(y: "pd.DataFrame | pd.Series[Any] | Outcome") -> Outcome:
    """Return ``y`` checked, with its patients in ascending order of id.

    Parameters
    ----------
    y : DataFrame or Series, indexed by patient_id; or an Outcome
        A DataFrame with ``time`` and ``event`` for survival, a Series of floating-point numbers
        for numbers, a Series of text, whole numbers or booleans for classes.  An outcome is
        returned as it is.

    Raises
    ------
    IdTypeError
        When ``y`` has no patient ids: an array, say.
    DuplicateIdError
        When a patient occurs twice.
    TableError, SurvivalLabelError, DegenerateSplitError
        As :func:`~msfusion_sdk.outcomes.survival.survival_outcome`,
        :func:`~msfusion_sdk.outcomes.classes.class_outcome` and
        :func:`~msfusion_sdk.outcomes.numbers.number_outcome` do.
    """
    if isinstance(y, Outcome):
        return y
    if isinstance(y, pd.DataFrame):
        return survival_outcome(y)
    if isinstance(y, pd.Series) and pd.api.types.is_float_dtype(y):
        return number_outcome(y)
    if isinstance(y, pd.Series):
        return class_outcome(y)
    msg = (
        f"y is {type(y).__name__}, and outcomes need patient ids. Give a DataFrame with 'time' "
        "and 'event', or a Series of classes or numbers, indexed by patient_id."
    )
    raise IdTypeError(msg)
