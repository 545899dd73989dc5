from collections.abc import Callable

import numpy as np
import pytest

from msfusion_sdk.errors import DegenerateSplitError, ShapeError, SurvivalLabelError
from msfusion_sdk.survival.metrics.brier import brier_score
from msfusion_sdk.survival.metrics.product_limit import censoring_survival

from ..conftest import Patients

YES, NO = True, False
UNCENSORED = {"train_time": [99.0], "train_event": [YES]}


def test_without_censoring_it_is_the_squared_error_of_being_event_free() -> None:
    found = brier_score(
        time=[1, 3], event=[YES, YES], survival=[[0.2], [0.9]], times=[2], **UNCENSORED
    )
    assert found.score.tolist() == pytest.approx([(0.2**2 + 0.1**2) / 2])


def test_weights_counted_by_hand() -> None:
    # G is 1/2 from 1 on.  The case at 0.5 weighs 1, the case at 2 and the patient after 2 weigh 2,
    # the patient censored at 1.5 nothing, and all four are in the denominator.
    found = brier_score(
        time=[0.5, 2, 3, 1.5], event=[YES, YES, NO, NO], times=[2],
        survival=[[0.4], [0.5], [0.7], [0.1]], train_time=[1, 9], train_event=[NO, YES],
    )  # fmt: skip
    expected = (0.4**2 + 2 * 0.5**2 + 2 * 0.3**2 + 0) / 4
    assert found.score.tolist() == pytest.approx([expected])


def test_it_is_the_slow_sum_over_patients(make_patients: Callable[..., Patients]) -> None:
    p, training = make_patients(40, seed=1), make_patients(60, seed=2)
    times = np.array([2.0, 5.0, 9.0])
    curves = np.random.default_rng(0).random((40, 3))
    labels = {"time": training.time, "event": training.event}
    # Times are whole: half a unit before an event is the left limit.
    g = {t: censoring_survival(**labels).at(np.array([t]))[0] for t in np.arange(0.5, 10, 0.5)}
    expected = []
    for k, t in enumerate(times):
        total = 0.0
        for i in range(40):
            if p.time[i] > t:
                total += (1 - curves[i, k]) ** 2 / g[t]
            elif p.event[i]:
                total += curves[i, k] ** 2 / g[p.time[i] - 0.5]
        expected.append(total / 40)
    found = brier_score(
        time=p.time, event=p.event, survival=curves, times=times,
        train_time=training.time, train_event=training.event,
    )  # fmt: skip
    assert found.score.tolist() == pytest.approx(expected, abs=1e-12)


def test_the_integrated_score_is_the_mean_over_time_by_trapezes() -> None:
    found = brier_score(
        time=[9.0], event=[YES], survival=[[1.0, 0.5, 0.5]], times=[1, 2, 5], **UNCENSORED
    )
    # 0 to 0.25 over one unit of time, then 0.25 for three.
    assert found.integrated == pytest.approx((0.125 * 1 + 0.25 * 3) / 4)


def test_at_one_time_the_integrated_score_is_the_score() -> None:
    found = brier_score(time=[9.0], event=[YES], survival=[[0.5]], times=[1], **UNCENSORED)
    assert found.integrated == 0.25


def test_risks_in_place_of_survival_are_refused() -> None:
    with pytest.raises(SurvivalLabelError, match="Pass survival, not risk"):
        brier_score(time=[9.0], event=[YES], survival=[[-1.2]], times=[1], **UNCENSORED)


def test_a_curve_needs_a_value_per_time() -> None:
    with pytest.raises(ShapeError, match=r"\(1, 2\)"):
        brier_score(time=[9.0], event=[YES], survival=[[0.5]], times=[1, 2], **UNCENSORED)


def test_a_time_beyond_the_follow_up_of_training_is_refused() -> None:
    with pytest.raises(DegenerateSplitError, match="Choose an earlier tau or horizon"):
        brier_score(
            time=[9.0], event=[YES], survival=[[0.5]], times=[8],
            train_time=[5], train_event=[YES],
        )  # fmt: skip
