"""A setting that cannot be is an error of ours that names it, its value and its range."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.config.possible import possible_settings
from msfusion_sdk.errors import MsfusionError, SettingError


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    patients = pd.DataFrame({"patient_id": ["P1"]})
    return Cohort.create(tmp_path_factory.mktemp("settings") / "cohort", patients=patients)


# Written by hand, from the docstring of ``Cohort.encode``.
OF_A_RUN = {
    "workers": (0, "give a whole number of at least 1."),
    "max_failures": (2, "give a number from 0 to 1."),
    "timeout_s": (0, "give a number above 0."),
    "staging_gb": (float("nan"), "give a number above 0."),
    "gpus_per_worker": (-1, "give a number of at least 0."),
    "cpus_per_worker": (0, "give a number above 0."),
    "engine": ("slurm", "give 'local' or 'ray'."),
    "patches": ("maybe", "give True or False."),
    "address": (7, "give text, or None."),
}


@pytest.mark.parametrize("name", OF_A_RUN)
def test_encoding_a_cohort_says_what_it_takes(name: str, cohort: Cohort) -> None:
    value, wanted = OF_A_RUN[name]
    with pytest.raises(SettingError) as caught:
        cohort.encode(None, **{name: value})
    assert str(caught.value) == f"{name}={value!r} cannot be: {wanted}"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("wrong", [{"workers": "x"}, {"workers": 1.5}, {"workers": None}])
def test_a_value_of_another_kind_is_told_the_same_way(wrong: Any, cohort: Cohort) -> None:
    with pytest.raises(SettingError, match="cannot be: give a whole number of at least 1"):
        cohort.encode(None, **wrong)


def test_all_that_is_wrong_is_said_at_once(cohort: Cohort) -> None:
    with pytest.raises(SettingError, match=r"workers=0 cannot be.*timeout_s=-1 cannot be"):
        cohort.encode(None, workers=0, timeout_s=-1)


OF_AN_ENCODER: list[tuple[dict[str, Any], str]] = [
    ({"patches": {"stride_px": 0}}, "patches.stride_px=0 cannot be: give a whole number"),
    ({"patches": {"keep_rule": "x"}}, "'vertices', 'area' or 'auto'."),
    ({"patches": {"min_vertices": 5}}, "give a whole number from 1 to 4."),
    ({"patches": {"stride": 5}}, "There is no setting patches.stride."),
    ({"tissue": {"median_px": 6}}, "median_px must be odd, got 6."),
    ({"qc": {"use": "sometimes"}}, "qc.use='sometimes' cannot be: give "),
    ({"network": {"classes": 5}}, "network.classes=5 cannot be: Input should be a valid tuple."),
    ({"stain": {"basis": ((1, 0, 0), (0, 1, 0))}}, "stain.method is missing."),
    ({"fusion": {"patch_weights": "max"}}, "'normalised', 'softmax' or 'uniform'."),
    ({"patches": 3}, "patches=3 cannot be: give a mapping from fields to values."),
]


@pytest.mark.parametrize(("wrong", "told"), OF_AN_ENCODER)
def test_settings_of_an_encoder_say_what_they_take(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as caught:
        EncoderConfig().updated(**wrong)
    assert told in str(caught.value)
    assert "pydantic" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_words_are_errors_of_ours(cohort: Cohort, small_model: Path) -> None:
    encoder = SlideEncoder.from_pretrained(small_model, device="cpu")
    calls = (
        lambda: cohort.encode(encoder, shard="5/4"),
        lambda: cohort.encode(encoder, preset="cytology"),
        lambda: encoder.config.with_preset("cytology"),
        lambda: SlideEncoder.from_pretrained(small_model, device="tpu"),
        lambda: SlideEncoder.from_pretrained(small_model, device="cpu", precision="fp8"),
        lambda: encoder.with_config(encoder.config.updated(network={"classes": ("a", "b")})),
    )
    for call in calls:
        with pytest.raises(SettingError):
            call()


def test_other_errors_of_the_block_pass() -> None:
    with pytest.raises(KeyError), possible_settings(EncoderConfig):
        raise KeyError
    assert issubclass(SettingError, MsfusionError)
