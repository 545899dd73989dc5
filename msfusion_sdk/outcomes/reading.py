"""The door: ``y`` as people give it becomes an outcome, checked once."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import pandas as pd

from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError
from msfusion_sdk.outcomes.classes import class_outcome
from msfusion_sdk.outcomes.numbers import number_outcome
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.survival import survival_outcome
from msfusion_sdk.phrases import what_is
from msfusion_sdk.tables.frames import ID_COLUMN

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
        When ``y`` has no patient ids: an array, a list, a path.  The message has the right call.
    DuplicateIdError
        When a patient occurs twice.
    TableError, SurvivalLabelError, DegenerateSplitError
        As :func:`~msfusion_sdk.outcomes.survival.survival_outcome`,
        :func:`~msfusion_sdk.outcomes.classes.class_outcome` and
        :func:`~msfusion_sdk.outcomes.numbers.number_outcome` do; also when ``y`` is a DataFrame
        of one column, which is not made a Series here: it may be a survival of half its columns.
    """
    if isinstance(y, Outcome):
        return y
    if not isinstance(y, pd.DataFrame | pd.Series):
        msg = f"y is {what_is(y)}, and outcomes need patient ids. {_call(y)}"
        raise IdTypeError(msg)
    try:
        return _read(y)
    except (IdTypeError, DuplicateIdError) as error:
        # Tables have ids too: these are of y.
        msg = f"y: {error}"
        raise type(error)(msg) from error


def _read(y: "pd.DataFrame | pd.Series[Any]") -> Outcome:
    if isinstance(y, pd.DataFrame):
        _require_several(y)
        return survival_outcome(y)
    return number_outcome(y) if pd.api.types.is_float_dtype(y) else class_outcome(y)


def _require_several(y: pd.DataFrame) -> None:
    """Refuse a table of one column, which is no survival."""
    columns = [name for name in y.columns if name != ID_COLUMN]
    if len(columns) == 1 and columns[0] not in ("time", "event"):
        by_id = f".set_index({ID_COLUMN!r})" if ID_COLUMN in y.columns else ""
        msg = (
            f"y is a DataFrame with the column {columns[0]!r} alone; classes and numbers are a "
            f"Series. Give y{by_id}[{columns[0]!r}]."
        )
        raise TableError(msg)


def _call(y: Any) -> str:
    """Return the sentence that says how to give it."""
    if callable(getattr(y, "outcome", None)):
        return 'Give one of its outcomes: y = cohort.outcome("survival").'
    if isinstance(y, str | PathLike):
        return (
            "Give a cohort's outcome, cohort.outcome(name), or a column of a file: "
            "msfusion_sdk.tables.read_table(path).set_index('patient_id')[column]."
        )
    if hasattr(y, "fit"):
        return "The order is model.fit(X, y) and evaluate(model, X, y)."
    if isinstance(y, Mapping) and any(isinstance(one, pd.DataFrame) for one in y.values()):
        return "These are tables: the order is model.fit(X, y) and evaluate(model, X, y)."
    if isinstance(y, Mapping):
        return "Give pd.Series(y)."
    if hasattr(y, "to_pandas"):
        return "Give y.to_pandas(), indexed by patient_id."
    if getattr(getattr(y, "dtype", None), "names", None):
        return "Give pd.DataFrame(y, index=patient_ids)."
    return (
        'Give pd.DataFrame({"time": times, "event": events}, index=patient_ids) for survival, or '
        "pd.Series(y, index=patient_ids) for classes or numbers."
    )
