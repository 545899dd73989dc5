"""The door of tables: ``X`` as people give it, checked, or one sentence with the right call."""

from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any

import pandas as pd

from msfusion_sdk.errors import (
    DuplicateIdError,
    IdTypeError,
    InputTypeError,
    MissingModalityError,
)
from msfusion_sdk.phrases import first_few, what_is
from msfusion_sdk.tables.frames import patient_table

__all__ = ["check_tables"]

_EXAMPLE = "clinical"


def check_tables(
    X: Mapping[str, pd.DataFrame],  # noqa: N803
    *,
    known: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Return the tables of ``X``, each indexed by patient_id.

    Parameters
    ----------
    X : mapping of table name to DataFrame
        With ``patient_id`` as index or as a column.
    known : collection of str
        Names that a model was fitted with, for messages.

    Raises
    ------
    InputTypeError
        When ``X`` or one of its tables is something else: an array, a list, a path, one bare table.
    MissingModalityError
        When ``X`` is empty.
    IdTypeError, DuplicateIdError
        When the patient ids of a table cannot be used; the message names the table.
    """
    example = next(iter(known), _EXAMPLE)
    if not isinstance(X, Mapping):
        msg = f"X is {what_is(X)}, and models read a dict of tables by name. {_call(X, example)}"
        raise InputTypeError(msg)
    if not X:
        names = f" ({', '.join(known)})" if known else ""
        msg = (
            f"X holds no table. Give one or more of the tables{names and ' of training'}{names}, "
            f'such as X = {{"{example}": table}}.'
        )
        raise MissingModalityError(msg)
    unnamed = [name for name in X if not isinstance(name, str) or not name.strip()]
    if unnamed:
        msg = (
            f"Names of tables are text, and X has {first_few(unnamed)}. Call each by what it "
            f'holds, such as X = {{"{example}": table}}.'
        )
        raise InputTypeError(msg)
    return {name: _checked(name, table) for name, table in X.items()}


def _checked(name: str, table: Any) -> pd.DataFrame:
    if not isinstance(table, pd.DataFrame):
        made = _frame_of(table, f"X[{name!r}]")
        call = f"Give {made}." if made else "Leave it out, or give its table."
        msg = f"Table {name!r} is {what_is(table)}, and has to be a DataFrame by patient_id. {call}"
        raise InputTypeError(msg)
    try:
        return patient_table(table)
    except (IdTypeError, DuplicateIdError) as error:
        msg = f"Table {name!r}: {error}"
        raise type(error)(msg) from error


def _call(given: Any, example: str) -> str:
    """Return the sentence that says how to give it."""
    if callable(getattr(given, "tables", None)):
        return "Give its tables: X = cohort.tables()."
    if hasattr(given, "fit"):
        return "The model comes first: model.fit(X, y), or evaluate(model, X, y)."
    if isinstance(given, list | tuple) and any(isinstance(one, pd.DataFrame) for one in given):
        return 'Name each of them, such as X = {"clinical": X[0], "genomics": X[1]}.'
    made = _frame_of(given, "X")
    if made:
        return f'Give it a name: X = {{"{example}": {made}}}.'
    return f'Give DataFrames indexed by patient_id, such as X = {{"{example}": table}}.'


def _frame_of(given: Any, called: str) -> str | None:
    """Return what makes a table of it, as it would be typed; None where that is not known."""
    if isinstance(given, pd.DataFrame):
        return called
    if isinstance(given, str | PathLike):
        return f"msfusion_sdk.tables.read_table({str(given)!r})"
    if isinstance(given, pd.Series):
        return f"{called}.to_frame()"
    if hasattr(given, "to_pandas"):
        return f"{called}.to_pandas()"
    if hasattr(given, "shape"):
        return f"pd.DataFrame({called}, index=patient_ids)"
    return None
