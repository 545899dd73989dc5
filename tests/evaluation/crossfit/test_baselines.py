"""Baselines: what each one uses, and that permutation deals rows out within a side."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from msfusion_sdk.bags import bag_table
from msfusion_sdk.evaluation.crossfit.baselines import make_baselines, narrowed
from msfusion_sdk.evaluation.folds.folds import make_folds
from msfusion_sdk.evaluation.metrics.predictions import ClassPredictions, SurvivalPredictions
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome


def _survival(ids: str, risk: list[float], train_risk: list[float]) -> SurvivalPredictions:
    return SurvivalPredictions(
        _outcome(ids),
        risk=np.array(risk),
        survival=np.array(risk)[:, None] / 10,
        train=_outcome("b"),
        train_risk=pd.Series(train_risk, list("wxyz")[: len(train_risk)]),
    )


def _outcome(ids: str) -> SurvivalOutcome:
    time, event = [float(ord(i)) for i in ids], [i == "b" for i in ids]
    return SurvivalOutcome(tuple(ids), np.array(time), np.array(event))


def test_three_tables_give_each_alone_without_and_permuted(cohort: Any) -> None:
    names = [baseline.name for baseline in make_baselines(cohort.X, 0)]
    assert names == [
        *("clinical alone", "rna alone", "noise alone"),
        *("without clinical", "without rna", "without noise"),
        *("clinical permuted", "rna permuted", "noise permuted"),
    ]


def test_of_two_tables_one_alone_is_the_other_one_left_out(cohort: Any) -> None:
    two = {name: cohort.X[name] for name in ("clinical", "rna")}
    dropped = {b.name: b.dropped for b in make_baselines(two, 0) if b.dropped}
    assert dropped == {"clinical alone": "rna", "rna alone": "clinical"}


def test_one_table_is_only_permuted(cohort: Any) -> None:
    baselines = make_baselines({"rna": cohort.X["rna"]}, 0)
    assert [baseline.name for baseline in baselines] == ["rna permuted"]


def test_permutation_keeps_rows_on_their_side_and_gaps_in_place(cohort: Any) -> None:
    table = cohort.X["rna"].copy()
    table.iloc[:5] = np.nan
    fold = make_folds(read_outcome(cohort.y))[0]
    baseline = make_baselines({"rna": table}, 0)[-1]
    permuted = baseline.tables(fold, 0)["rna"]
    assert list(permuted.index) == list(table.index)
    assert permuted.isna().all(axis=1).equals(table.isna().all(axis=1))
    for side in (fold.train_ids, fold.test_ids):
        rows = table.index.isin(side)
        assert sorted(permuted["a"][rows].dropna()) == sorted(table["a"][rows].dropna())
        assert not permuted["a"][rows].equals(table["a"][rows])


def test_permutation_does_not_depend_on_the_order_of_the_tables(cohort: Any) -> None:
    fold = make_folds(read_outcome(cohort.y))[0]
    turned = dict(reversed(cohort.X.items()))
    one, other = (
        next(b for b in make_baselines(tables, 0) if b.name == "rna permuted").tables(fold, 0)
        for tables in (cohort.X, turned)
    )
    pd.testing.assert_frame_equal(one["rna"], other["rna"])


def test_the_late_average_counted_by_hand() -> None:
    # Training risks 1, 3 have mean 2 and deviation 1; 0, 4 have mean 2 and deviation 2.
    one = _survival("ab", [4.0, 2.0], [1.0, 3.0])
    other = _survival("bc", [6.0, 0.0], [0.0, 4.0])
    average = SurvivalPredictions.average([one, other], _outcome("abc"))
    assert average.patient_ids == ("a", "b", "c")
    assert average.risk.tolist() == [2.0, (0.0 + 2.0) / 2, -1.0]
    assert average.survival[:, 0].tolist() == pytest.approx([0.4, (0.2 + 0.6) / 2, 0.0])
    assert average.outcome.time.tolist() == [97, 98, 99]
    assert average.outcome.event.tolist() == [False, True, False]
    assert average.train_risk.tolist() == [-1.0, 1.0]


def test_a_model_that_calls_all_alike_has_no_say_in_the_average() -> None:
    flat = _survival("ab", [5.0, 5.0], [5.0, 5.0])
    other = _survival("ab", [4.0, 2.0], [1.0, 3.0])
    average = SurvivalPredictions.average([flat, other], _outcome("ab"))
    assert average.risk.tolist() == [1.0, 0.0]


def test_probabilities_are_averaged_over_the_tables_a_patient_has() -> None:
    both = ClassOutcome(("a", "b"), np.array([1, 0]), (0, 1))
    one = ClassPredictions(both.of(["a"]), np.array([[0.2, 0.8]]))
    other = ClassPredictions(both, np.array([[0.4, 0.6], [1, 0]]))
    average = ClassPredictions.average([one, other], both)
    assert average.proba.tolist() == [pytest.approx([0.3, 0.7]), [1, 0]]
    assert average.outcome.codes.tolist() == [1, 0]


def test_a_model_is_given_only_the_adapters_of_its_tables() -> None:
    class Adapted(BaseEstimator):
        def __init__(self, adapters: dict[str, str] | None = None) -> None:
            self.adapters = adapters

    model = Adapted({"rna": "genomics", "panel": "table"})
    assert narrowed(model, {"rna": pd.DataFrame()}).adapters == {"rna": "genomics"}
    assert model.adapters == {"rna": "genomics", "panel": "table"}
    assert narrowed(Adapted(), {"rna": pd.DataFrame()}).adapters is None


def test_bags_are_also_pooled_by_their_plain_mean(cohort: Any) -> None:
    rng = np.random.default_rng(0)
    bags = {patient: rng.normal(size=(3, 4)) for patient in cohort.X["rna"].index}
    tables = {"patches": bag_table(bags), "rna": cohort.X["rna"]}
    chosen = make_baselines(tables, 0, takes_adapters=True)
    pooled = next(baseline for baseline in chosen if baseline.name == "patches by mean")
    fold = make_folds(read_outcome(cohort.y))[0]
    found = pooled.tables(fold, 0)["patches"]
    expected = np.stack([bag.mean(0) for bag in bags.values()])
    np.testing.assert_allclose(found.to_numpy(), expected, rtol=1e-6)
    assert pooled.adapters == {"patches": "slide"}


def test_a_model_that_takes_no_adapters_is_not_compared_with_the_mean(cohort: Any) -> None:
    tables = {"patches": bag_table({p: np.ones((2, 3)) for p in cohort.X["rna"].index})}
    assert [one.name for one in make_baselines(tables, 0)] == ["patches permuted"]


def test_an_adapter_takes_the_place_of_the_models(cohort: Any) -> None:
    class Adapted(BaseEstimator):
        def __init__(self, adapters: Any = None) -> None:
            self.adapters = adapters

    model = Adapted({"patches": "patches", "rna": "genomics"})
    table = {"patches": pd.DataFrame(), "rna": pd.DataFrame()}
    assert narrowed(model, table, {"patches": "slide"}).adapters == {
        "patches": "slide",
        "rna": "genomics",
    }
