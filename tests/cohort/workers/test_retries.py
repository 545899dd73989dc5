"""Which slide is tried again and how it ends, without any process."""

from dataclasses import replace
from pathlib import Path

import pytest

from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.workers import retries as module
from msfusion_sdk.cohort.workers.pool import Died, Ended, StoreFailed
from msfusion_sdk.cohort.workers.retries import Attempt, TaskSource, retry_or_fail, supervise
from msfusion_sdk.cohort.workers.stopping import Stop
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import StoreFullError


@pytest.fixture
def tasks(rows: list[SlideRow], wanted: dict[str, PartKey]) -> list[SlideTask]:
    return [SlideTask(wanted[row.slide_id], row.path) for row in rows]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_OFF_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(module, "POLL_S", 0.0)


def ok(task: SlideTask) -> SlideStatus:
    return SlideStatus(slide_id=task.slide_id, status="ok")


def fault(task: SlideTask) -> SlideStatus:
    return SlideStatus(slide_id=task.slide_id, status="failed", code="Slide", retryable=True)


class ScriptedPool:
    """Two workers that do with each slide what the script says, in order."""

    def __init__(self, script: dict[str, list[object]]) -> None:
        self.script, self.given, self.in_hand = script, [], []  # type: ignore[var-annotated]

    @property
    def has_room(self) -> bool:
        return len(self.in_hand) < 2

    def submit(self, task: SlideTask) -> None:
        self.given.append(task.slide_id)
        self.in_hand.append(task)

    def events(self, _timeout: float) -> list[object]:
        events = []
        for task in self.in_hand:
            kind = self.script.get(task.slide_id, [ok]).pop(0)
            is_death = kind in ("crashed", "timeout")
            events.append(Died(task, kind, -9) if is_death else Ended(task, kind(task)))
        self.in_hand = []
        return events  # type: ignore[return-value]


def run(
    tasks: list[SlideTask], pool: object, *, done: tuple[str, ...] = (), taken: tuple[str, ...] = ()
) -> dict[str, SlideStatus]:
    events = supervise(
        pool,
        TaskSource(tasks),
        is_done=lambda task: ok(task) if task.slide_id in done else None,
        is_taken=lambda task: task.slide_id in taken,
        stop=Stop(),
        show_patches=lambda *_: None,
    )
    return {event.slide_id: event for event in events if event is not None}  # type: ignore[misc]


def test_a_slide_that_kills_two_workers_is_crashed_and_the_others_are_done(
    tasks: list[SlideTask],
) -> None:
    pool = ScriptedPool({"a": ["crashed", "crashed", "crashed"]})
    ended = run(tasks, pool)
    assert {name: s.status for name, s in ended.items()} == {
        "a": "crashed",
        "b": "ok",
        "c": "ok",
        "d": "ok",
    }
    assert ended["a"].attempts == pool.given.count("a") == 2


def test_a_slide_whose_worker_died_once_by_chance_is_done(tasks: list[SlideTask]) -> None:
    ended = run(tasks, ScriptedPool({"a": ["crashed", ok]}))
    assert (ended["a"].status, ended["a"].attempts) == ("ok", 2)


def test_a_slide_that_hangs_is_given_up_at_once(tasks: list[SlideTask]) -> None:
    pool = ScriptedPool({"a": ["timeout", ok]})
    ended = run(tasks, pool)
    assert (ended["a"].status, ended["a"].retryable, pool.given.count("a")) == ("timeout", True, 1)


def test_a_fault_of_the_disk_is_tried_four_times(tasks: list[SlideTask]) -> None:
    pool = ScriptedPool({"a": [fault] * 9, "b": [fault, fault, ok]})
    ended = run(tasks, pool)
    assert (ended["a"].status, pool.given.count("a")) == ("failed", 4)
    assert (ended["b"].status, ended["b"].attempts) == ("ok", 3)


