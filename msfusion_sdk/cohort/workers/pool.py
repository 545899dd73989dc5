"""Worker processes with deadlines: a slide that aborts or hangs its reader costs only itself."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Literal

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.workers.worker import Job, SlideTask, serve
from msfusion_sdk.errors import MsfusionError, ReaderCrashedError, StoreError

__all__ = ["Died", "Ended", "Progressed", "StoreFailed", "WorkerPool"]

# In a row: one death may be chance, a library or memory that is missing ends every worker.
DEATHS_AT_START = 3
START_S = 300.0
"""Seconds that a worker may take to load the model, from a slow network disk say."""


@dataclass(frozen=True)
class Progressed:
    """A worker has done some patches of a slide."""

    task: SlideTask
    done: int
    total: int


@dataclass(frozen=True)
class Ended:
    """A worker has committed a slide, or says why it cannot be."""

    task: SlideTask
    status: SlideStatus


@dataclass(frozen=True)
class StoreFailed:
    """A worker could not store a result."""

    task: SlideTask
    error: StoreError


@dataclass(frozen=True)
class Died:
    """A worker is gone: it crashed, or it was killed because it made no progress."""

    task: SlideTask
    why: Literal["crashed", "timeout"]
    exit_code: int | None


Event = Progressed | Ended | StoreFailed | Died


class _Worker:
    """One process, and the slide it has in hand."""

    def __init__(self, job: Job) -> None:
        # Spawned, never forked: a fork copies locks of threads that it does not copy.
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        small = replace(job, encoder=b"")
        self.process = context.Process(target=serve, args=(theirs, small), daemon=True)
        self.process.start()
        # While our copy of its end is open, reading never meets the end of the connection.
        theirs.close()
        # Not among the arguments: of their pipe the parent holds both ends while it writes, so
        # that a process that dies before it has read 90 MB would leave it waiting for ever.
        self._sender = threading.Thread(target=self._send_encoder, args=(job.encoder,), daemon=True)
        self._sender.start()
        self.task: SlideTask | None = None
        self.is_ready = False
        self.heard_at = time.monotonic()

    def give(self, task: SlideTask) -> None:
        # The deadline counts from here: the worker may have waited for a slide for hours.
        self.task, self.heard_at = task, time.monotonic()
        # Before that, the sending thread may still be writing the encoder to the same connection.
        if self.is_ready:
            self._send(task)

    def note_ready(self) -> None:
        """From now on the connection is free for tasks."""
        self.is_ready = True
        if self.task is not None:
            self._send(self.task)

    def _send(self, task: SlideTask) -> None:
        with contextlib.suppress(OSError):  # it has just died: its sentinel tells
            self.connection.send(task)

    def _send_encoder(self, encoder: bytes) -> None:
        with contextlib.suppress(OSError):
            self.connection.send_bytes(encoder)

    def kill(self) -> None:
        # Not ``terminate()``: workers ignore SIGTERM, and one that hangs in C code would not
        # notice.
        self.process.kill()
        # A process in an uninterruptible read of a dead disk cannot be waited for.
        self.process.join(1)
        # With nobody left to read, sending ends with an error; only then may it be closed.
        self._sender.join(1)
        if not self._sender.is_alive():
            self.connection.close()


class WorkerPool:
    """A fixed number of workers; those that die are replaced.

    Parameters
    ----------
    job : Job
        What all slides have in common.
    workers : int
        Processes, at least 1.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._workers = [_Worker(job) for _ in range(workers)]
        self._deaths_at_start = 0

    @property
    def tasks(self) -> list[SlideTask]:
        """The slides in hand."""
        return [worker.task for worker in self._workers if worker.task is not None]

    @property
    def has_room(self) -> bool:
        """Whether a worker waits for a slide."""
        return len(self.tasks) < len(self._workers)

    def submit(self, task: SlideTask) -> None:
        """Give a slide to a worker that waits for one."""
        # One that has loaded its model before one that is still starting.
        idle = [worker for worker in self._workers if worker.task is None]
        max(idle, key=lambda worker: worker.is_ready).give(task)

    def events(self, timeout_s: float) -> Iterator[Event]:
        """Wait for up to ``timeout_s`` seconds and yield what has happened.

        Raises
        ------
        ReaderCrashedError
            When workers die again and again before they have loaded the model.
        """
        handles: list[Connection | int] = []
        for worker in self._workers:
            handles += [worker.connection, worker.process.sentinel]
        happened = set(wait(handles, max(0.0, timeout_s)))
        for worker in list(self._workers):
            if not happened.isdisjoint((worker.connection, worker.process.sentinel)):
                yield from self._hear(worker)
        for worker in list(self._workers):
            # A worker without a slide owes nothing, unless it is still loading the model.
            waits = worker.task is not None or not worker.is_ready
            patience = self._job.timeout_s if worker.is_ready else max(START_S, self._job.timeout_s)
            if waits and time.monotonic() - worker.heard_at > patience:
                yield from self._replace(worker, "timeout")

    def close(self) -> None:
        """End all workers at once; what they have not committed is lost."""
        for worker in self._workers:
            worker.kill()
        self._workers = []

    def _hear(self, worker: _Worker) -> Iterator[Event]:
        """Yield the messages of a worker, and then that it has died if it has."""
        for message in _messages(worker.connection):
            worker.heard_at = time.monotonic()
            task = worker.task
            if message[0] == "ready":
                worker.note_ready()
                self._deaths_at_start = 0
            elif task is None:
                msg = f"A worker without a slide sent {message[0]!r}. This is a defect of the SDK."
                raise MsfusionError(msg)
            elif message[0] == "progress":
                yield Progressed(task, *message[1:])
            else:
                worker.task = None
                kind = StoreFailed if message[0] == "store" else Ended
                yield kind(task, message[1])
        # After its messages: what it had committed before it died is not done a second time.
        if not worker.process.is_alive():
            yield from self._replace(worker, "crashed")

    def _replace(self, worker: _Worker, why: Literal["crashed", "timeout"]) -> Iterator[Event]:
        worker.kill()
        if not worker.is_ready:
            self._deaths_at_start += 1
            if self._deaths_at_start >= DEATHS_AT_START:
                msg = (
                    f"{DEATHS_AT_START} worker processes in a row ended before they had loaded the "
                    f"model (exit code {worker.process.exitcode}). What they printed says why; "
                    "try fewer workers if memory is short."
                )
                raise ReaderCrashedError(msg)
        # The innocent slide of a worker that never started is work again, at no cost to it.
        self._workers[self._workers.index(worker)] = fresh = _Worker(self._job)
        if worker.task is None:
            return
        if worker.is_ready:
            yield Died(worker.task, why, worker.process.exitcode)
        else:
            fresh.give(worker.task)


def _messages(connection: Connection) -> Iterator[tuple]:  # type: ignore[type-arg]
    """Yield what has arrived, up to the end of the connection."""
    try:
        while connection.poll():
            yield connection.recv()
    # A worker that is killed while it writes leaves half a message.
    except (EOFError, OSError):
        return
