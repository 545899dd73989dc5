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


def test_a_flag_that_is_the_event_but_for_a_few_is_named_with_their_number(
    y: pd.DataFrame,
) -> None:
    wrong = y["event"].to_numpy(copy=True)
    wrong[:4] = ~wrong[:4]
    assert "'x1' equals the event for 196 of 200 patients" in told(wrong.astype(int), y)
    words = np.where(np.arange(200) < 3, "lost", np.where(y["event"], "gone", "here"))
    assert "equals the event for" in told(words, y)


def test_a_flag_that_goes_with_the_event_in_nine_of_ten_is_a_good_marker(y: pd.DataFrame) -> None:
    marker = y["event"].to_numpy() ^ (np.arange(200) % 10 == 0)
    assert told(marker.astype(int), y) == ""


@pytest.mark.parametrize(
    "binned", [lambda t: (2000 + t / 12).round(), lambda t: pd.cut(t, 8).cat.codes]
)
def test_ties_do_not_hide_that_a_column_orders_the_times(binned: object, y: pd.DataFrame) -> None:
    assert "alone orders the times (C 1.00)" in told(binned(y["time"]), y)


@pytest.mark.parametrize("column", ["time", "event"])
def test_gaps_do_not_hide_what_a_column_tells(column: str, y: pd.DataFrame) -> None:
    gappy = y[column].astype(float).where(np.arange(200) % 4 > 0)
    assert "where it is not empty" in told(gappy, y)


def test_words_with_gaps_for_the_event_are_named(y: pd.DataFrame) -> None:
    words = pd.Series(np.where(y["event"], "gone", "here"), IDS).where(np.arange(200) % 4 > 0)
    assert "'x1=gone' equals the event where it is not empty" in told(words, y)


def test_a_column_that_follows_a_number_is_named(y: pd.DataFrame) -> None:
    number = age().rename("number")
    table = pd.DataFrame({"other": y["time"], "x1": 2 * number - 7})
    with pytest.warns(TableWarning, match=r"'x1' follows the number \(r 1\.00\)"):
        ClinicalAdapter().fit(table, number)
    noisy = number + np.random.default_rng(3).normal(0, 5, 200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ClinicalAdapter().fit(table.assign(x1=noisy), number)


def test_a_gene_that_few_patients_have_orders_nothing() -> None:
    time = np.exp(np.linspace(0, 6, 100))
    y = pd.DataFrame({"time": time, "event": True})
    # Heard in eight patients alone; 85 % of all pairs are of two in whom it is silent.
    silent = np.where(np.arange(100) < 92, 0, time)[:, None]
    assert find_leaks(silent, y) == {}
    (why,) = find_leaks(np.floor(np.log(time))[:, None], y).values()
    assert why == "alone orders the times (C 1.00)"
