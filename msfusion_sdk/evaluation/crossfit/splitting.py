"""Tables by name, split by patient: for loops of your own, where ``evaluate`` does too much."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone

from msfusion_sdk.errors import InputTypeError
from msfusion_sdk.evaluation.crossfit.inputs import Tables, read_tables, rows_of
from msfusion_sdk.evaluation.crossfit.model_check import require_model
from msfusion_sdk.evaluation.crossfit.tasks import TASKS
from msfusion_sdk.evaluation.folds.folds import Fold, make_folds, without
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.tables.issues import TableWarning

if TYPE_CHECKING:
    from msfusion_sdk.outcomes.outcome import Outcome

__all__ = ["Split", "cross_val_score", "split_tables"]


class Split(NamedTuple):
    """Tables and outcomes of the patients to fit on, and of those to judge."""

    X_train: dict[str, pd.DataFrame]
    y_train: "pd.DataFrame | pd.Series[Any]"
    X_test: dict[str, pd.DataFrame]
    y_test: "pd.DataFrame | pd.Series[Any]"


def split_tables(
    X: Tables,  # noqa: N803
    y: "pd.DataFrame | pd.Series[Any] | Outcome",
    *,
    folds: "int | pd.Series[Any] | Sequence[Fold]" = 5,
    groups: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    site: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    random_state: int = 0,
) -> Iterator[Split]:
    """Return the tables and outcomes of each fold in turn: every patient is judged once.

    Patients without a value in any table, or without an outcome, are in none.  A table that
    nobody on one side has is empty there.

    Parameters
    ----------
    X : mapping of table name to DataFrame indexed by patient_id
    y : DataFrame with ``time`` and ``event``, or Series of classes or numbers
        Indexed by patient_id.
    folds, groups, site, random_state
        As in :func:`~msfusion_sdk.evaluation.folds.folds.make_folds`.

    Raises
    ------
    InputTypeError, MissingModalityError, IdTypeError, DegenerateSplitError
        As :func:`~msfusion_sdk.evaluation.evaluate.evaluate` does.

    Warns
    -----
    TableWarning
        When patients are left out.

    Examples
    --------
    ``for part in split_tables(X, y): clone(model).fit(part.X_train, part.y_train)``
    """
    outcome = read_outcome(y)
    tables, patient_ids, notes = read_tables(X, outcome.patient_ids)
    for text in notes:
        warnings.warn(text, TableWarning, stacklevel=2)
    folds = without(folds, set(outcome.patient_ids).difference(patient_ids))
    known = outcome.of(patient_ids)
    made = make_folds(known, folds=folds, groups=groups, site=site, random_state=random_state)
    # Checked at once, cut when it is asked for: tables of all folds would be many copies.
    return (
        Split(
            rows_of(tables, fold.train_ids),
            known.of(fold.train_ids).labels(),
            rows_of(tables, fold.test_ids),
            known.of(fold.test_ids).labels(),
        )
        for fold in made
    )


def cross_val_score(
    model: Any,
    X: Tables,  # noqa: N803
    y: "pd.DataFrame | pd.Series[Any] | Outcome",
    *,
    folds: "int | pd.Series[Any] | Sequence[Fold]" = 5,
    groups: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    site: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    random_state: int = 0,
) -> "pd.Series[float]":
    """Return ``model.score`` on each fold, of a clone that was fitted on the others.

    scikit-learn's function of this name takes no dict of tables.  For intervals, baselines and
    more metrics use :func:`~msfusion_sdk.evaluation.evaluate.evaluate`.

    Parameters
    ----------
    model : estimator
        With ``fit(X, y)`` and ``score(X, y)``: concordance of ours for survival, accuracy for
        classes, R² for numbers.
    X, y, folds, groups, site, random_state
        As in :func:`split_tables`.

    Returns
    -------
    Series of float, by fold

    Raises
    ------
    InputTypeError
        When the model is none of tables, or has no ``score``.
    """
    outcome = read_outcome(y)
    require_model("model", model, TASKS[outcome.kind], outcome)
    if not callable(getattr(model, "score", None)):
        msg = f"'model' ({type(model).__name__}) has no score(). Use evaluate(), or give it one."
        raise InputTypeError(msg)
    scores = [
        float(clone(model).fit(part.X_train, part.y_train).score(part.X_test, part.y_test))
        for part in split_tables(
            X, outcome, folds=folds, groups=groups, site=site, random_state=random_state
        )
    ]
    return pd.Series(scores, pd.RangeIndex(len(scores), name="fold"), np.float64, name="score")
