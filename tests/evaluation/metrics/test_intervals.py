"""The bootstrap: what it draws, and that its intervals cover what they should."""

import numpy as np
import pytest

from msfusion_sdk.evaluation.metrics.intervals import draw_patients, interval_of
from msfusion_sdk.evaluation.metrics.resampling import mean_statistic


def test_each_stratum_keeps_its_size() -> None:
    strata = np.array([0] * 15 + [1] * 5)
    drawn = draw_patients(strata, np.arange(20), draws=100, seed=(0, 0))
    assert (drawn[:, 15:].sum(axis=1) == 5).all()
    assert (drawn[:, :15].sum(axis=1) == 15).all()


def test_the_first_draw_is_everybody_once() -> None:
    drawn = draw_patients(np.zeros(4, int), np.arange(4), draws=3, seed=(0, 0))
    assert drawn[0].tolist() == [1, 1, 1, 1]


def test_patients_of_one_group_are_drawn_together() -> None:
    units = np.array([0, 0, 1, 1, 2, 3])
    drawn = draw_patients(np.array([0, 1, 0, 0, 1, 0]), units, draws=50, seed=(0, 0))
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 2] == drawn[:, 3]).all()
    # Group 0 has an event, as has 2: two units with one are drawn each time.
    assert (drawn[:, 0] + drawn[:, 4] == 2).all()


def test_the_seed_decides_the_draws() -> None:
    def draw(seed: tuple[int, int]) -> list[list[float]]:
        return draw_patients(np.zeros(9, int), np.arange(9), draws=5, seed=seed).tolist()

    assert draw((0, 1)) == draw((0, 1))
    assert draw((0, 1)) != draw((0, 2))


def test_limits_are_percentiles_of_the_draws() -> None:
    value, lower, upper = interval_of(np.array([7.0, *range(101)]))
    assert (value, lower, upper) == pytest.approx((7, 2.5, 97.5))


def test_draws_without_a_value_are_left_out_up_to_half() -> None:
    assert interval_of(np.array([1.0, *[2.0] * 6, *[np.nan] * 4])).lower == 2
    assert interval_of(np.array([1.0, *[2.0] * 5, *[np.nan] * 5])) == (1, None, None)


def test_without_draws_there_are_no_limits() -> None:
    assert interval_of(np.array([1.0])) == (1, None, None)


def test_intervals_of_a_mean_cover_the_truth_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        sample = rng.normal(size=80)
        draws = draw_patients(np.zeros(80, int), np.arange(80), draws=400, seed=(trial, 0))
        _, lower, upper = interval_of(mean_statistic(sample)(draws))
        covered += lower <= 0 <= upper
    # 285 expected; the standard deviation of the count is 3.8, and the bootstrap is a bit short.
    assert 270 <= covered <= 296
