"""Slides at addresses are staged before they are encoded, each version as itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.workers.staging import Stager
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import SlideChangedError, SlideError
from msfusion_sdk.places.url import find_url
from msfusion_sdk.remote import door
from msfusion_sdk.remote.listing import look_at

from ...remote.serving import Served, served

pytest.importorskip("aiohttp", reason="needs the extra [cloud]")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "WAITS_S", (0.0,) * len(door.WAITS_S))


@pytest.fixture
def server() -> Iterator[Served]:
    with served({f"{name}.svs": name.encode() * 400_000 for name in "abc"}) as found:
        yield found


@pytest.fixture
def stager(tmp_path: Path) -> Iterator[Stager]:
    found = Stager(tmp_path / "staging", 0.001)
    yield found
    found.close()


def task_of(server: Served, name: str) -> SlideTask:
    url = find_url(server.url(f"{name}.svs"))
    assert url is not None
    remote = look_at(url)
    return SlideTask(PartKey(name, remote.stamp, None), url, remote=remote)


def ready(stager: Stager, task: SlideTask) -> SlideTask:
    for _ in range(1000):
        if (found := stager.prepare(task)) is not None:
            return found
        time.sleep(0.005)
    pytest.fail("never ready")


def test_a_task_gets_its_copy(server: Served, stager: Stager) -> None:
    found = ready(stager, task_of(server, "a"))
    assert found.read_from.read_bytes() == b"a" * 400_000
    stager.release("a")
    assert not found.read_from.exists()


def test_copies_wait_for_room(server: Served, stager: Stager) -> None:
    tasks = [task_of(server, name) for name in "abc"]
    for task in tasks[:2]:
        ready(stager, task)
    assert stager.prepare(tasks[2]) is None
    assert stager.prepare(tasks[2]) is None
    stager.release("a")
    assert ready(stager, tasks[2]).read_from.name == "c.svs"


def test_one_that_is_too_large_has_a_problem(server: Served, stager: Stager) -> None:
    server.files["a.svs"] = bytes(1_100_000)
    found = stager.prepare(task_of(server, "a"))
    assert "--staging-gb" in str(found.problem)
    assert not found.problem.retryable


def test_a_replaced_slide_has_a_problem_and_then_another_copy(
    server: Served, stager: Stager
) -> None:
    task = task_of(server, "a")
    server.files["a.svs"] = b"z" * 400_000
    assert isinstance(ready(stager, task).problem, SlideChangedError)
    assert ready(stager, task_of(server, "a")).read_from.read_bytes() == b"z" * 400_000


def test_a_copy_of_an_earlier_version_is_not_used(server: Served, stager: Stager) -> None:
    ready(stager, task_of(server, "a"))
    server.files["a.svs"] = b"z" * 400_000
    found = ready(stager, task_of(server, "a"))
    assert found.read_from.read_bytes() == b"z" * 400_000


def test_a_server_that_fails_is_tried_again_when_the_slide_is(
    server: Served, stager: Stager
) -> None:
    task = task_of(server, "a")
    server.status = 503
    found = ready(stager, task)
    assert isinstance(found.problem, SlideError)
    assert found.problem.retryable
    server.status = 0
    assert ready(stager, found).problem is None


def test_a_full_disk_is_a_problem_of_slides_that_have_no_other_place(
    server: Served, stager: Stager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("msfusion_sdk.cohort.workers.staging.fetch", full)
    found = ready(stager, task_of(server, "a"))
    assert "No space left on device" in str(found.problem)


def test_closing_does_not_wait_for_a_slide_to_come(server: Served, tmp_path: Path) -> None:
    server.cuts, server.cut_after = 10**6, 0
    stager = Stager(tmp_path / "staging", 1.0)
    stager.prepare(task_of(server, "a"))
    stager.close()
    assert list((tmp_path / "staging").iterdir()) == []


def test_files_are_read_in_their_place_when_no_folder_for_copies_is_given(
    tiny_slide: Path,
) -> None:
    stager = Stager(None, 1.0)
    task = SlideTask(PartKey("a", None, None), tiny_slide)
    assert stager.prepare(task) == task
    stager.close()