def test_a_slide_waits_after_a_fault(tasks: list[SlideTask], monkeypatch: object) -> None:
    monkeypatch.setattr(module, "BACK_OFF_S", (100.0,))  # type: ignore[attr-defined]
    source = TaskSource(tasks[:1])
    attempt = source.take()
    source.again(retry_or_fail(attempt, Ended(attempt.task, fault(attempt.task))))
    assert source.take() is None
    assert len(source) == 1


def test_a_permanent_failure_is_tried_once(tasks: list[SlideTask]) -> None:
    def broken(task: SlideTask) -> SlideStatus:
        return fault(task).model_copy(update={"retryable": False})

    pool = ScriptedPool({"a": [broken, ok]})
    assert run(tasks, pool)["a"].status == "failed"
    assert pool.given.count("a") == 1


def test_a_slide_that_changed_is_tried_once_more_as_it_is_now(tasks: list[SlideTask]) -> None:
    def changed(task: SlideTask) -> SlideStatus:
        return SlideStatus(slide_id=task.slide_id, status="changed", code="SlideChanged")

    old = replace(tasks[0].wanted, stamp=replace(tasks[0].wanted.stamp, mtime_ns=1))
    attempt = Attempt(replace(tasks[0], wanted=old))
    again = retry_or_fail(attempt, Ended(attempt.task, changed(attempt.task)))
    assert again.task.wanted == tasks[0].wanted
    assert retry_or_fail(again, Ended(again.task, changed(again.task))).status == "changed"


def test_what_another_process_has_finished_is_not_done_again(tasks: list[SlideTask]) -> None:
    pool = ScriptedPool({})
    ended = run(tasks, pool, done=("b",))
    assert ended["b"].status == "ok"
    assert "b" not in pool.given


def test_what_another_process_has_in_hand_comes_last(tasks: list[SlideTask]) -> None:
    pool = ScriptedPool({})
    assert len(run(tasks, pool, taken=("a",))) == 4
    assert pool.given == ["b", "c", "d", "a"]


def test_a_store_that_fails_is_told_at_once(tasks: list[SlideTask]) -> None:
    class Full(ScriptedPool):
        def events(self, _timeout: float) -> list[object]:
            return [StoreFailed(task, StoreFullError("full")) for task in self.in_hand]

    events = supervise(
        Full({}),
        TaskSource(tasks),
        is_done=lambda _: None,
        is_taken=lambda _: False,
        stop=Stop(),
        show_patches=lambda *_: None,
    )
    assert isinstance(next(events), StoreFailed)


def test_after_a_stop_slides_in_hand_end_and_no_other_begins(tasks: list[SlideTask]) -> None:
    stop, pool = Stop(), ScriptedPool({})
    events = supervise(
        pool,
        TaskSource(tasks),
        is_done=lambda _: None,
        is_taken=lambda _: False,
        stop=stop,
        show_patches=lambda *_: None,
    )
    ended = [next(events)]
    stop.request()
    ended += [event for event in events if event is not None]
    assert [status.slide_id for status in ended] == ["a", "b"]


def test_tasks_that_are_being_copied_let_others_go_first(tasks: list[SlideTask]) -> None:
    copied = {"b": Path("copy-of-b")}

    def prepare(task: SlideTask) -> SlideTask | None:
        found = copied.get(task.slide_id)
        return replace(task, read_from=found) if found else None

    source = TaskSource(tasks, prepare)
    assert source.take().task.read_from == Path("copy-of-b")
    assert source.take() is None


def test_a_slide_is_in_hand_from_when_it_is_given_out(tasks: list[SlideTask]) -> None:
    shown: list[tuple[str, int, int]] = []
    events = supervise(
        ScriptedPool({}),
        TaskSource(tasks[:2]),
        is_done=lambda _task: None,
        is_taken=lambda _task: False,
        stop=Stop(),
        show_patches=lambda *told: shown.append(told),
    )
    assert next(events) is not None
    assert shown == [(tasks[0].slide_id, 0, 0), (tasks[1].slide_id, 0, 0)]
    assert len(list(events)) == 2
