"""Fits see training patients only, and predictions that cannot be used are refused by name."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from msfusion_sdk.errors import (
    DegenerateSplitError,
    IdMismatchError,
    NonFiniteError,
    SurvivalLabelError,
)
from msfusion_sdk.evaluation.crossfit.inputs import Tables, read_tables
from msfusion_sdk.evaluation.crossfit.model_check import require_model
from msfusion_sdk.evaluation.crossfit.predicting import fit_predict
from msfusion_sdk.evaluation.crossfit.task import Task
from msfusion_sdk.evaluation.crossfit.tasks import ClassTask, SurvivalTask
from msfusion_sdk.evaluation.folds.folds import Fold, make_folds
from msfusion_sdk.outcomes.reading import read_outcome

Parts = tuple[Tables, Task, Fold]
seen: list[set[str]] = []


class Recorder(BaseEstimator):
    """Remembers whom it was fitted on; predicts 0 and a half, or what ``spoil`` makes of it."""

    def __init__(self, spoil: Callable[[Any], Any] = lambda predicted: predicted) -> None:
        self.spoil = spoil

    def fit(self, tables: Mapping[str, pd.DataFrame], y: pd.DataFrame) -> Self:
        seen.append(set(y.index).union(*(set(table.index) for table in tables.values())))
        return self

    def predict_risk(self, tables: Mapping[str, pd.DataFrame]) -> pd.Series:
        ids = sorted(set().union(*(table.index for table in tables.values())))
        return self.spoil(pd.Series(0.0, ids))

    def predict_survival(self, tables: Mapping[str, pd.DataFrame], times: np.ndarray) -> Any:
        return pd.DataFrame(0.5, self.predict_risk(tables).index, times)


class Classifier(Recorder):
    def predict_proba(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        chances = pd.DataFrame(0.5, next(iter(tables.values())).index, ["normal", "tumour"])
        return self.spoil(chances)


@pytest.fixture(scope="module")
def parts(cohort: Any) -> Parts:
    outcome = read_outcome(cohort.y)
    folds = make_folds(outcome)
    tables = read_tables(cohort.X, outcome.patient_ids)[0]
    return tables, SurvivalTask.of(outcome, folds, None), folds[0]


@pytest.fixture(scope="module")
def class_parts(cohort: Any) -> Parts:
    outcome = read_outcome(cohort.classes)
    tables = read_tables({"clinical": cohort.X["clinical"]}, outcome.patient_ids)[0]
    folds = make_folds(outcome)
    return tables, ClassTask.of(outcome, folds, None), folds[0]


def test_no_test_patient_reaches_fit(parts: Parts) -> None:
    seen.clear()
    out_of_fold = fit_predict(Recorder(), *parts, 0)
    assert seen == [set(parts[2].train_ids)]
    assert out_of_fold.patient_ids == parts[2].test_ids


def test_a_fold_that_would_leak_stops_before_fit(parts: Parts) -> None:
    tables, task, fold = parts
    seen.clear()
    leaking = Fold(fold.train_ids, (*fold.test_ids, fold.train_ids[0]))
    with pytest.raises(AssertionError, match=fold.train_ids[0]):
        fit_predict(Recorder(), tables, task, leaking, 0)
    assert seen == []


def test_the_model_that_was_given_is_not_fitted(parts: Parts, ridge_cox: Any) -> None:
    model = ridge_cox()
    fit_predict(model, *parts, 0)
    assert not hasattr(model, "cox_")


def test_patients_without_the_table_are_neither_fitted_nor_judged(
    parts: Parts,
) -> None:
    tables, task, fold = parts
    seen.clear()
    out_of_fold = fit_predict(Recorder(), {"rna": tables["rna"]}, task, fold, 0)
    have = set(tables["rna"].index)
    assert set(out_of_fold.patient_ids) == have & set(fold.test_ids)
    assert seen == [have & set(fold.train_ids)]


def test_censoring_is_that_of_all_training_patients(parts: Parts) -> None:
    tables, task, fold = parts
    out_of_fold = fit_predict(Recorder(), {"rna": tables["rna"]}, task, fold, 0)
    assert len(out_of_fold.train.time) == len(fold.train_ids)  # type: ignore[attr-defined]


def test_a_fold_in_which_nobody_has_the_table_is_refused(
    parts: Parts,
) -> None:
    tables, task, fold = parts
    rest = {"rna": tables["rna"].drop(list(fold.test_ids), errors="ignore")}
    with pytest.raises(DegenerateSplitError, match="No test patient of fold 0 has a value in rna"):
        fit_predict(Recorder(), rest, task, fold, 0)


def test_a_patient_left_out_by_the_model_is_named(parts: Parts) -> None:
    with pytest.raises(IdMismatchError, match=f"left out 1 .first: .{parts[2].test_ids[0]}"):
        fit_predict(Recorder(lambda risk: risk.iloc[1:]), *parts, 0)


def test_a_risk_that_is_no_number_is_named(parts: Parts) -> None:
    with pytest.raises(NonFiniteError, match=r"predict_risk\(\) returned NaN or infinity for 1 of"):
        fit_predict(Recorder(lambda r: r.where(r.index != r.index[0])), *parts, 0)


def test_columns_of_other_classes_are_refused(class_parts: Parts) -> None:
    with pytest.raises(IdMismatchError, match="one column per class"):
        fit_predict(Classifier(lambda p: p.set_axis([0, 1], axis=1)), *class_parts, 0)


def test_columns_may_come_in_any_order(class_parts: Parts) -> None:
    def tilted(chances: pd.DataFrame) -> pd.DataFrame:
        return chances.assign(tumour=0.9, normal=0.1)[["tumour", "normal"]]

    out_of_fold = fit_predict(Classifier(tilted), *class_parts, 0)
    assert set(out_of_fold.proba[:, 1]) == {0.9}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("factor", "message"), [(0.9, "sum to 0.9"), (3, r"lie in \[0, 1\]")])
def test_what_is_no_probability_is_refused(factor: float, message: str, class_parts: Parts) -> None:
    with pytest.raises(SurvivalLabelError, match=message):
        fit_predict(Classifier(lambda p: p * factor), *class_parts, 0)


def test_a_classifier_is_no_model_of_survival(logistic: Any, cohort: Any) -> None:
    with pytest.raises(TypeError, match=r"'m' \(Logistic\) has no predict_risk\(\)"):
        require_model("m", logistic(), SurvivalTask, read_outcome(cohort.y))
