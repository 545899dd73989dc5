import numpy as np
import pytest

from msfusion_sdk.errors import DegenerateSplitError, SurvivalLabelError
from msfusion_sdk.survival.metrics.calibration import calibration_at

YES, NO = True, False


def true_model(count: int = 20_000) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Labels drawn from known exponential hazards, and those hazards."""
    rng = np.random.default_rng(0)
    hazard = 0.1 * np.exp(rng.normal(0, 0.8, count))
    died, left = rng.exponential(1 / hazard), rng.exponential(15, count)
    return {"time": np.minimum(died, left), "event": died <= left}, hazard


def test_the_true_survival_is_calibrated() -> None:
    labels, hazard = true_model()
    found = calibration_at(5.0, survival=np.exp(-hazard * 5), **labels)
    # Over 20,000 patients the standard error of the slope is near 0.015.
    assert found.slope == pytest.approx(1, abs=0.05)
    assert found.intercept == pytest.approx(0, abs=0.05)
    assert found.ici < 0.01
    assert found.observed == pytest.approx(found.predicted, abs=0.03)


def test_predictions_twice_too_extreme_have_slope_one_half() -> None:
    labels, hazard = true_model()
    extreme = 0.1 * (hazard / 0.1) ** 2
    found = calibration_at(5.0, survival=np.exp(-extreme * 5), **labels)
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.ici > 0.05


def test_half_the_hazard_predicted_has_intercept_log_2() -> None:
    labels, hazard = true_model()
    found = calibration_at(5.0, survival=np.exp(-hazard / 2 * 5), **labels)
    assert found.slope == pytest.approx(1, abs=0.05)
    assert found.intercept == pytest.approx(np.log(2), abs=0.07)
    # The curve is then the truth, so the index is the mean error of the predictions.
    error = np.abs(np.exp(-hazard * 5) - np.exp(-hazard / 2 * 5)).mean()
    assert found.ici == pytest.approx(error, abs=0.01)


def test_bins_counted_by_hand() -> None:
    # Each bin holds one event before 3 and one patient who is followed longer.
    found = calibration_at(
        3.0, time=[1, 4, 2, 5], event=[YES, NO, YES, NO], survival=[0.2, 0.4, 0.6, 0.8], bins=2
    )
    assert found.patients.tolist() == [2, 2]
    assert found.predicted.tolist() == pytest.approx([0.3, 0.7])
    assert found.observed.tolist() == [0.5, 0.5]


def test_follow_up_after_the_horizon_changes_nothing() -> None:
    labels = {"survival": [0.2, 0.4, 0.6, 0.8], "bins": 2}
    one = calibration_at(3.0, time=[1, 4, 2, 5], event=[YES, NO, YES, NO], **labels)
    other = calibration_at(3.0, time=[1, 9, 2, 3.5], event=[YES, YES, YES, YES], **labels)
    assert one.slope == other.slope
    assert one.observed.tolist() == other.observed.tolist()


def test_patients_with_one_prediction_stay_in_one_bin() -> None:
    found = calibration_at(
        3.0, time=[1, 4, 2, 5, 1.5], event=[YES, NO, YES, NO, YES],
        survival=[0.5, 0.5, 0.5, 0.5, 0.9], bins=4,
    )  # fmt: skip
    assert found.patients.tolist() == [1, 4]


def test_predictions_of_0_and_1_are_finite() -> None:
    found = calibration_at(
        3.0, time=[1, 4, 2, 5], event=[YES, NO, YES, NO], survival=[0.0, 0.4, 1.0, 0.8], bins=2
    )
    assert np.isfinite([found.slope, found.intercept, found.ici]).all()


def test_one_prediction_for_all_has_no_slope() -> None:
    with pytest.raises(DegenerateSplitError, match="All 2 predictions are the same"):
        calibration_at(3.0, time=[1, 4], event=[YES, NO], survival=[0.5, 0.5])


def test_a_horizon_before_all_events_is_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match="Calibration at 1 needs at least one event"):
        calibration_at(1, time=[2, 4], event=[YES, NO], survival=[0.4, 0.5])


def test_a_bin_that_nobody_leaves_late_enough_is_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match=r"followed up to 3 \(latest: 2\)"):
        calibration_at(
            3.0, time=[1, 2, 2, 5], event=[YES, NO, YES, NO], survival=[0.2, 0.4, 0.6, 0.8], bins=2
        )  # fmt: skip


def test_risks_in_place_of_survival_are_refused() -> None:
    with pytest.raises(SurvivalLabelError, match="Pass survival, not risk"):
        calibration_at(3.0, time=[1, 4], event=[YES, NO], survival=[2.0, 0.5])
