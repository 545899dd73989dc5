"""Numbers from several tables, against scikit-learn and against what was planted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_regressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from msfusion_sdk.errors import TableError
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.estimators.regressor import FusionRegressor
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES

pytestmark = pytest.mark.slow


def made(patients: int, seed: int = 0) -> tuple[dict[str, pd.DataFrame], "pd.Series[float]"]:
    """Two tables, the number being 100 + 10 of a column of each, plus noise; some lack one."""
    rng = np.random.default_rng(seed)
    ids = [f"P{number:03d}" for number in range(patients)]
    left, right = rng.normal(size=(2, patients, 3))
    numbers = 100 + 10 * (left[:, 0] + right[:, 0] + 0.5 * rng.normal(size=patients))
    names = list("abc")
    tables = {"left": pd.DataFrame(left, ids, names), "right": pd.DataFrame(right, ids, names)}
    return tables | {"right": tables["right"].iloc[: patients * 4 // 5]}, pd.Series(numbers, ids)


@pytest.mark.parametrize("fusion", STRATEGIES)
def test_new_patients_get_numbers_near_their_own(fusion: Any) -> None:
    tables, numbers = made(160)
    new, truth = made(160, seed=1)
    model = FusionRegressor(fusion=fusion).fit(tables, numbers)
    found = model.predict(new)
    assert r2_score(truth[found.index], found) > 0.5


def test_where_patients_are_many_it_is_the_least_squares_of_scikit_learn() -> None:
    tables, numbers = made(4000)
    left = tables["left"]
    expected = LinearRegression().fit(left, numbers).predict(left)
    found = FusionRegressor().fit({"left": left}, numbers).predict({"left": left})
    # Coefficients of noise, of which least squares keeps a standard error of 0.18, are shrunk.
    assert found.to_numpy() == pytest.approx(expected, abs=0.75)


def test_a_unit_of_the_number_changes_nothing_but_the_unit() -> None:
    tables, numbers = made(80)
    first = FusionRegressor(fusion="stacking").fit(tables, numbers).predict(tables)
    other = FusionRegressor(fusion="stacking").fit(tables, numbers / 1000 - 3).predict(tables)
    assert other.to_numpy() == pytest.approx(first.to_numpy() / 1000 - 3, rel=1e-6)


def test_contributions_of_a_linear_model_sum_to_the_distance_from_a_mean_patient() -> None:
    tables, numbers = made(90)
    both = {name: table.iloc[:72] for name, table in tables.items()}
    model = FusionRegressor().fit(both, numbers.iloc[:72])
    added = model.modality_contributions(both).sum(axis=1)
    assert added.to_numpy() == pytest.approx((model.predict(both) - model.centre_).to_numpy())


def test_what_was_saved_predicts_the_same(tmp_path: Path) -> None:
    tables, numbers = made(40)
    model = FusionRegressor(fusion="average").fit(tables, numbers)
    model.save(tmp_path / "model")
    again = FusionRegressor.load(tmp_path / "model").predict(tables)
    pd.testing.assert_series_equal(again, model.predict(tables))


def test_whole_numbers_are_numbers_to_whoever_fits_them() -> None:
    tables, numbers = made(60)
    found = FusionRegressor().fit(tables, numbers.round().astype(int)).predict(tables)
    assert r2_score(numbers[found.index], found) > 0.5


def test_each_estimator_names_the_one_for_the_outcome_it_was_given() -> None:
    tables, numbers = made(20)
    with pytest.raises(TableError, match="FusionRegressor"):
        FusionClassifier().fit(tables, numbers)
    with pytest.raises(TableError, match="FusionRegressor"):
        FusionSurvival().fit(tables, numbers)
    with pytest.raises(TableError, match="FusionClassifier"):
        FusionRegressor().fit(tables, numbers.astype(str))


def test_scikit_learn_takes_it_for_a_regressor() -> None:
    assert is_regressor(FusionRegressor())


def test_recalibration_moves_numbers_to_where_new_patients_have_them() -> None:
    tables, numbers = made(200)
    new, truth = made(200, seed=1)
    elsewhere = 0.5 * truth + 30
    before = FusionRegressor().fit(tables, numbers)
    after = before.recalibrated(new, elsewhere)
    line = LinearRegression().fit(
        before.predict(new).to_frame(), elsewhere[before.predict(new).index]
    )
    expected = line.predict(before.predict(tables).to_frame())
    assert after.predict(tables).to_numpy() == pytest.approx(expected)
