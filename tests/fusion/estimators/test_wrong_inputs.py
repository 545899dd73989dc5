"""Every method that takes tables refuses what is none in the same sentence."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk import FusionClassifier, FusionRegressor, FusionSurvival
from msfusion_sdk.errors import InputTypeError, MissingModalityError, ShapeError, TableError

from ..conftest import Made

pytestmark = pytest.mark.slow

METHODS: dict[type[Any], list[Callable[[Any, Any], Any]]] = {
    FusionSurvival: [
        lambda model, tables: model.predict_risk(tables),
        lambda model, tables: model.predict_survival(tables, [1.0]),
        lambda model, tables: model.modality_contributions(tables),
    ],
    FusionClassifier: [
        lambda model, tables: model.predict_proba(tables),
        lambda model, tables: model.predict(tables),
    ],
    FusionRegressor: [lambda model, tables: model.predict(tables)],
}


@pytest.fixture(scope="module")
def made(make_patients: Callable[..., Made]) -> Made:
    return make_patients(40)


def outcome_for(kind: type[Any], made: Made) -> Any:
    if kind is FusionRegressor:
        return made.tables["panel"]["a"]
    return made.survival if kind is FusionSurvival else made.classes


@pytest.mark.parametrize("kind", METHODS)
def test_fit_and_predict_refuse_a_bare_table_and_name_one_of_training(
    kind: type[Any], made: Made
) -> None:
    table, y = made.tables["genes"], outcome_for(kind, made)
    with pytest.raises(InputTypeError, match=r"X is a DataFrame of shape \(40, 5\)"):
        kind().fit(table, y)
    model = kind().fit({"genes": table}, y)
    for predict in METHODS[kind]:
        with pytest.raises(InputTypeError, match=r'Give it a name: X = \{"genes": X\}'):
            predict(model, table)
        with pytest.raises(MissingModalityError, match=r"of training \(genes\)"):
            predict(model, {})


def test_no_table_at_fit_is_refused(made: Made) -> None:
    with pytest.raises(MissingModalityError, match="X holds no table"):
        FusionSurvival().fit({}, made.survival)


def test_an_outcome_of_another_kind_names_the_estimator_for_it(made: Made) -> None:
    with pytest.raises(TableError, match="Use FusionClassifier, or give a DataFrame with 'time'"):
        FusionSurvival().fit(made.tables, made.classes)
    with pytest.raises(TableError, match="Use FusionRegressor"):
        FusionSurvival().fit(made.tables, made.survival["time"])
    with pytest.raises(TableError, match="Use FusionSurvival, or give a Series of numbers"):
        FusionRegressor().fit(made.tables, made.survival)


def test_one_time_may_be_a_plain_number(made: Made) -> None:
    model = FusionSurvival().fit(made.tables, made.survival)
    one, listed = (model.predict_survival(made.tables, t) for t in (0.5, [0.5]))
    pd.testing.assert_frame_equal(one, listed)
    with pytest.raises(ShapeError, match="times must be finite"):
        model.predict_survival(made.tables, [[0.5], [1.0]])


def test_recalibration_names_patients_who_are_in_no_table(made: Made) -> None:
    model = FusionSurvival().fit(made.tables, made.survival)
    fewer = {name: table.drop("P003") for name, table in made.tables.items()}
    with pytest.raises(MissingModalityError, match=r"1 of 40 patients of y are in no .*'P003'"):
        model.recalibrated(fewer, made.survival)
