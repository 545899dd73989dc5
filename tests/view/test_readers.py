"""A slide that hangs or crashes its reader costs itself, and the others are shown."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk.errors import ReaderCrashedError, SlideTimeoutError
from msfusion_sdk.storage.isolation import Child
from msfusion_sdk.view import readers
from msfusion_sdk.view.catalog import ListedSlide
from msfusion_sdk.view.readers import OPEN_SLIDES, SlideReaders

pytestmark = pytest.mark.slow

FAKE = """
import os, time

def answer(what, path, mpp, *arguments):
    if path.endswith("hangs"):
        time.sleep(1000)
    if path.endswith("aborts"):
        os.abort()
    return [os.getpid(), what, *arguments]
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlideReaders]:
    """Readers whose processes do as the name of the file says."""
    (tmp_path / "fake_reading.py").write_text(FAKE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(readers, "_new_child", lambda: Child("fake_reading:answer", threads=4))
    found = SlideReaders()
    yield found
    found.close()


def listed(name: str) -> ListedSlide:
    return ListedSlide(name, "", Path(f"/slides/{name}"), None, "ok", "", None, "")


def run(*asked: Coroutine[Any, Any, Any]) -> list[Any]:
    async def together() -> list[Any]:
        return await asyncio.gather(*asked, return_exceptions=True)

    # In a thread of its own: where a browser is driven, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, together()).result()


def test_a_slide_that_aborts_its_reader_costs_itself(made: SlideReaders) -> None:
    a, b, aborts = (listed(name) for name in ("a", "b", "aborts"))
    bad, good, again = run(made.ask(aborts, "info"), made.ask(a, "info"), made.ask(b, "x"))
    assert isinstance(bad, ReaderCrashedError)
    assert "ends the process that reads it" in str(bad)
    assert (good[1:], again[1:]) == (["info"], ["x"])
    assert good[0] != again[0], "each slide has a process of its own"


def test_a_slide_that_hangs_ends_after_its_time(
    made: SlideReaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(made.ask(listed("a"), "info"))  # its process has started
    monkeypatch.setattr(readers, "DEADLINE_S", 0.5)
    monkeypatch.setattr("msfusion_sdk.storage.isolation.START_S", 0.5)
    found = run(*(made.ask(listed("hangs"), "info") for _ in range(10)), made.ask(listed("a"), "x"))
    assert [type(error) for error in found[:10]] == [SlideTimeoutError] * 10
    assert found[10][1:] == ["x"]


def test_a_slide_that_was_given_up_is_let_alone_for_a_while(
    made: SlideReaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(made.ask(listed("aborts"), "info"))
    assert made._children[listed("aborts").key].pid is None
    run(made.ask(listed("aborts"), "info"))
    assert made._children[listed("aborts").key].pid is None, "nobody has tried"
    monkeypatch.setattr(readers, "PAUSE_S", 0.0)
    made._refused.clear()
    (first,) = run(made.ask(listed("aborts"), "info"))
    assert isinstance(first, ReaderCrashedError)


def test_only_a_few_processes_stay(made: SlideReaders) -> None:
    for number in range(OPEN_SLIDES + 2):
        run(made.ask(listed(str(number)), "info"))
    assert list(made._children) == [listed(str(n)).key for n in range(2, OPEN_SLIDES + 2)]


def test_many_at_once_get_their_own_answers(made: SlideReaders) -> None:
    found = run(*(made.ask(listed("a"), "tile", number) for number in range(200)))
    assert [answer[1:] for answer in found] == [["tile", number] for number in range(200)]
    assert len({answer[0] for answer in found}) == 1
