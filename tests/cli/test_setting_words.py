"""To a reader of the shell a setting that cannot be is the option that was typed."""

import re
from pathlib import Path

import pytest

from msfusion_sdk.errors import ExitCode

from .conftest import Msfusion

TRAIN = ["pretrain", "tiles", "--data", "FOLDER", "--out", "OUT", "--mpp"]
ENCODE = ["encode", "FOLDER/a.svs", "--out", "OUT"]
IMPOSSIBLE = [
    ([*TRAIN, "-1"], "--mpp -1.0 cannot be: give a number above 0.0."),
    ([*TRAIN, "0.5", "--epochs", "-1"], "--epochs -1 cannot be: give a number of at least 1."),
    ([*TRAIN, "0.5", "--patience", "0"], "--patience 0 cannot be: give a number of at least 1."),
    ([*TRAIN, "0.5", "--view-px", "5"], "--view-px 5 cannot be: give a number of at least 32."),
    ([*ENCODE, "--stain", "foo"], "--stain 'foo' cannot be: give 'he', 'ihc' or 'other'."),
    ([*ENCODE, "--qc", "x"], "--qc 'x' cannot be: give 'record', 'weights' or 'exclude'."),
    ([*ENCODE, "--max-upsample", "0.1"], "--max-upsample 0.1 cannot be: give a number of at"),
]


@pytest.mark.parametrize(("words", "told"), IMPOSSIBLE, ids=lambda value: str(value)[-40:])
def test_the_option_is_named(
    words: list[str], told: str, msfusion: Msfusion, tmp_path: Path
) -> None:
    places = {"FOLDER": str(tmp_path), "OUT": str(tmp_path / "out")}
    done = msfusion(*[re.sub("FOLDER|OUT", lambda m: places[m[0]], word) for word in words])
    assert done.code == ExitCode.USAGE
    assert done.stderr.startswith(f"error [Setting] {told}")
    assert done.stderr.count("cannot be") == 1  # view-px is two settings
    assert not re.search(r"[a-z]=", done.stderr)


@pytest.mark.parametrize("word", ["--seed", "--folds", "--workers"])
def test_numbers_that_no_command_takes_are_refused_by_their_option(
    word: str, msfusion: Msfusion, tmp_path: Path
) -> None:
    command = {
        "--seed": ["pretrain", "tiles", "--data", tmp_path, "--out", tmp_path, "--mpp", 1],
        "--folds": ["evaluate", tmp_path, "--outcome", "os"],
        "--workers": ["pretrain", "tiles", "--data", tmp_path, "--out", tmp_path, "--mpp", 1],
    }[word]
    done = msfusion(*command, word, -1)
    assert done.code == ExitCode.USAGE
    assert f"Invalid value for '{word}'" in done.stderr
