"""What is no model of tables is refused before anything is fitted, with what to give instead."""

from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from msfusion_sdk import FusionClassifier, FusionSurvival, evaluate
from msfusion_sdk.errors import IdTypeError, InputTypeError
from msfusion_sdk.evaluation import search

QUICK = {"baselines": False, "bootstrap": 0, "folds": 2, "progress": False}


class NoParameters:
    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        raise NotImplementedError


class WithoutIds(BaseEstimator):
    """Answers with an array, as estimators of arrays do."""

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return np.full((len(X["clinical"]), 2), 0.5)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (None, "'model' is None.*Give FusionClassifier"),
        ("models/m", r"FusionClassifier\.load\('models/m'\)"),
        (3, "'model' is an int"),
        ([FusionClassifier()], "'model' is a list of 1.*several by name"),
        (FusionClassifier, r"'model' is the class FusionClassifier.*FusionClassifier\(\)"),
        (LogisticRegression(), r"LogisticRegression of sklearn.*Give FusionClassifier\(\)"),
        (make_pipeline(LogisticRegression()), "Pipeline of sklearn"),
        (FusionSurvival(), r"y holds classes, and 'model' \(FusionSurvival\) has no predict_proba"),
        (NoParameters(), r"has no get_params\(\).*BaseEstimator"),
    ],
)
def test_what_is_no_model_is_refused_with_what_to_give(cohort: Any, model: Any, said: str) -> None:
    with pytest.raises(InputTypeError, match=said):
        evaluate(model, cohort.X, cohort.classes)
    with pytest.raises(TypeError, match=said):
        search(model, cohort.X, cohort.classes, {"random_state": [0, 1]})


def test_arguments_in_another_order_are_seen(cohort: Any) -> None:
    with pytest.raises(InputTypeError, match=r"The order is evaluate\(model, X, y\)"):
        evaluate(cohort.X, FusionSurvival(), cohort.y)
    with pytest.raises(TypeError, match=r"order is evaluate"):
        evaluate(cohort.X["clinical"], FusionSurvival(), cohort.y)


def test_predictions_without_ids_are_refused(cohort: Any) -> None:
    with pytest.raises(InputTypeError, match=r"predict_proba\(\) returned an array of shape"):
        evaluate(WithoutIds(), cohort.X, cohort.classes, **QUICK)


def test_a_fitted_model_may_be_frozen(cohort: Any) -> None:
    tables = {"clinical": cohort.X["clinical"]}
    frozen = FrozenEstimator(FusionClassifier().fit(tables, cohort.classes))
    found = evaluate(frozen, tables, cohort.classes, **QUICK)
    assert len(found.predictions) == 200


@pytest.mark.parametrize("folds", ["5", object(), [1, 2]])
def test_folds_of_another_kind_are_refused(cohort: Any, folds: Any) -> None:
    with pytest.raises(InputTypeError, match=r"folds is .*Fold\(train_ids, test_ids\)"):
        evaluate(FusionSurvival(), cohort.X, cohort.y, folds=folds)


def test_groups_without_ids_are_refused(cohort: Any) -> None:
    with pytest.raises(IdTypeError, match=r"group is a list of 200.*pd\.Series\(groups"):
        evaluate(FusionSurvival(), cohort.X, cohort.y, groups=[0] * 200)


@pytest.mark.parametrize("given", [pd.DataFrame({"a": [1.0]}), [], "x.csv"])
def test_tables_are_refused_alike_by_evaluate_and_search(cohort: Any, given: Any) -> None:
    with pytest.raises(InputTypeError, match="X is "):
        evaluate(FusionSurvival(), given, cohort.y)
    with pytest.raises(InputTypeError, match="X is "):
        search(FusionSurvival(), given, cohort.y, {"fusion": ["concat", "stacking"]})
