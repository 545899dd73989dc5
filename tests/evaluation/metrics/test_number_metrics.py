"""Metrics of predicted numbers: resamples against scikit-learn on repeated rows."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.number_metrics import number_metrics
from msfusion_sdk.evaluation.metrics.predictions import NumberPredictions
from msfusion_sdk.outcomes.numbers import NumberOutcome

METRICS = {metric.name: metric for metric in number_metrics()}
SKLEARN = {"r2": r2_score, "mae": mean_absolute_error, "rmse": root_mean_squared_error}


def judged(patients: int = 30, seed: int = 0) -> NumberPredictions:
    rng = np.random.default_rng(seed)
    truth = rng.normal(1e6, 3, patients)
    ids = tuple(f"p{seed}-{number}" for number in range(patients))
    return NumberPredictions(NumberOutcome(ids, truth), truth + rng.normal(0.5, 2, patients))


@pytest.mark.parametrize("name", SKLEARN)
def test_resamples_are_what_scikit_learn_gives_on_repeated_rows(name: str) -> None:
    one, statistic = judged(), METRICS[name].statistic
    assert statistic is not None
    draws = np.random.default_rng(1).multinomial(30, [1 / 30] * 30, size=5).astype(float)
    rows = [np.repeat(np.arange(30), draw.astype(int)) for draw in draws]
    expected = [SKLEARN[name](one.outcome.values[row], one.predicted[row]) for row in rows]
    assert statistic(one)(draws) == pytest.approx(expected, rel=1e-6)


def test_folds_are_pooled_patient_by_patient() -> None:
    folds = [judged(20, seed=1), judged(10, seed=2)]
    truth = np.concatenate([fold.outcome.values for fold in folds])
    predicted = np.concatenate([fold.predicted for fold in folds])
    pooled = METRICS["r2"].pooled
    assert pooled is not None
    assert pooled(folds) == pytest.approx(r2_score(truth, predicted))


def test_the_slope_is_that_of_the_line_through_the_numbers() -> None:
    one = judged()
    line = LinearRegression().fit(one.predicted[:, None], one.outcome.values)
    assert METRICS["calibration_slope"].value(one) == pytest.approx(line.coef_[0], rel=1e-4)


def test_patients_of_one_number_have_no_r2_and_are_told_so() -> None:
    same = NumberPredictions(NumberOutcome(("p", "q"), np.ones(2)), np.array([0.9, 1.2]))
    with pytest.raises(DegenerateSplitError, match="do not differ"):
        METRICS["r2"].value(same)
