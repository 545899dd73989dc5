"""The metrics of predicted survival, each a value per fold and a statistic for resamples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.evaluation.metrics.horizons import TimePlan, with_unit
from msfusion_sdk.evaluation.metrics.metric import Metric, Statistic
from msfusion_sdk.evaluation.metrics.predictions import SurvivalPredictions
from msfusion_sdk.evaluation.metrics.resampling import mean_statistic, pair_statistic
from msfusion_sdk.survival.metrics.auc import time_dependent_auc
from msfusion_sdk.survival.metrics.brier import brier_errors, mean_over_time
from msfusion_sdk.survival.metrics.calibration import Calibration, calibration_at
from msfusion_sdk.survival.metrics.concordance import concordance_index, concordance_uno
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

__all__ = ["ranked", "survival_metrics"]

_TIED_TOL = 1e-8


def survival_metrics(
    plan: TimePlan, unit: str | None = None, *, has_entry: bool = False
) -> tuple[Metric[SurvivalPredictions], ...]:
    """Return Harrell's and Uno's C, AUROC and calibration at each horizon, and the Brier score.

    Censoring weights come from each fold's training patients, so what depends on them has no
    pooled value.  Calibration is judged over all folds together alone.

    Parameters
    ----------
    unit : str, optional
        Of time, for labels.
    has_entry : bool
        Whether patients come under observation late.  Weights for censoring do not know of that,
        and what needs them is left out.
    """
    calibration = [
        metric
        for horizon in plan.horizons
        for metric in (_slope_metric(horizon, plan, unit), _ici_metric(horizon, plan, unit))
    ]
    harrell = Metric(
        "c_index", "C-index", "high", _harrell, _harrell_statistic, _harrell_pooled, chance=0.5
    )
    if has_entry:
        return (harrell, *calibration)
    return (
        harrell,
        Metric(
            "c_index_uno",
            "Uno's C-index",
            "high",
            lambda j: _uno(j, plan),
            lambda j: _uno_statistic(j, plan),
            chance=0.5,
        ),
        *(_auc_metric(horizon, unit) for horizon in plan.horizons),
        Metric(
            "integrated_brier",
            "integrated Brier score",
            "low",
            lambda j: float(_brier_errors(j, plan).mean()),
            lambda j: mean_statistic(_brier_errors(j, plan)),
        ),
        *calibration,
    )


def ranked(risk: Floats) -> Floats:
    """Return ranks from 0 to 1, exclusive: what makes risks of different folds comparable."""
    ranks: Floats = pd.Series(risk).rank().to_numpy(np.float64) / (len(risk) + 1)
    return ranks


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
    outcome = out_of_fold.outcome
    own = outcome.time[cases, None]
    outlasts: Bools = (outcome.time > own) | ((outcome.time == own) & ~outcome.event)
    return outlasts if outcome.entry is None else outlasts & (outcome.entry < own)


def _harrell_pooled(folds: Sequence[SurvivalPredictions]) -> float:
    # Each fold has a model of its own, whose log-hazards have a level of their own.
    return concordance_index(
        **_together(folds), risk=np.concatenate([ranked(fold.risk) for fold in folds])
    )


def _together(folds: Sequence[SurvivalPredictions]) -> dict[str, Any]:
    """Return what happened to the patients of all folds."""
    names = folds[0].outcome.arrays
    return {name: np.concatenate([f.outcome.arrays[name] for f in folds]) for name in names}


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


def _auc_metric(horizon: float, unit: str | None) -> Metric[SurvivalPredictions]:
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

    name, label = f"auc@{horizon:g}", f"AUROC at {with_unit(horizon, unit)}"
    return Metric(name, label, "high", value, statistic, chance=0.5)


def _brier_errors(out_of_fold: SurvivalPredictions, plan: TimePlan) -> Floats:
    """Return each patient's squared error averaged over time, shape (patient,)."""
    errors = brier_errors(
        **_known(out_of_fold),
        survival=out_of_fold.survival[:, plan.columns(plan.grid)],
        times=plan.grid,
    )
    return mean_over_time(plan.grid, errors)


def _slope_metric(horizon: float, plan: TimePlan, unit: str | None) -> Metric[SurvivalPredictions]:
    return Metric(
        f"calibration_slope@{horizon:g}",
        f"calibration slope at {with_unit(horizon, unit)}",
        "one",
        lambda out_of_fold: _calibration([out_of_fold], horizon, plan).slope,
        pooled=lambda folds: _calibration(folds, horizon, plan).slope,
        is_per_fold=False,
    )


def _ici_metric(horizon: float, plan: TimePlan, unit: str | None) -> Metric[SurvivalPredictions]:
    return Metric(
        f"ici@{horizon:g}",
        f"ICI at {with_unit(horizon, unit)}",
        "low",
        lambda out_of_fold: _calibration([out_of_fold], horizon, plan).ici,
        pooled=lambda folds: _calibration(folds, horizon, plan).ici,
        is_per_fold=False,
    )


def _calibration(
    folds: Sequence[SurvivalPredictions], horizon: float, plan: TimePlan
) -> Calibration:
    (column,) = plan.columns(horizon)
    return calibration_at(
        horizon,
        **_together(folds),
        survival=np.concatenate([fold.survival[:, column] for fold in folds]),
        # Only slope and ICI are asked for; more bins could fail for want of follow-up.
        bins=1,
    )
