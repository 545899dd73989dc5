from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from msfusion_sdk.errors import (
    DegenerateSplitError,
    NonFiniteError,
    ShapeError,
    SurvivalLabelError,
)
from msfusion_sdk.survival.cox.cox import fit_cox, fit_cox_path

from ..conftest import Patients

EXACT = {"precision": 1e-12, "r_precision": 1e-14}


def standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(0)) / values.std(0, ddof=1)


def lifelines_fit(values: Any, p: Any, penalty: float, **settings: Any) -> CoxPHFitter:
    frame = pd.DataFrame(values).add_prefix("x").assign(time=p.time, event=p.event)
    if "weights" in settings:
        frame = frame.assign(w=settings.pop("weights"))
        settings = {"weights_col": "w", "robust": True}
    fitter = CoxPHFitter(penalizer=penalty)
    return fitter.fit(frame, "time", "event", fit_options=EXACT, **settings)


@pytest.mark.parametrize("penalty", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("months", [12, None], ids=["tied", "not tied"])
def test_coefficients_are_those_of_lifelines(
    make_patients: Callable[..., Patients], penalty: float, months: int | None
) -> None:
    p = make_patients(90, months=months)
    values = standardised(p.values)
    expected = lifelines_fit(values, p, penalty).params_
    found = fit_cox(values, time=p.time, event=p.event, penalty=penalty)
    assert found.coef.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_likelihood_is_that_of_lifelines(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(90)
    expected = lifelines_fit(p.values, p, 0.0).log_likelihood_
    found = fit_cox(p.values, time=p.time, event=p.event, penalty=0)
    assert found.log_likelihood == pytest.approx(expected, abs=1e-9)


def test_predictions_are_those_of_lifelines(make_patients: Callable[..., Patients]) -> None:
    p, new = make_patients(90), make_patients(10, seed=1)
    expected = lifelines_fit(p.values, p, 0.0)
    found = fit_cox(p.values, time=p.time, event=p.event, penalty=0)
    frame = pd.DataFrame(new.values).add_prefix("x")
    log_hazard = expected.predict_log_partial_hazard(frame).to_numpy()
    assert found.predict_log_hazard(new.values) == pytest.approx(log_hazard, abs=1e-7)
    # Between events lifelines draws lines where the estimate is a step.
    steps = [1.0, 3.0, 7.0]
    survival = expected.predict_survival_function(frame, times=steps).to_numpy().T
    found = found.predict_survival(new.values, [0.9, 1.9, 3.0, 7.5])  # type: ignore[assignment]
    assert found[:, 0].tolist() == [1.0] * 10
    assert found[:, 1:] == pytest.approx(survival, abs=1e-7)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_patient_of_weight_2_is_two_patients(
    make_patients: Callable[..., Patients], ties: str
) -> None:
    p = make_patients(80, months=None)
    weights = np.random.default_rng(0).integers(0, 4, 80)
    rows = np.repeat(np.arange(80), weights)
    twice = fit_cox(
        p.values[rows], time=p.time[rows], event=p.event[rows], penalty=0.1, ties="breslow"
    )
    found = fit_cox(p.values, time=p.time, event=p.event, penalty=0.1, weights=weights, ties=ties)
    assert found.coef == pytest.approx(twice.coef, abs=1e-9)
    assert found.cumulative_hazard == pytest.approx(twice.cumulative_hazard, abs=1e-9)
    assert found.log_likelihood == pytest.approx(twice.log_likelihood, abs=1e-9)


@pytest.mark.filterwarnings("ignore::lifelines.exceptions.StatisticalWarning")
def test_weights_with_efron_ties_are_those_of_lifelines(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(80)
    weights = np.random.default_rng(0).uniform(0.5, 3, 80)
    expected = lifelines_fit(p.values, p, 0.0, weights=weights)
    found = fit_cox(p.values, time=p.time, event=p.event, penalty=0, weights=weights)
    assert found.coef.tolist() == pytest.approx(expected.params_.tolist(), abs=1e-6)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood_, abs=1e-8)


def slow_objective(coef: Any, values: Any, p: Any, penalty: float, ties: str) -> float:
    log_hazard, total = values @ coef, 0.0
    for t in sorted(set(p.time[p.event])):
        died = np.flatnonzero((p.time == t) & p.event)
        at_risk = np.exp(log_hazard[p.time >= t]).sum()
        for k, i in enumerate(died):
            left = k / len(died) * np.exp(log_hazard[died]).sum() if ties == "efron" else 0
            total += log_hazard[i] - np.log(at_risk - left)
    return -total / len(p.time) + penalty / 2 * coef @ coef


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("features", [4, 60], ids=["few features", "more than patients"])
def test_no_step_from_the_coefficients_lowers_the_objective(
    make_patients: Callable[..., Patients], ties: str, features: int
) -> None:
    p = make_patients(30, features=features)
    coef = fit_cox(p.values, time=p.time, event=p.event, penalty=0.05, ties=ties).coef
    step = 1e-4
    for direction in np.eye(features):
        up, down = (
            slow_objective(coef + side * step * direction, p.values, p, 0.05, ties)
            for side in (1, -1)
        )
        assert abs(up - down) / (2 * step) < 1e-6  # the slope along each feature


def test_more_columns_than_patients_change_nothing_when_they_are_empty(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(40)
    padded = np.column_stack([p.values, np.zeros((40, 60))])
    found = fit_cox(padded, time=p.time, event=p.event, penalty=0.3)
    expected = fit_cox(p.values, time=p.time, event=p.event, penalty=0.3)
    assert found.coef[:3] == pytest.approx(expected.coef, abs=1e-9)
    assert found.coef[3:] == pytest.approx(np.zeros(60), abs=1e-9)


def test_a_constant_column_gets_no_weight(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(60)
    values = np.column_stack([p.values, np.full(60, 7.0)])
    found = fit_cox(values, time=p.time, event=p.event, penalty=0.1)
    alone = fit_cox(p.values, time=p.time, event=p.event, penalty=0.1)
    assert found.coef[3] == 0
    assert found.coef[:3] == pytest.approx(alone.coef, abs=1e-9)


def test_two_copies_of_a_column_share_its_weight(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(60)
    doubled = np.column_stack([p.values, p.values[:, 0]])
    found = fit_cox(doubled, time=p.time, event=p.event, penalty=0.1)
    assert found.coef[0] == pytest.approx(found.coef[3], abs=1e-9)
    assert 2 * found.coef[0] > fit_cox(p.values, time=p.time, event=p.event, penalty=0.1).coef[0]


@pytest.mark.parametrize("column", ["constant", "copy"])
def test_without_a_penalty_coefficients_that_cannot_be_told_apart_are_refused(
    make_patients: Callable[..., Patients], column: str
) -> None:
    p = make_patients(60)
    extra = p.values[:, 0] if column == "copy" else np.ones(60)
    with pytest.raises(DegenerateSplitError, match=r"rank 3 .*Set penalty above 0"):
        fit_cox(
            np.column_stack([p.values, extra]), time=p.time, event=p.event, penalty=0
        )  # fmt: skip


def test_a_feature_that_orders_all_events_is_refused_without_a_penalty() -> None:
    time = np.arange(1.0, 21.0)
    with pytest.raises(DegenerateSplitError, match=r"did not settle.*raise the penalty"):
        fit_cox(-time[:, None], time=time, event=np.ones(20, bool), penalty=0)


def test_a_feature_that_orders_all_events_is_fine_with_a_penalty() -> None:
    time = np.arange(1.0, 21.0)
    fit = fit_cox(-time[:, None], time=time, event=np.ones(20, bool), penalty=1e-4)
    up, down = (
        slow_objective(fit.coef + step, -time[:, None], _Labels(time), 1e-4, "efron")
        for step in (1e-4, -1e-4)
    )
    assert abs(up - down) / 2e-4 < 1e-6


def test_steps_that_go_too_far_are_halved(make_patients: Callable[..., Patients]) -> None:
    # Nearly separable: whole steps would take some hazards beyond the smallest float.
    p = make_patients(100, features=200, months=None)
    coef = fit_cox(p.values, time=p.time, event=p.event, penalty=1e-4).coef
    for direction in np.eye(200)[::20]:
        up, down = (
            slow_objective(coef + side * 1e-5 * direction, p.values, p, 1e-4, "efron")
            for side in (1, -1)
        )
        assert abs(up - down) / 2e-5 < 1e-6


class _Labels:
    """Everybody has the event."""

    def __init__(self, time: np.ndarray) -> None:
        self.time, self.event = time, np.ones(len(time), bool)


def test_a_path_holds_the_models_of_single_fits(make_patients: Callable[..., Patients]) -> None:
    p = make_patients(40, features=60)
    penalties = [0.01, 10.0, 0.3]
    path = fit_cox_path(p.values, time=p.time, event=p.event, penalties=penalties)
    for penalty, found in zip(penalties, path, strict=True):
        alone = fit_cox(p.values, time=p.time, event=p.event, penalty=penalty)
        assert found.penalty == penalty
        assert found.coef == pytest.approx(alone.coef, abs=1e-9)


def test_the_order_of_patients_does_not_matter(make_patients: Callable[..., Patients]) -> None:
    p, order = make_patients(50), np.random.default_rng(0).permutation(50)
    found = fit_cox(p.values[order], time=p.time[order], event=p.event[order], penalty=0.1)
    expected = fit_cox(p.values, time=p.time, event=p.event, penalty=0.1)
    assert found.coef == pytest.approx(expected.coef, abs=1e-12)


def test_a_patient_with_the_mean_of_training_has_log_hazard_zero(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(50)
    fit = fit_cox(p.values + 1e3, time=p.time, event=p.event, penalty=0.1)
    assert fit.predict_log_hazard([p.values.mean(0) + 1e3]) == pytest.approx([0], abs=1e-9)


@pytest.mark.parametrize(("far", "expected"), [(1e6, [1, 0, 0]), (-1e6, [1, 1, 1])])
def test_survival_far_outside_of_training_is_0_or_1_and_never_nan(
    make_patients: Callable[..., Patients], far: float, expected: list[int]
) -> None:
    p = make_patients(50)
    fit = fit_cox(p.values[:, :1], time=p.time, event=p.event, penalty=0.1)
    found = fit.predict_survival([[far]], [0.0, 2.0, 99.0])
    assert found[0].tolist() == expected


def test_no_events_are_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match="A Cox model needs at least one event"):
        fit_cox([[1.0], [2.0]], time=[1, 2], event=[False, False], penalty=1)


def test_values_need_a_row_per_patient(make_patients: Callable[..., Patients]) -> None:
    with pytest.raises(ShapeError, match=r"\(2, 1\).*has \(3, 1\)"):
        fit_cox(np.ones((3, 1)), time=[1, 2], event=[True, True], penalty=1)


def test_a_single_feature_is_a_column() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 1\).*has \(2,\)"):
        fit_cox([1.0, 2.0], time=[1, 2], event=[True, True], penalty=1)


def test_without_features_there_is_the_baseline() -> None:
    fit = fit_cox(np.ones((3, 0)), time=[1, 2, 3], event=[True, False, True], penalty=1)
    assert fit.cumulative_hazard.tolist() == pytest.approx([1 / 3, 1 / 3 + 1])
    assert fit.predict_log_hazard(np.ones((2, 0))).tolist() == [0, 0]


def test_an_infinite_value_is_refused_with_its_place() -> None:
    with pytest.raises(NonFiniteError, match=r"inf at \(1, 0\)"):
        fit_cox([[1.0], [np.inf]], time=[1, 2], event=[True, True], penalty=1)


@pytest.mark.parametrize("penalty", [-1.0, np.nan, np.inf])
def test_a_penalty_is_a_number_from_0_up(penalty: float) -> None:
    with pytest.raises(ValueError, match="Penalties must be finite and at least 0"):
        fit_cox([[1.0], [2.0]], time=[1, 2], event=[True, True], penalty=penalty)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(SurvivalLabelError, match="weights must be at least 0"):
        fit_cox([[1.0], [2.0]], time=[1, 2], event=[True, True], penalty=1, weights=[1, -1])
