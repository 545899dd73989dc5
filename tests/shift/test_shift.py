"""Profiles of training tables, and new tables beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.errors import StoreCorruptError
from msfusion_sdk.shift.compare import find_shifts
from msfusion_sdk.shift.profile import PROFILE_FILE, profile_tables, read_profile, write_profile

pytestmark = pytest.mark.slow


def clinical(n: int, *, age: float = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = {"age": rng.normal(age, 10, n), "sex": rng.choice(["f", "m"], n)}
    return pd.DataFrame(table, index=[f"{seed}-{number}" for number in range(n)])


@pytest.fixture
def profile() -> pd.DataFrame:
    return profile_tables({"clinical": clinical(200)})


def test_a_profile_says_what_the_columns_hold() -> None:
    table = pd.DataFrame({"age": [50.0, 70.0, None, 60.0], "stage": ["I", "II", "I", None]})
    age, stage = profile_tables({"clinical": table}).to_dict("records")
    assert (age["kind"], age["low"], age["high"], age["missing"]) == ("number", 50, 70, 0.25)
    assert age["sd"] == pytest.approx(np.sqrt(200 / 3))
    assert (stage["kind"], list(stage["levels"])) == ("category", ["I", "II"])


def test_free_text_leaves_no_word_in_the_profile() -> None:
    table = pd.DataFrame({"note": [f"note of patient {number}" for number in range(60)]})
    (note,) = profile_tables({"clinical": table}).to_dict("records")
    assert (note["kind"], note["levels"]) == ("text", None)


def test_it_comes_back_as_it_was_written(profile: pd.DataFrame, tmp_path: Path) -> None:
    write_profile(tmp_path, profile)
    again = read_profile(tmp_path)
    assert again is not None
    assert [list(v) if v is not None else None for v in again["levels"]] == list(profile["levels"])
    pd.testing.assert_frame_equal(again.drop(columns="levels"), profile.drop(columns="levels"))


def test_a_model_of_before_has_none_and_a_damaged_one_is_an_error(
    profile: pd.DataFrame, tmp_path: Path
) -> None:
    assert read_profile(tmp_path) is None
    path = write_profile(tmp_path, profile)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    (tmp_path / PROFILE_FILE).write_bytes(data)
    with pytest.raises(StoreCorruptError):
        read_profile(tmp_path)


@pytest.mark.parametrize("n", [10, 40, 1000])
def test_patients_of_the_same_kind_raise_no_alarm(profile: pd.DataFrame, n: int) -> None:
    rounds = [find_shifts(profile, {"clinical": clinical(n, seed=s)}) for s in range(1, 101)]
    assert sum(map(bool, rounds)) <= 5  # 1 of 100 is meant; 5 is the 99.9th percentile at 0.015


def test_an_older_hospital_is_named_with_both_means(profile: pd.DataFrame) -> None:
    (shift,) = find_shifts(profile, {"clinical": clinical(60, age=70, seed=1)})
    assert (shift.table, shift.kind, shift.columns) == ("clinical", "moved", ("age",))
    assert "in training (+" in shift.text


def test_another_unit_is_out_of_range(profile: pd.DataFrame) -> None:
    months = clinical(12, seed=1).assign(age=lambda table: table["age"] * 12)
    kinds = {shift.kind for shift in find_shifts(profile, {"clinical": months})}
    assert kinds == {"out_of_range", "moved"}


def test_words_that_training_never_saw_are_named(profile: pd.DataFrame) -> None:
    table = clinical(40, seed=1)
    table.iloc[0, 1] = "Female"
    (shift,) = find_shifts(profile, {"clinical": table})
    assert (shift.kind, "'Female'" in shift.text) == ("unseen", True)


def test_what_is_missing_is_told_from_what_was_missing_already() -> None:
    before = clinical(100)
    before.loc[before.index[:60], "age"] = None
    profile = profile_tables({"clinical": before})
    as_before = clinical(100, seed=1)
    as_before.loc[as_before.index[:60], "age"] = None
    assert not find_shifts(profile, {"clinical": as_before})
    emptier = as_before.assign(age=np.nan)
    (shift,) = find_shifts(profile, {"clinical": emptier})
    assert (shift.kind, shift.text) == ("missing", "age: 100% missing, 60% in training")


def test_a_table_that_nobody_has_and_a_column_that_is_gone_are_said(profile: pd.DataFrame) -> None:
    (shift,) = find_shifts(profile, {})
    assert (shift.table, shift.kind) == ("clinical", "no_patient")
    (shift,) = find_shifts(profile, {"clinical": clinical(40, seed=1).drop(columns="sex")})
    assert (shift.kind, shift.columns) == ("missing_column", ("sex",))


def test_a_wide_table_is_told_in_a_line() -> None:
    rng = np.random.default_rng(0)
    names = [f"G{number}" for number in range(300)]
    profile = profile_tables({"genomics": pd.DataFrame(rng.normal(size=(100, 300)), columns=names)})
    same = pd.DataFrame(rng.normal(size=(80, 300)), columns=names)
    assert not find_shifts(profile, {"genomics": same})
    (shift,) = [s for s in find_shifts(profile, {"genomics": same + 2}) if s.kind == "moved"]
    assert shift.text.startswith("300 of 300 columns: ")
    assert shift.text.endswith("and 295 more")
