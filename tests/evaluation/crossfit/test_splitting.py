"""Folds of tables by name hold each patient once, and scores are those of scikit-learn."""

from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit
from sklearn.model_selection import cross_val_score as of_sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from msfusion_sdk import FusionSurvival
from msfusion_sdk.errors import DegenerateSplitError, InputTypeError
from msfusion_sdk.evaluation import cross_val_score, make_folds, search, split_tables
from msfusion_sdk.tables import TableWarning

pytestmark = pytest.mark.slow


def test_every_patient_is_judged_once_and_never_trained_on_there(cohort: Any) -> None:
    seen: list[str] = []
    for part in split_tables(cohort.X, cohort.y, folds=4):
        train, test = set(part.y_train.index), set(part.y_test.index)
        assert not train & test
        assert train | test == set(cohort.y.index)
        assert all(set(table.index) <= train for table in part.X_train.values())
        assert all(set(table.index) <= test for table in part.X_test.values())
        seen += test
    assert sorted(seen) == sorted(cohort.y.index)


def test_rows_and_outcomes_are_those_that_were_given(cohort: Any) -> None:
    y = cohort.y.copy()
    y.attrs["unit"] = "months"
    part = next(iter(split_tables(cohort.X, y)))
    expected = cohort.X["rna"].loc[part.X_test["rna"].index]
    pd.testing.assert_frame_equal(part.X_test["rna"], expected)
    pd.testing.assert_frame_equal(part.y_train, y.loc[part.y_train.index])
    assert part.y_train.attrs == {"unit": "months"}


def test_folds_are_those_of_make_folds_and_keep_groups(cohort: Any) -> None:
    groups = pd.Series(np.arange(200) // 4, sorted(cohort.y.index))
    made = make_folds(cohort.y, folds=3, groups=groups, random_state=7)
    parts = split_tables(cohort.X, cohort.y, folds=3, groups=groups, random_state=7)
    assert [tuple(part.y_test.index) for part in parts] == [fold.test_ids for fold in made]


def test_patients_without_a_value_are_left_out_and_told_of(cohort: Any) -> None:
    tables = {"rna": cohort.X["rna"]}
    with pytest.warns(TableWarning, match="20 of 200 patients have no value"):
        parts = list(split_tables(tables, cohort.y))
    assert sum(len(part.y_test) for part in parts) == 180


def test_what_cannot_be_split_is_refused_before_the_first_fold(cohort: Any) -> None:
    with pytest.raises(InputTypeError, match="X is a DataFrame"):
        split_tables(cohort.X["rna"], cohort.y)
    with pytest.raises(DegenerateSplitError):
        split_tables(cohort.X, cohort.y, folds=1)


class OfOneTable(BaseEstimator):
    """A pipeline of scikit-learn, around which tables by name are unpacked."""

    def fit(self, tables: dict[str, pd.DataFrame], y: "pd.Series[str]") -> Self:
        self.pipeline_ = make_pipeline(StandardScaler(), LogisticRegression())
        self.pipeline_.fit(tables["clinical"].loc[y.index], y)
        return self

    def predict_proba(self, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
        raise NotImplementedError

    def score(self, tables: dict[str, pd.DataFrame], y: "pd.Series[str]") -> float:
        return float(self.pipeline_.score(tables["clinical"].loc[y.index], y))


def test_scores_are_those_of_scikit_learn_on_the_same_folds(cohort: Any) -> None:
    table, y = cohort.X["clinical"], cohort.classes
    fold = pd.Series(np.arange(200) % 5, sorted(y.index))
    found = cross_val_score(OfOneTable(), {"clinical": table}, y, folds=fold)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    same = PredefinedSplit(fold[table.index])
    expected = of_sklearn(pipeline, table, y.loc[table.index], cv=same)
    assert found.tolist() == expected.tolist()
    assert found.index.name == "fold"


def test_ours_are_scored_by_concordance(cohort: Any) -> None:
    found = cross_val_score(FusionSurvival(), cohort.X, cohort.y, folds=3)
    assert len(found) == 3
    assert (found > 0.7).all()


def test_a_model_without_score_is_refused(cohort: Any, ridge_cox: Any) -> None:
    with pytest.raises(InputTypeError, match=r"'model' \(RidgeCox\) has no score\(\)"):
        cross_val_score(ridge_cox(), cohort.X, cohort.y)


def test_a_searched_model_predicts_and_scores_as_the_chosen_one(cohort: Any) -> None:
    grid = {"random_state": [0, 1]}
    tables = {"clinical": cohort.X["clinical"]}
    options = {"folds": 2, "inner_folds": 2, "bootstrap": 0, "progress": False}
    model = search(FusionSurvival(), tables, cohort.y, grid, **options).model
    assert model.score(tables, cohort.y) == model.model_.score(tables, cohort.y)
    pd.testing.assert_series_equal(model.predict(tables), model.model_.predict(tables))
