"""``predict`` and ``score`` keep scikit-learn's contract, patients matched by their ids."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index
from sklearn.metrics import accuracy_score, r2_score

from msfusion_sdk import FusionClassifier, FusionRegressor, FusionSurvival
from msfusion_sdk.errors import DegenerateSplitError, MissingModalityError, TableError

from ..conftest import Made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(make_patients: Callable[..., Made]) -> tuple[Made, Made]:
    return make_patients(60), make_patients(40, seed=1)


def numbers(made: Made) -> "pd.Series[float]":
    return made.tables["images"]["ab"] + made.tables["panel"]["noise"]


def shuffled(table: Any) -> Any:
    return table.sample(frac=1, random_state=3)


def test_survival_predicts_its_risk_and_scores_its_concordance(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionSurvival().fit(train.tables, train.survival)
    risk, y = model.predict(new.tables), new.survival
    pd.testing.assert_series_equal(risk, model.predict_risk(new.tables))
    expected = concordance_index(y["time"], -risk.loc[y.index], y["event"])
    assert model.score(new.tables, y) == pytest.approx(expected)
    assert model.score(new.tables, shuffled(y)) == pytest.approx(expected)


def test_classes_score_their_accuracy_whatever_the_order(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionClassifier().fit(train.tables, train.classes)
    said = model.predict(new.tables)
    expected = accuracy_score(new.classes, said.loc[new.classes.index])
    assert 0.5 < expected < 1
    assert model.score(new.tables, new.classes) == expected
    assert model.score(new.tables, shuffled(new.classes)) == expected


def test_numbers_score_r2_whatever_the_order(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionRegressor().fit(train.tables, numbers(train))
    truth = numbers(new)
    expected = r2_score(truth, model.predict(new.tables).loc[truth.index])
    assert model.score(new.tables, truth) == pytest.approx(expected)
    assert model.score(new.tables, shuffled(truth)) == pytest.approx(expected)


def test_only_patients_with_an_outcome_are_judged(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionClassifier().fit(train.tables, train.classes)
    few = new.classes.iloc[:7]
    right = model.predict(new.tables).loc[few.index] == few
    assert model.score(new.tables, few) == right.mean()


def test_one_class_is_enough_to_be_judged(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionClassifier().fit(train.tables, train.classes)
    only = new.classes[new.classes == "luad"]
    right = model.predict(new.tables).loc[only.index] == "luad"
    assert model.score(new.tables, only) == right.mean()


def test_classes_written_in_another_way_are_refused_and_not_wrong(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionClassifier().fit(train.tables, (train.classes == "luad").astype(int))
    with pytest.raises(TableError, match=r"does not know: '\d'.*known: 0, 1"):
        model.score(new.tables, (new.classes == "luad").astype(int).astype(str))
    with pytest.raises(DegenerateSplitError, match="holds no patient"):
        model.score(new.tables, new.classes[:0])


def test_a_patient_without_a_row_is_named(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionSurvival().fit(train.tables, train.survival)
    stranger = pd.concat([new.survival, new.survival.iloc[:1].rename(lambda _: "X1")])
    with pytest.raises(MissingModalityError, match=r"1 of 41 patients of y are in no.*'X1'"):
        model.score(new.tables, stranger)


def test_a_structured_array_belongs_to_the_rows_of_the_tables(parts: tuple[Made, Made]) -> None:
    train, new = parts
    model = FusionSurvival().fit(train.tables, train.survival)
    rows = np.asarray(new.survival.loc[new.tables["panel"].index].to_records(index=False))
    assert model.score(new.tables, rows) == model.score(new.tables, new.survival)
