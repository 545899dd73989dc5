"""Fit on the training patients of a fold, predict its test patients, and nothing in between."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import (
    DegenerateSplitError,
    IdMismatchError,
    NonFiniteError,
    SurvivalLabelError,
)
from msfusion_sdk.evaluation.crossfit.inputs import Tables, rows_of, with_values
from msfusion_sdk.evaluation.folds.checks import require_trainable
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.predictions import (
    ClassPredictions,
    Predictions,
    SurvivalPredictions,
)
from msfusion_sdk.outcomes.strata import ClassLabels, Outcome, SurvivalTimes

__all__ = ["fit_predict", "require_methods"]


def require_methods(name: str, model: object, outcome: Outcome) -> None:
    """Refuse a model that cannot predict this kind of outcome.

    Raises
    ------
    TypeError
        Naming the method that is missing.
    """
    is_survival = isinstance(outcome, SurvivalTimes)
    needed = ("predict_risk", "predict_survival") if is_survival else ("predict_proba",)
    missing = [method for method in ("fit", *needed) if not callable(getattr(model, method, None))]
    if missing:
        kind = "times and events" if is_survival else "classes"
        msg = (
            f"y holds {kind}, and {name!r} ({type(model).__name__}) has no {missing[0]}(). Give "
            f"{'FusionSurvival' if is_survival else 'FusionClassifier'}, or an estimator like it."
        )
        raise TypeError(msg)


def fit_predict(
    model: Any, tables: Tables, outcome: Outcome, fold: Fold, number: int, times: Floats
) -> Predictions:
    """Fit a clone of ``model`` on the training patients; return its predictions for the others.

    Patients without a value in any of ``tables`` are neither fitted nor predicted.

    Parameters
    ----------
    number : int
        Of the fold, for messages.
    times : shape (time,)
        At which survival is predicted; not looked at for classes.

    Raises
    ------
    DegenerateSplitError
        When nobody is left to judge, or those to fit on have no event or lack a class.
    IdMismatchError, NonFiniteError, SurvivalLabelError
        When the model leaves out patients or predicts what is no number or no probability.
    """
    have = {patient for table in tables.values() for patient in with_values(table)}
    train_ids = [patient for patient in fold.train_ids if patient in have]
    test_ids = tuple(patient for patient in fold.test_ids if patient in have)
    if not test_ids:
        msg = f"No test patient of fold {number} has a value in {', '.join(tables)}."
        raise DegenerateSplitError(msg)
    require_trainable(number, train_ids, outcome)
    train, test = rows_of(tables, train_ids), rows_of(tables, test_ids)
    labels = outcome.labels(outcome.rows(train_ids))
    _require_no_leak([*(table.index for table in train.values()), labels.index], test_ids)
    fitted = clone(model).fit(train, labels)
    out_of_fold = outcome.rows(test_ids)
    if isinstance(outcome, ClassLabels):
        proba = _require_rows("predict_proba", fitted.predict_proba(test), test_ids)
        chances = _all_classes(proba, outcome)
        return ClassPredictions(test_ids, outcome.codes[out_of_fold], chances, outcome.classes)
    survival = _require_rows("predict_survival", fitted.predict_survival(test, times), test_ids)
    risk = _require_rows("predict_risk", fitted.predict_risk(test), test_ids)
    train_risk = _require_rows("predict_risk", fitted.predict_risk(train), train_ids)
    # Censoring is that of the whole fold, so that all models are weighed alike.
    trained = outcome.rows(fold.train_ids)
    return SurvivalPredictions(
        patient_ids=test_ids,
        time=outcome.time[out_of_fold],
        event=outcome.event[out_of_fold],
        risk=risk.to_numpy(np.float64),
        survival=_probabilities(survival),
        train_time=outcome.time[trained],
        train_event=outcome.event[trained],
        train_risk=train_risk.astype(np.float64),
    )


def _require_no_leak(fitted_on: "list[pd.Index[str]]", test_ids: Collection[str]) -> None:
    leaked = sorted(set(test_ids).intersection(*[set().union(*fitted_on)]))
    if leaked:
        msg = (
            f"{len(leaked)} test patients would have been fitted on (first: "
            f"{', '.join(leaked[:3])}). This is a defect of the evaluation: please report it."
        )
        raise AssertionError(msg)


def _require_rows(method: str, predicted: Any, patient_ids: Collection[str]) -> Any:
    """Return the rows of ``patient_ids`` of a Series or DataFrame, in their order."""
    missing = [patient for patient in patient_ids if patient not in predicted.index]
    if missing:
        msg = (
            f"{method}() was asked for {len(patient_ids)} patients and left out {len(missing)} "
            f"(first: {', '.join(missing[:3])}). It has to return a row for each, by patient_id."
        )
        raise IdMismatchError(msg)
    rows = predicted.loc[list(patient_ids)]
    wrong = ~np.isfinite(rows.to_numpy(np.float64)).reshape(len(rows), -1).all(axis=1)
    if wrong.any():
        msg = (
            f"{method}() returned NaN or infinity for {int(wrong.sum())} of {len(rows)} patients "
            f"(first: {', '.join(rows.index[wrong][:3])}). Nothing is left out to hide that."
        )
        raise NonFiniteError(msg)
    return rows


def _all_classes(proba: pd.DataFrame, outcome: ClassLabels) -> Floats:
    if set(proba.columns) != set(outcome.classes):
        msg = (
            f"predict_proba() has columns {list(proba.columns)[:5]}, and the classes are "
            f"{list(outcome.classes)[:5]}. It has to return one column per class, by name."
        )
        raise IdMismatchError(msg)
    chances = _probabilities(proba[list(outcome.classes)])
    total = chances.sum(axis=1, keepdims=True)
    if (np.abs(total - 1) > 1e-4).any():
        msg = f"predict_proba() has rows that sum to {total.min():g}, and each must sum to 1."
        raise SurvivalLabelError(msg)
    # A model may count in float32, whose sums are off by more than scikit-learn tolerates.
    scaled: Floats = chances / total
    return scaled


def _probabilities(table: pd.DataFrame) -> Floats:
    chances = table.to_numpy(np.float64)
    if (chances < -1e-6).any() or (chances > 1 + 1e-6).any():
        msg = (
            f"Predicted probabilities run from {chances.min():g} to {chances.max():g}, and must "
            "lie in [0, 1]."
        )
        raise SurvivalLabelError(msg)
    clipped: Floats = np.clip(chances, 0, 1)
    return clipped
