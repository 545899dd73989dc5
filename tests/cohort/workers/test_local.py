"""How many threads each worker may use."""

import os

import pytest

from msfusion_sdk.cohort.workers.local import threads_each


@pytest.mark.parametrize(
    ("cores", "workers", "threads"), [(16, 1, 16), (16, 3, 5), (2, 2, 1), (2, 8, 1)]
)
def test_the_cores_are_divided_among_the_workers(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, threads: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)
    assert threads_each(workers) == threads


@pytest.mark.parametrize(("wish", "threads"), [("3", 3), (" 4,2", 4)])
def test_the_number_that_the_environment_asks_for_wins(
    monkeypatch: pytest.MonkeyPatch, wish: str, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert threads_each(2) == threads


@pytest.mark.parametrize("nonsense", ["", "0", "many", "-1"])
def test_nonsense_in_the_environment_is_ignored(
    monkeypatch: pytest.MonkeyPatch, nonsense: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(6), raising=False)
    assert threads_each(2) == 3
