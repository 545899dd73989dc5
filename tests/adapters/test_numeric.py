"""Components agree with scikit-learn, and stop at the rank."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from msfusion_adapters.numeric import learn_components, learn_standard, numbers, varies
from msfusion_sdk.errors import NonFiniteError, TableError


@pytest.mark.parametrize("shape", [(30, 200), (200, 30), (40, 40)])
def test_components_are_those_of_scikit_learn(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).normal(size=shape) @ np.diag(np.linspace(1, 3, shape[1]))
    values -= values.mean(axis=0)
    found = learn_components(values, 8)
    expected = PCA(8, svd_solver="full").fit(values)
    np.testing.assert_allclose(found.deviation**2, expected.explained_variance_, rtol=1e-9)
    angles = np.abs((found.loadings * expected.components_).sum(axis=1))
    np.testing.assert_allclose(angles, 1, rtol=1e-9)


def test_the_largest_loading_is_positive() -> None:
    values = np.random.default_rng(0).normal(size=(20, 7))
    loadings = learn_components(values - values.mean(axis=0), 7).loadings
    assert (loadings.max(axis=1) == np.abs(loadings).max(axis=1)).all()


@pytest.mark.parametrize(("patients", "columns"), [(50, 9), (9, 50)])
def test_components_stop_at_the_rank(patients: int, columns: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(patients, 3)) @ rng.normal(size=(3, columns))
    assert len(learn_components(values - values.mean(axis=0), 9).deviation) == 3


def test_standardising_is_that_of_scikit_learn() -> None:
    values = np.random.default_rng(0).gamma(1, 5, (20, 3))
    found = learn_standard(values, np.arange(3))
    expected = StandardScaler().fit(values)
    np.testing.assert_allclose(found.mean, expected.mean_)
    np.testing.assert_allclose(found.scale, expected.scale_)


def test_a_constant_that_cannot_be_written_in_binary_does_not_vary() -> None:
    values = np.column_stack([np.full(9, 0.1) * 3 / 3, np.full(9, np.nan), np.arange(9.0)])
    values[0, 0] += 1e-17
    assert varies(values).tolist() == [False, False, True]


def test_truth_values_with_a_gap_are_numbers() -> None:
    found = numbers(pd.DataFrame({"x": [True, None, False]}, ["a", "b", "c"]), "it")
    np.testing.assert_array_equal(found[:, 0], [1, np.nan, 0])


@pytest.mark.parametrize("column", [["1", "2"], pd.to_datetime(["2020-01-01", "2021-01-01"])])
def test_text_and_dates_are_not_numbers(column: object) -> None:
    with pytest.raises(TableError, match=r"'x'.*'clinical'"):
        numbers(pd.DataFrame({"x": column}, ["a", "b"]), "it")


def test_infinity_is_named_with_its_patient() -> None:
    with pytest.raises(NonFiniteError, match=r"'x' for 1 of 2 patients \(first: b\)"):
        numbers(pd.DataFrame({"x": [1, np.inf]}, ["a", "b"]), "it")
