"""Columns that are the outcome under another name are found by what they hold."""

import warnings

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_adapters.leakage import find_leaks
from msfusion_adapters.table import TableAdapter
from msfusion_sdk.tables.issues import TableWarning

IDS = pd.Index([f"P{number:03d}" for number in range(200)], name="patient_id")


@pytest.fixture
def y() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    death, last = rng.exponential(40, 200), rng.uniform(12, 90, 200)
    return pd.DataFrame({"time": np.minimum(death, last) + 0.1, "event": death <= last}, IDS)


def age() -> pd.Series:
    return pd.Series(np.random.default_rng(6).normal(60, 10, 200).round(), IDS, name="age")


def told(column: object, y: "pd.DataFrame | pd.Series", name: str = "x1") -> str:
    """Return what is warned of when a clinical table holds age and this column."""
    table = age().to_frame().assign(**{name: column})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ClinicalAdapter().fit(table, y)
    return " ".join(str(each.message) for each in caught)


@pytest.mark.parametrize("name", ["fstat", "status", "state", "y2"])
def test_a_column_that_equals_the_event_is_named(name: str, y: pd.DataFrame) -> None:
    assert f"'{name}' equals the event" in told(y["event"].astype(int), y, name)
    assert f"'{name}' equals the event" in told(1 - y["event"], y, name)


def test_words_for_the_event_are_named_too(y: pd.DataFrame) -> None:
    words = np.where(y["event"], "gone", "here")
    assert "'x1=here' equals the event" in told(words, y)


@pytest.mark.parametrize(
    "change",
    [
        lambda time: time,
        lambda time: time * 30.4,
        lambda time: -np.log(time),
        lambda time: time.round(),
        lambda time: time + np.random.default_rng(0).normal(0, 0.5, len(time)),
        lambda time: time.rank(),
    ],
)
def test_a_column_that_alone_orders_the_times_is_named_with_its_figure(
    change: object, y: pd.DataFrame
) -> None:
    assert "'lenfol' alone orders the times (C 0.9" in told(change(y["time"]), y, "lenfol").replace(
        "C 1.0", "C 0.9"
    )


def test_a_strong_predictor_is_none(y: pd.DataFrame) -> None:
    noise = np.random.default_rng(2).normal(0, 1, 200)
    assert told(np.log(y["time"]) + noise, y) == ""


def test_the_row_order_of_a_table_sorted_by_time_is_named(y: pd.DataFrame) -> None:
    by_time = np.argsort(
        np.argsort(y["time"].to_numpy() + 20 * np.random.default_rng(3).random(200))
    )
    assert "'no' counts the rows of a table sorted by time (C 0." in told(by_time, y, "no")


def test_the_row_order_of_a_table_sorted_by_class_is_named() -> None:
    y = pd.Series(np.repeat(["a", "b", "c"], [80, 60, 60]), IDS)
    assert "'no' " in told(np.arange(200), y, "no")
    half = pd.Series(np.repeat(["a", "b"], 100), IDS)
    expected = "'no' counts the rows of a table sorted by class 'a' (AUROC 1.00)"
    assert expected in told(np.arange(200), half, "no")


def test_a_number_of_the_patient_in_no_order_is_not(y: pd.DataFrame) -> None:
    shuffled = np.random.default_rng(8).permutation(200)
    assert told(shuffled, y, "no") == ""


@pytest.mark.parametrize("kind", [str, int])
def test_a_column_that_equals_the_class_is_named(kind: type) -> None:
    codes = np.random.default_rng(1).integers(0, 3, 200)
    y = pd.Series([kind(code) for code in codes], IDS)
    assert "equals class" in told([f"c{code}" for code in codes], y)


@pytest.mark.parametrize("adapter", [TableAdapter, GenomicsAdapter])
def test_every_table_is_looked_at(adapter: type, y: pd.DataFrame) -> None:
    table = age().to_frame().assign(os_days=y["time"] * 30.4)
    with pytest.warns(TableWarning, match=r"'os_days' alone orders the times \(C 1\.00\)"):
        adapter().fit(table, y)


def test_chance_among_many_genes_is_not_named(y: pd.DataFrame) -> None:
    genes = np.random.default_rng(0).normal(size=(200, 5000))
    assert find_leaks(genes, y) == {}
    assert find_leaks(genes[:24], y.iloc[:24]) == {}
    assert find_leaks(genes[:24], pd.Series([*"ab"] * 12)) == {}


def test_few_patients_say_nothing(y: pd.DataFrame) -> None:
    table = pd.DataFrame({"x": y["time"], "age": age()}).iloc[:15]
    ClinicalAdapter().fit(table, y)


def test_without_an_outcome_nothing_is_looked_for() -> None:
    ClinicalAdapter().fit(age().to_frame())
