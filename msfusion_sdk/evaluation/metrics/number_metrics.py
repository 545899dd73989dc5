"""The metrics of predicted numbers, by scikit-learn, each with a statistic for resamples."""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.metric import Best, Metric, Statistic
from msfusion_sdk.evaluation.metrics.predictions import NumberPredictions
from msfusion_sdk.evaluation.metrics.resampling import mean_statistic
from msfusion_sdk.outcomes.numbers import NumberOutcome

__all__ = ["number_metrics"]


def number_metrics() -> tuple[Metric[NumberPredictions], ...]:
    """Return R², mean absolute error, root mean squared error and the slope of calibration.

    R² compares with the mean of the patients who are judged, as scikit-learn's does: 0 is the value
    of that mean, and a bad model is below.  The slope is judged over all folds together alone.
    """
    return (
        _metric("r2", "R²", "high", _r2, _r2_statistic, chance=0.0),
        _metric("mae", "mean absolute error", "low", _mae, lambda j: mean_statistic(_off(j))),
        _metric("rmse", "root mean squared error", "low", _rmse, _rmse_statistic),
        _metric("calibration_slope", "calibration slope", "one", _slope, is_per_fold=False),
    )


def _metric(
    name: str,
    label: str,
    best: Best,
    value: Callable[[NumberPredictions], float],
    statistic: Callable[[NumberPredictions], Statistic] | None = None,
    *,
    chance: float | None = None,
    is_per_fold: bool = True,
) -> Metric[NumberPredictions]:
    def pooled(folds: Sequence[NumberPredictions]) -> float:
        return value(_together(folds))

    return Metric(name, label, best, value, statistic, pooled, chance, is_per_fold)


def _together(folds: Sequence[NumberPredictions]) -> NumberPredictions:
    outcome = NumberOutcome(
        tuple(patient for fold in folds for patient in fold.patient_ids),
        np.concatenate([fold.outcome.values for fold in folds]),
    )
    return NumberPredictions(outcome, np.concatenate([fold.predicted for fold in folds]))


def _off(out_of_fold: NumberPredictions) -> Floats:
    return np.asarray(np.abs(out_of_fold.outcome.values - out_of_fold.predicted))


def _r2(out_of_fold: NumberPredictions) -> float:
    values = out_of_fold.outcome.values
    if len(np.unique(values)) < 2:
        msg = (
            f"The {len(values)} test patients do not differ in their number, so no R² exists. Use "
            "fewer folds."
        )
        raise DegenerateSplitError(msg)
    return float(r2_score(values, out_of_fold.predicted))


def _r2_statistic(out_of_fold: NumberPredictions) -> Statistic:
    # Centred first: a variance as a difference of squares loses the digits of a large mean.
    values = out_of_fold.outcome.values - out_of_fold.outcome.values.mean()
    errors = _off(out_of_fold) ** 2

    def statistic(draws: Floats) -> Floats:
        count = draws.sum(axis=1)
        total = draws @ values**2 - (draws @ values) ** 2 / count
        undecided = np.full(len(draws), np.nan)
        lost: Floats = np.divide(draws @ errors, total, out=undecided, where=total > 0)
        return 1 - lost

    return statistic


def _mae(out_of_fold: NumberPredictions) -> float:
    return float(mean_absolute_error(out_of_fold.outcome.values, out_of_fold.predicted))


def _rmse(out_of_fold: NumberPredictions) -> float:
    return float(root_mean_squared_error(out_of_fold.outcome.values, out_of_fold.predicted))


def _rmse_statistic(out_of_fold: NumberPredictions) -> Statistic:
    squared = mean_statistic(_off(out_of_fold) ** 2)
    return lambda draws: np.sqrt(squared(draws))


def _slope(out_of_fold: NumberPredictions) -> float:
    """Return the slope of the least-squares line of the numbers on the predictions; 1 is best."""
    predicted = out_of_fold.predicted - out_of_fold.predicted.mean()
    if not predicted.any():
        msg = (
            f"All {len(predicted)} test patients are predicted the same number, so no slope of "
            "calibration exists."
        )
        raise DegenerateSplitError(msg)
    return float(predicted @ out_of_fold.outcome.values / (predicted @ predicted))
