"""Processes that read slides for the viewer: one for each slide that was looked at last."""

import asyncio
import os
import time
from collections import OrderedDict
from threading import Lock
from typing import Any

from msfusion_sdk.errors import ReaderCrashedError, SlideError, SlideTimeoutError
from msfusion_sdk.storage.isolation import Child, ChildDiedError
from msfusion_sdk.view.catalog import ListedSlide

__all__ = ["DEADLINE_S", "OPEN_SLIDES", "THREADS", "SlideReaders"]

OPEN_SLIDES = 4
THREADS = min(4, os.cpu_count() or 1)
"""Of each process; what more requests ask for waits."""
MEMORY_BYTES = 8 * 2**30
DEADLINE_S = 20.0
"""Without any answer about a slide, after which its process is ended."""
PAUSE_S = 10.0
"""Seconds in which a slide whose process was ended is not tried again."""
POLL_S = 0.25


class SlideReaders:
    """Asks about slides, each in a process of its own."""

    def __init__(self) -> None:
        self._children: OrderedDict[str, Child] = OrderedDict()
        self._refused: dict[str, tuple[float, SlideError]] = {}
        self._lock = Lock()
        # Started ahead: loading the libraries takes longer than opening a slide.
        self._spare = _new_child()

    async def ask(self, listed: ListedSlide, what: str, *arguments: Any) -> Any:
        """Return what ``reading.answer`` says of a slide.

        Raises
        ------
        SlideError
            Also when the slide ends the process that reads it, or its disk does not answer.
        """
        self._require_not_refused(listed.key)
        child, leaving = self._child(listed.key)
        # In a thread: ending a process may take a second, and the loop has others to answer.
        for old in leaving:
            await asyncio.to_thread(old.close)
        waiting = asyncio.wrap_future(child.submit(what, str(listed.path), listed.mpp, *arguments))
        while not (await asyncio.wait({waiting}, timeout=POLL_S))[0]:
            if child.is_late(DEADLINE_S):
                msg = f"{listed.path} gave no answer for {DEADLINE_S:g} s: its disk may hang."
                self._refuse(listed.key, SlideTimeoutError(msg, retryable=True))
                await asyncio.to_thread(child.close)
        try:
            return waiting.result()
        except ChildDiedError as error:
            msg = f"{listed.path} ends the process that reads it ({error}). Copy the slide again."
            raise self._refuse(listed.key, ReaderCrashedError(msg)) from error

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            children = [*self._children.values(), self._spare]
            self._children.clear()
        for child in children:
            child.close()

    def _child(self, key: str) -> tuple[Child, list[Child]]:
        """Return the process of a slide, the spare one if it has none yet, and those that leave.

        They are those that were not asked for longest, and are not at work.
        """
        with self._lock:
            child = self._children.pop(key, None)
            if child is None:
                child, self._spare = self._spare, _new_child()
            idle = [other for other, known in self._children.items() if known.is_idle]
            surplus = max(0, len(self._children) + 1 - OPEN_SLIDES)
            leaving = [self._children.pop(other) for other in idle[:surplus]]
            self._children[key] = child
        return child, leaving

    def _require_not_refused(self, key: str) -> None:
        with self._lock:
            until, error = self._refused.get(key, (0.0, None))
            if error is not None and time.monotonic() < until:
                raise error
            self._refused.pop(key, None)

    def _refuse(self, key: str, error: SlideError) -> SlideError:
        """Let a slide alone for a while; return the error that was the first."""
        with self._lock:
            until, known = self._refused.get(key, (0.0, error))
            if time.monotonic() >= until:
                known = error
            self._refused[key] = time.monotonic() + PAUSE_S, known
            return known


def _new_child() -> Child:
    child = Child("msfusion_sdk.view.reading:answer", threads=THREADS, memory_bytes=MEMORY_BYTES)
    child.start()
    return child
