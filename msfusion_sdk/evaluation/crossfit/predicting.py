"""Fit on the training patients of a fold, predict its test patients, and nothing in between."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.crossfit.inputs import Tables, rows_of, with_values, without_blank
from msfusion_sdk.evaluation.crossfit.task import Task
from msfusion_sdk.evaluation.folds.checks import require_trainable
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.predictions import Predictions
from msfusion_sdk.phrases import first_few

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit_predict"]


def fit_predict(model: Any, tables: Tables, task: Task, fold: Fold, number: int) -> Predictions:
    """Fit a clone of ``model`` on the training patients; return its predictions for the others.

    Patients without a value in any of ``tables``, or without one that the model can use, are
    neither fitted nor predicted.

    Parameters
    ----------
    number : int
        Of the fold, for messages.

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
    require_trainable(number, train_ids, task.outcome)

    def fit(patient_ids: Sequence[str]) -> Any:
        train, labels = rows_of(tables, patient_ids), task.outcome.of(patient_ids).labels()
        # Asked of the very rows that are fitted on, not of the lists they were chosen by.
        _require_no_leak([*(table.index for table in train.values()), labels.index], test_ids)
        return clone(model).fit(train, labels)

    fitted, used = without_blank(fit, train_ids)
    train = rows_of(tables, used)

    def predict(patient_ids: Sequence[str]) -> Predictions:
        test = rows_of(tables, patient_ids)
        return task.predict(fitted, train, used, test, Fold(fold.train_ids, tuple(patient_ids)))

    return without_blank(predict, test_ids)[0]


def _require_no_leak(fitted_on: "list[pd.Index[str]]", test_ids: Collection[str]) -> None:
    leaked = sorted(set(test_ids).intersection(*[set().union(*fitted_on)]))
    if leaked:
        msg = (
            f"{len(leaked)} test patients would have been fitted on (first: "
            f"{first_few(leaked)}). This is a defect of the evaluation: please report it."
        )
        raise AssertionError(msg)
