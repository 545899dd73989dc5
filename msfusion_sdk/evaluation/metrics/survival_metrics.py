"""The metrics of predicted survival, each a value per fold and a statistic for resamples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.metric import Metric, Statistic
from msfusion_sdk.evaluation.metrics.predictions import SurvivalPredictions
from msfusion_sdk.evaluation.metrics.resampling import mean_statistic, pair_statistic
from msfusion_sdk.survival.metrics.auc import time_dependent_auc
from msfusion_sdk.survival.metrics.brier import brier_score
from msfusion_sdk.survival.metrics.calibration import Calibration, calibration_at
from msfusion_sdk.survival.metrics.concordance import concordance_index, concordance_uno
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["brier_errors", "ranked", "survival_metrics"]

_TIED_TOL = 1e-8


def survival_metrics(plan: TimePlan) -> tuple[Metric[SurvivalPredictions], ...]:
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


def brier_errors(out_of_fold: SurvivalPredictions, plan: TimePlan) -> Floats:
    """Return each patient's squared error averaged over time, shape (patient,).

    Their mean is the integrated Brier score.
    """
    censoring = censoring_survival(**out_of_fold.train.arrays)
    curves = out_of_fold.survival[:, plan.columns(plan.grid)]
    had = out_of_fold.outcome.event[:, None] & (out_of_fold.outcome.time[:, None] <= plan.grid)
    own = np.ones(len(out_of_fold.outcome.time))
    own[had.any(axis=1)] = censoring.at(out_of_fold.outcome.time[had.any(axis=1)])
    is_free = out_of_fold.outcome.time[:, None] > plan.grid
    error = had * curves**2 / own[:, None] + is_free * (1 - curves) ** 2 / censoring.at(plan.grid)
    mean: Floats = np.trapezoid(error, plan.grid) / (plan.grid[-1] - plan.grid[0])
    return mean


def _known(out_of_fold: SurvivalPredictions) -> dict[str, Any]:
    """Return what happened to test and training patients, as metrics take it."""
    train = {f"train_{name}": array for name, array in out_of_fold.train.arrays.items()}
    return {**out_of_fold.outcome.arrays, **train}


def _harrell(out_of_fold: SurvivalPredictions) -> float:
    return concordance_index(**out_of_fold.outcome.arrays, risk=out_of_fold.risk)


def _harrell_statistic(out_of_fold: SurvivalPredictions) -> Statistic:
    cases = np.flatnonzero(out_of_fold.outcome.event)
    return pair_statistic(
        out_of_fold.risk,
        cases=cases,
        weight=np.ones(len(cases)),
        comparable=_outlasts(out_of_fold, cases),
        tied_tol=_TIED_TOL,
    )


def _outlasts(out_of_fold: SurvivalPredictions, cases: Rows) -> Bools:
    """Return who is followed longer than each case had to its event, shape (case, patient)."""
    own = out_of_fold.outcome.time[cases, None]
    outlasts: Bools = (out_of_fold.outcome.time > own) | (
        (out_of_fold.outcome.time == own) & ~out_of_fold.outcome.event
    )
    return outlasts


def _harrell_pooled(folds: Sequence[SurvivalPredictions]) -> float:
    return concordance_index(
        time=np.concatenate([fold.outcome.time for fold in folds]),
        event=np.concatenate([fold.outcome.event for fold in folds]),
        risk=np.concatenate([ranked(fold.risk) for fold in folds]),
    )


def _uno(out_of_fold: SurvivalPredictions, plan: TimePlan) -> float:
    return concordance_uno(
        **_known(out_of_fold),
        risk=out_of_fold.risk,
        tau=plan.tau,
    ).c_index


def _uno_statistic(out_of_fold: SurvivalPredictions, plan: TimePlan) -> Statistic:
    censoring = censoring_survival(**out_of_fold.train.arrays)
    cases = np.flatnonzero(out_of_fold.outcome.event & (out_of_fold.outcome.time < plan.tau))
    return pair_statistic(
        out_of_fold.risk,
        cases=cases,
        weight=censoring.at(out_of_fold.outcome.time[cases]) ** -2,
        comparable=_outlasts(out_of_fold, cases),
        tied_tol=_TIED_TOL,
    )


def _auc_metric(horizon: float) -> Metric[SurvivalPredictions]:
    def value(out_of_fold: SurvivalPredictions) -> float:
        return time_dependent_auc(
            **_known(out_of_fold),
            risk=out_of_fold.risk,
            times=[horizon],
        ).mean

    def statistic(out_of_fold: SurvivalPredictions) -> Statistic:
        censoring = censoring_survival(**out_of_fold.train.arrays)
        cases = np.flatnonzero(out_of_fold.outcome.event & (out_of_fold.outcome.time <= horizon))
        is_control = out_of_fold.outcome.time > horizon
        return pair_statistic(
            out_of_fold.risk,
            cases=cases,
            weight=1 / censoring.at(out_of_fold.outcome.time[cases]),
            comparable=np.broadcast_to(is_control, (len(cases), len(is_control))),
            tied_tol=_TIED_TOL,
        )

    return Metric(f"auc@{horizon:g}", "high", value, statistic)


def _brier(out_of_fold: SurvivalPredictions, plan: TimePlan) -> float:
    return brier_score(
        **_known(out_of_fold),
        survival=out_of_fold.survival[:, plan.columns(plan.grid)],
        times=plan.grid,
    ).integrated


def _slope_metric(horizon: float, plan: TimePlan) -> Metric[SurvivalPredictions]:
    return Metric(
        f"calibration_slope@{horizon:g}",
        "one",
        lambda out_of_fold: _calibration([out_of_fold], horizon, plan).slope,
        pooled=lambda folds: _calibration(folds, horizon, plan).slope,
    )


def _ici_metric(horizon: float, plan: TimePlan) -> Metric[SurvivalPredictions]:
    return Metric(
        f"ici@{horizon:g}",
        "low",
        lambda out_of_fold: _calibration([out_of_fold], horizon, plan).ici,
        pooled=lambda folds: _calibration(folds, horizon, plan).ici,
    )


def _calibration(
    folds: Sequence[SurvivalPredictions], horizon: float, plan: TimePlan
) -> Calibration:
    (column,) = plan.columns(horizon)
    return calibration_at(
        horizon,
        time=np.concatenate([fold.outcome.time for fold in folds]),
        event=np.concatenate([fold.outcome.event for fold in folds]),
        survival=np.concatenate([fold.survival[:, column] for fold in folds]),
        bins=1,
    )
