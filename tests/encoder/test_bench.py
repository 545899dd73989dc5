"""Timing measures what encoding does; how long it takes is not tested."""

from pathlib import Path

import pytest

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.bench import SlideTimes, time_slide
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.testing import make_slide


@pytest.fixture(scope="module")
def times(small_encoder: SlideEncoder, made_slide: Path) -> SlideTimes:
    return time_slide(small_encoder, made_slide, patches=3, rounds=1)


def test_every_step_has_a_time_and_the_slide_its_number_of_patches(
    small_encoder: SlideEncoder, made_slide: Path, times: SlideTimes
) -> None:
    steps = ("open_s", "survey_s", "ready_s", "decode_s", "compute_s", "patch_s")
    assert all(getattr(times, step) > 0 for step in steps)
    assert times.timed_patches == 3
    assert times.patches == small_encoder.encode(made_slide).patches.num_rows


def test_a_cohort_takes_its_slides_and_is_made_ready_once(times: SlideTimes) -> None:
    known = {"open_s": 1.0, "survey_s": 2.0, "patches": 100, "patch_s": 0.5, "ready_s": 30.0}
    # 10 slides of 1 + 2 + 50 s, and 30 s once: 560 s.
    assert times.model_copy(update=known).cohort_hours(10) == pytest.approx(560 / 3600)


def test_a_slide_without_patches_cannot_be_timed(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = make_slide(tmp_path / "blank.svs", 512, 512, tissue="none")
    with pytest.raises(SlideCorruptError, match="no tissue found"):
        time_slide(small_encoder, path)
