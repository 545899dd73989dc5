"""The metrics of predicted survival, each a value per fold and a statistic for resamples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.metric import Metric, Statistic
from msfusion_sdk.evaluation.metrics.predictions import JudgedSurvival
from msfusion_sdk.evaluation.metrics.resampling import mean_statistic, pair_statistic
from msfusion_sdk.survival.metrics.auc import time_dependent_auc
from msfusion_sdk.survival.metrics.brier import brier_score
from msfusion_sdk.survival.metrics.calibration import Calibration, calibration_at
from msfusion_sdk.survival.metrics.concordance import concordance_index, concordance_uno
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["brier_errors", "ranked", "survival_metrics"]

_TIED_TOL = 1e-8


def survival_metrics(plan: TimePlan) -> tuple[Metric[JudgedSurvival], ...]:
    """Return Harrell's and Uno's C, the AUC and calibration at each horizon, and the Brier score.

    Censoring weights come from each fold's training patients, so what depends on them has no
    pooled value.
    """
    return (
        Metric("c_index", "high", _harrell, _harrell_statistic, _harrell_pooled),
        Metric("c_index_uno", "high", lambda j: _uno(j, plan), lambda j: _uno_statistic(j, plan)),
        *(_auc_metric(horizon) for horizon in plan.horizons),
        Metric(
            "integrated_brier",
            "low",
            lambda j: _brier(j, plan),
            lambda j: mean_statistic(brier_errors(j, plan)),
        ),
        *(
            metric
            for horizon in plan.horizons
            for metric in (_slope_metric(horizon, plan), _ici_metric(horizon, plan))
        ),
    )


def ranked(risk: Floats) -> Floats:
    """Return ranks from 0 to 1, exclusive: what makes risks of different folds comparable."""
    ranks: Floats = pd.Series(risk).rank().to_numpy(np.float64) / (len(risk) + 1)
    return ranks


def brier_errors(judged: JudgedSurvival, plan: TimePlan) -> Floats:
    """Return each patient's squared error averaged over time, shape (patient,).

    Their mean is the integrated Brier score.
    """
    censoring = censoring_survival(time=judged.train_time, event=judged.train_event)
    curves = judged.survival[:, plan.columns(plan.grid)]
    had = judged.event[:, None] & (judged.time[:, None] <= plan.grid)
    own = np.ones(len(judged.time))
    own[had.any(axis=1)] = censoring.at(judged.time[had.any(axis=1)])
    is_free = judged.time[:, None] > plan.grid
    error = had * curves**2 / own[:, None] + is_free * (1 - curves) ** 2 / censoring.at(plan.grid)
    mean: Floats = np.trapezoid(error, plan.grid) / (plan.grid[-1] - plan.grid[0])
    return mean


def _harrell(judged: JudgedSurvival) -> float:
    return concordance_index(time=judged.time, event=judged.event, risk=judged.risk)


def _harrell_statistic(judged: JudgedSurvival) -> Statistic:
    cases = np.flatnonzero(judged.event)
    return pair_statistic(
        judged.risk,
        cases=cases,
        weight=np.ones(len(cases)),
        comparable=_outlasts(judged, cases),
        tied_tol=_TIED_TOL,
    )


def _outlasts(judged: JudgedSurvival, cases: Rows) -> Bools:
    """Return who is followed longer than each case had to its event, shape (case, patient)."""
    own = judged.time[cases, None]
    outlasts: Bools = (judged.time > own) | ((judged.time == own) & ~judged.event)
    return outlasts


def _harrell_pooled(folds: Sequence[JudgedSurvival]) -> float:
    return concordance_index(
        time=np.concatenate([fold.time for fold in folds]),
        event=np.concatenate([fold.event for fold in folds]),
        risk=np.concatenate([ranked(fold.risk) for fold in folds]),
    )


def _uno(judged: JudgedSurvival, plan: TimePlan) -> float:
    return concordance_uno(
        time=judged.time,
        event=judged.event,
        risk=judged.risk,
        train_time=judged.train_time,
        train_event=judged.train_event,
        tau=plan.tau,
    ).c_index


def _uno_statistic(judged: JudgedSurvival, plan: TimePlan) -> Statistic:
    censoring = censoring_survival(time=judged.train_time, event=judged.train_event)
    cases = np.flatnonzero(judged.event & (judged.time < plan.tau))
    return pair_statistic(
        judged.risk,
        cases=cases,
        weight=censoring.at(judged.time[cases]) ** -2,
        comparable=_outlasts(judged, cases),
        tied_tol=_TIED_TOL,
    )


def _auc_metric(horizon: float) -> Metric[JudgedSurvival]:
    def value(judged: JudgedSurvival) -> float:
        return time_dependent_auc(
            time=judged.time,
            event=judged.event,
            risk=judged.risk,
            train_time=judged.train_time,
            train_event=judged.train_event,
            times=[horizon],
        ).mean

    def statistic(judged: JudgedSurvival) -> Statistic:
        censoring = censoring_survival(time=judged.train_time, event=judged.train_event)
        cases = np.flatnonzero(judged.event & (judged.time <= horizon))
        is_control = judged.time > horizon
        return pair_statistic(
            judged.risk,
            cases=cases,
            weight=1 / censoring.at(judged.time[cases]),
            comparable=np.broadcast_to(is_control, (len(cases), len(is_control))),
            tied_tol=_TIED_TOL,
        )

    return Metric(f"auc@{horizon:g}", "high", value, statistic)


def _brier(judged: JudgedSurvival, plan: TimePlan) -> float:
    return brier_score(
        time=judged.time,
        event=judged.event,
        survival=judged.survival[:, plan.columns(plan.grid)],
        train_time=judged.train_time,
        train_event=judged.train_event,
        times=plan.grid,
    ).integrated


def _slope_metric(horizon: float, plan: TimePlan) -> Metric[JudgedSurvival]:
    return Metric(
        f"calibration_slope@{horizon:g}",
        "one",
        lambda judged: _calibration([judged], horizon, plan).slope,
        pooled=lambda folds: _calibration(folds, horizon, plan).slope,
    )


def _ici_metric(horizon: float, plan: TimePlan) -> Metric[JudgedSurvival]:
    return Metric(
        f"ici@{horizon:g}",
        "low",
        lambda judged: _calibration([judged], horizon, plan).ici,
        pooled=lambda folds: _calibration(folds, horizon, plan).ici,
    )


def _calibration(folds: Sequence[JudgedSurvival], horizon: float, plan: TimePlan) -> Calibration:
    (column,) = plan.columns(horizon)
    return calibration_at(
        horizon,
        time=np.concatenate([fold.time for fold in folds]),
        event=np.concatenate([fold.event for fold in folds]),
        survival=np.concatenate([fold.survival[:, column] for fold in folds]),
        bins=1,
    )
