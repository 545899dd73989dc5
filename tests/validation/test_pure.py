"""Calibration in the large, decision curves, recalibration and groups, as pure functions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from scipy.special import expit, logit, softmax
from sklearn.linear_model import LogisticRegression

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.fusion.estimators.recalibration import fit_recalibration
from msfusion_sdk.validation.markdown import NOT_FOLLOWED, decision_rows
from msfusion_sdk.validation.measures.decision_curve import (
    decision_curve_of_classes,
    decision_curve_of_survival,
)
from msfusion_sdk.validation.measures.large import classes_in_the_large, survival_in_the_large
from msfusion_sdk.validation.subgroups import groups_of


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_shift_of_all_log_odds_is_found(rng: np.random.Generator) -> None:
    said = rng.uniform(0.05, 0.6, 20_000)
    is_case = rng.uniform(size=20_000) < expit(logit(said) + 0.7)
    found = classes_in_the_large(said, is_case)
    assert found.intercept == pytest.approx(0.7, abs=0.05)
    assert found.ratio == pytest.approx(is_case.mean() / said.mean())


def test_the_intercept_makes_the_sums_equal(rng: np.random.Generator) -> None:
    said, is_case = rng.uniform(size=50), rng.uniform(size=50) < 0.3
    intercept = classes_in_the_large(said, is_case).intercept
    assert intercept is not None
    assert expit(logit(said) + intercept).sum() == pytest.approx(is_case.sum())


def test_without_both_kinds_there_is_no_intercept() -> None:
    with pytest.raises(DegenerateSplitError, match="with and without"):
        classes_in_the_large(np.array([0.2, 0.4]), np.array([True, True]))


def test_survival_in_the_large_is_kaplan_meier_over_the_mean(rng: np.random.Generator) -> None:
    time, event = rng.exponential(10, 200), rng.uniform(size=200) < 0.6
    said = rng.uniform(0.2, 0.9, 200)
    found = survival_in_the_large(8, time=time, event=event, survival=said)
    curve = KaplanMeierFitter().fit(time, event)
    assert found.observed == pytest.approx(1 - curve.predict(8))
    assert found.expected == pytest.approx(1 - said.mean())


def test_nothing_is_observed_after_the_last_follow_up() -> None:
    time, event = np.array([1.0, 2, 3]), np.array([True, False, False])
    with pytest.raises(DegenerateSplitError, match="latest: 3"):
        survival_in_the_large(5, time=time, event=event, survival=np.array([0.5, 0.6, 0.7]))


def test_net_benefit_by_hand() -> None:
    """At 0.25 three of five are chosen, two rightly: 2/5 - 1/5 · (0.25 / 0.75)."""
    chance = np.array([0.9, 0.6, 0.3, 0.2, 0.1])
    is_case = np.array([True, False, True, False, True])
    curve = decision_curve_of_classes(chance, is_case, thresholds=np.array([0.25, 0.95]))
    assert curve["model"].tolist() == pytest.approx([2 / 5 - 1 / 15, 0])
    assert curve["all"].iloc[0] == pytest.approx(3 / 5 - 2 / 5 / 3)


def test_without_censoring_survival_is_as_classes(rng: np.random.Generator) -> None:
    time, said = rng.exponential(10, 300), rng.uniform(0.1, 0.9, 300)
    by_time = decision_curve_of_survival(8, time=time, event=np.ones(300, np.bool_), survival=said)
    as_classes = decision_curve_of_classes(1 - said, time <= 8)
    pd.testing.assert_frame_equal(by_time, as_classes)


def test_censored_patients_count_by_kaplan_meier(rng: np.random.Generator) -> None:
    time, event = rng.exponential(10, 400), rng.uniform(size=400) < 0.5
    said = rng.uniform(0.1, 0.9, 400)
    curve = decision_curve_of_survival(
        5, time=time, event=event, survival=said, thresholds=np.array([0.4])
    )
    chosen = 1 - said >= 0.4
    free = KaplanMeierFitter().fit(time[chosen], event[chosen]).predict(5)
    wanted = chosen.mean() * ((1 - free) - free * 0.4 / 0.6)
    assert curve["model"].iloc[0] == pytest.approx(wanted)


def test_recalibration_of_two_classes_is_logistic(rng: np.random.Generator) -> None:
    x = rng.normal(size=500)
    codes = (rng.uniform(size=500) < expit(0.5 * x - 1)).astype(np.int64)
    slope, offsets = fit_recalibration(np.column_stack([np.zeros(500), x]), codes)
    known = LogisticRegression(C=np.inf, tol=1e-10).fit(x[:, None], codes)
    assert slope == pytest.approx(known.coef_[0, 0], abs=1e-3)
    assert offsets.tolist() == pytest.approx([0, known.intercept_[0]], abs=1e-3)


def test_recalibration_finds_a_planted_change_of_three_classes(rng: np.random.Generator) -> None:
    logits = rng.normal(size=(30_000, 3))
    chances = softmax(0.6 * logits + np.array([0, 0.8, -0.5]), axis=1)
    codes = (chances.cumsum(axis=1) < rng.uniform(size=(30_000, 1))).sum(axis=1)
    slope, offsets = fit_recalibration(logits, codes)
    assert slope == pytest.approx(0.6, abs=0.03)
    assert offsets.tolist() == pytest.approx([0, 0.8, -0.5], abs=0.06)


def test_recalibration_never_turns_the_order_round(rng: np.random.Generator) -> None:
    x = rng.normal(size=200)
    slope, _ = fit_recalibration(np.column_stack([np.zeros(200), x]), (x < 0).astype(np.int64))
    assert slope == 0


def test_numbers_become_thirds_and_words_stay() -> None:
    ages = pd.Series([*range(30, 60), None])
    groups = groups_of(ages)
    assert [int(mask.sum()) for mask in groups.values()] == [10, 10, 10, 1]
    assert list(groups)[-1] == "not known"
    sites = groups_of(pd.Series(["north", "south", "north"]))
    assert {name: int(mask.sum()) for name, mask in sites.items()} == {"north": 2, "south": 1}


def test_of_many_sites_the_small_ones_are_one_group() -> None:
    sites = pd.Series([f"site{min(number, 20)}" for number in range(60)])
    groups = groups_of(sites)
    assert "10 smaller groups" in groups
    assert sum(int(mask.sum()) for mask in groups.values()) == 60


def test_a_threshold_without_a_value_says_why() -> None:
    curve = pd.DataFrame(
        {"view": "36 months", "threshold": [0.1, 0.5], "model": [0.2, np.nan], "all": [0.1, -0.3]}
    )
    rows = decision_rows(SimpleNamespace(decision=curve))
    assert rows["by the model"].tolist() == ["20.0", "–"]
    assert rows["why not"].tolist() == ["", NOT_FOLLOWED]
    rows = decision_rows(SimpleNamespace(decision=curve[:1]))
    assert "why not" not in rows.columns
