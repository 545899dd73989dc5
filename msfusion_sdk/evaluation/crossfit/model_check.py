"""The door of models: an estimator of tables by name, or one sentence with the right call."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import pandas as pd

from msfusion_sdk.errors import InputTypeError
from msfusion_sdk.evaluation.crossfit.task import Task
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.phrases import what_is

__all__ = ["require_model"]

# Their estimators learn from one array and answer without patient ids.
_OF_ARRAYS = {"catboost", "lifelines", "lightgbm", "sklearn", "sksurv", "xgboost"}


def require_model(name: str, model: object, task: type[Task], outcome: Outcome) -> None:
    """Refuse what cannot learn from tables by name, or cannot predict this kind of outcome.

    Raises
    ------
    InputTypeError
        With what to give instead; it is a TypeError.
    """
    if not callable(getattr(model, "fit", None)):
        msg = f"{name!r} is {what_is(model)}, and a model is an estimator. {_call(model, task)}"
        raise InputTypeError(msg)
    if isinstance(model, type):
        msg = f"{name!r} is {what_is(model)}. Give an estimator: {model.__name__}()."
        raise InputTypeError(msg)
    library = type(model).fit.__module__.partition(".")[0]  # type: ignore[attr-defined]
    if library in _OF_ARRAYS and not _reads_dicts(model):
        msg = (
            f"{name!r} is {type(model).__name__} of {library}, which learns from one array without "
            f"patient ids. Give {task.estimator}(), or a class of your own around it: fit(X, y) "
            f"with X a dict of tables, and {task.methods[0]}(X) with a row per patient_id."
        )
        raise InputTypeError(msg)
    _require_methods(name, model, task, outcome)
    if not callable(getattr(model, "get_params", None)):
        msg = (
            f"{name!r} ({type(model).__name__}) has no get_params(), and each fold fits a clone. "
            "Derive the class from sklearn.base.BaseEstimator."
        )
        raise InputTypeError(msg)


def _require_methods(name: str, model: object, task: type[Task], outcome: Outcome) -> None:
    missing = [one for one in task.methods if not callable(getattr(model, one, None))]
    if missing:
        numbers = outcome.kind == "class" and callable(getattr(model, "predict", None))
        msg = (
            f"y holds {outcome.holds}, and {name!r} ({type(model).__name__}) has no "
            f"{missing[0]}(). Give {task.estimator}, or an estimator like it"
            + ("; if whole numbers are to be predicted, y.astype(float)." if numbers else ".")
        )
        raise InputTypeError(msg)


def _reads_dicts(model: Any) -> bool:
    """Say whether an estimator declares it: ours do, and what wraps one as it is."""
    tags = getattr(model, "__sklearn_tags__", None)  # since scikit-learn 1.6
    return tags is not None and bool(tags().input_tags.dict)


def _call(model: Any, task: type[Task]) -> str:
    """Return the sentence that says what to give instead."""
    if isinstance(model, str | PathLike):
        return f"Give {task.estimator}(), or load one: {task.estimator}.load({str(model)!r})."
    tables = model.values() if isinstance(model, Mapping) else [model]
    if any(isinstance(one, pd.DataFrame | pd.Series) for one in tables):
        return "The order is evaluate(model, X, y)."
    if isinstance(model, list | tuple):
        return f'Give several by name: {{"mine": {task.estimator}(), …}}.'
    return f"Give {task.estimator}(), or an estimator like it."
