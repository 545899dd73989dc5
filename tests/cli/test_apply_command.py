"""``msfusion apply`` as a user runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.cli.shared.several_words import _repeated
from msfusion_sdk.study.train import train_on_cohort

Msfusion = Callable[..., Any]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Survival from age, of 40 patients."""
    folder = tmp_path_factory.mktemp("apply")
    rng = np.random.default_rng(0)
    ids, age = [f"P{number:02d}" for number in range(40)], rng.normal(50, 9, 40).round()
    time = np.minimum(rng.exponential(40 * np.exp((50 - age) / 9)), 240)
    patients = pd.DataFrame(
        {"patient_id": ids, "time_months": time, "event": np.resize([1, 0, 1], 40)}
    )
    cohort = Cohort.create(folder / "cohort", patients=patients)
    cohort.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age}))
    train_on_cohort(cohort, "survival", folder / "model")
    return folder / "model"


def test_a_table_becomes_a_row_for_each_patient(
    msfusion: Msfusion, model: Path, tmp_path: Path
) -> None:
    table, path = tmp_path / "new.csv", tmp_path / "out.csv"
    table.write_text("patient_id,age\n007,40\n008,60\n009,\n")
    done = msfusion("apply", model, "--tables", f"clinical={table}", "--times", 20, 40, "-o", path)
    assert done.code == 0, done.stderr
    assert "2 of 3 patients have a prediction" in done.stdout
    rows = pd.read_csv(path, dtype={"patient_id": str}).set_index("patient_id")
    assert list(rows.columns) == ["risk", "survival@20", "survival@40", "n_slides", "reason"]
    assert rows.loc["008", "risk"] > rows.loc["007", "risk"]
    assert rows.loc["009", "reason"].startswith("has no value in any table")


def test_programs_get_a_line_for_each_patient(
    msfusion: Msfusion, model: Path, tmp_path: Path
) -> None:
    table = tmp_path / "new.csv"
    table.write_text("patient_id,age\n007,60\n")
    done = msfusion(
        "apply", model, "--tables", f"clinical={table}", "-o", tmp_path / "p.parquet", "--json"
    )
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (row["patient_id"], row["n_slides"], row["reason"]) == ("007", 0, "")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-o", "p.csv"], "Give --slides, --tables or both"),
        (["--tables", "new.csv", "-o", "p.csv"], "takes MODALITY=FILE"),
        (["--tables", "clinical=a.csv", "clinical=b.csv", "-o", "p.csv"], "given twice"),
        (["--tables", "clinical=a.csv", "-o", "p.xlsx"], ".parquet or .csv"),
        (["--slides", "a.svs", "-o", "p.csv"], "did not learn from slides"),
        (["--slides", "a.svs", "--cohort", "c", "-o", "p.csv"], "a cohort has slides of its own"),
    ],
)
def test_wrong_use_says_what_to_give(
    msfusion: Msfusion, model: Path, tmp_path: Path, monkeypatch: Any, options: Any, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = msfusion("apply", model, *options)
    assert (done.code, text in done.stderr) == (2, True), done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("m --slides a b -o p", "m --slides a --slides b -o p"),
        ("m --slides=a b c", "m --slides=a --slides b --slides c"),
        ("m -o p --slides a --json", "m -o p --slides a --json"),
        ("m --slides a -- b", "m --slides a -- b"),
        ("-o p m", "-o p m"),
    ],
)
def test_an_option_takes_the_words_up_to_the_next_one(words: str, meant: str) -> None:
    assert _repeated(words.split(), {"--slides"}) == meant.split()
