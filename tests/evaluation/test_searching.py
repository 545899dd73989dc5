"""Settings are chosen inside the training patients, and judged outside."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from msfusion_sdk import evaluate
from msfusion_sdk.errors import TableError
from msfusion_sdk.evaluation.searching import Searched, search

pytestmark = pytest.mark.slow

Y = pd.Series(np.resize(["a", "b"], 80), [f"P{n:02d}" for n in range(80)])
X = {"panel": pd.DataFrame({"x": np.arange(80.0)}, Y.index)}


class Knows(BaseEstimator):
    """Knows the class of every patient, and says it with some doubt."""

    def __init__(self, sure: float = 0.0) -> None:
        self.sure = sure

    def fit(self, X: Mapping[str, pd.DataFrame], y: "pd.Series[str]") -> Self:  # noqa: N803
        SEEN.append(frozenset(y.index))
        return self

    def predict_proba(self, X: Mapping[str, pd.DataFrame]) -> pd.DataFrame:  # noqa: N803
        ids = X["panel"].index
        noise = np.random.default_rng(0).normal(size=len(ids))
        chance = 1 / (1 + np.exp(-self.sure * (2 * (Y[ids] == "b") - 1) - noise))
        return pd.DataFrame({"a": 1 - chance, "b": chance}, ids)


SEEN: list[frozenset[str]] = []
GRID: Mapping[str, Sequence[Any]] = {"sure": [0.0, 3.0, 0.5]}


def test_the_setting_with_the_best_mean_is_chosen_and_fitted_on_everybody() -> None:
    SEEN.clear()
    model = Searched(Knows(), GRID, folds=4).fit(X, Y)
    assert model.best_ == {"sure": 3.0}
    assert model.model_.sure == 3.0
    assert SEEN[-1] == set(Y.index)
    assert model.scores_["value"].idxmax() == 1


def test_patients_of_outer_folds_choose_nothing() -> None:
    SEEN.clear()
    found = search(Knows(), X, Y, GRID, folds=4, inner_folds=3, bootstrap=0)
    tests = [set(fold.test_ids) for fold in found.evaluation.folds]
    # In each outer fold three settings in three inner ones, then the best; then the model itself.
    nested = SEEN[: 4 * (3 * 3 + 1) + 4]
    assert all(any(not seen & test for test in tests) for seen in nested)
    assert len(SEEN) == len(nested) + 3 * 3 + 1


def test_a_search_is_judged_beside_the_model_as_it_was_given() -> None:
    found = search(Knows(), X, Y, GRID, folds=4, inner_folds=3, bootstrap=0)
    area = found.evaluation.summary.query("metric == 'auroc'").set_index("model")["mean"]
    assert area["searched"] > area["as given"] + 0.2


def test_groups_stay_together_in_inner_folds_too() -> None:
    SEEN.clear()
    group = pd.Series(np.repeat(np.arange(20), 4), Y.index)
    evaluate(Searched(Knows(), GRID, folds=3, groups=group), X, Y, groups=group, bootstrap=0)
    assert all(len(seen) == 4 * len({group[patient] for patient in seen}) for seen in SEEN)


def test_an_empty_grid_is_refused_with_an_example() -> None:
    with pytest.raises(TableError, match=r"no setting.*fusion"):
        Searched(Knows(), {}).fit(X, Y)
