"""Read ahead of whoever uses the pixels, in order, in bounded memory."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from msfusion_sdk.slides.readers.reader import Slide

__all__ = ["prefetch"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def prefetch(
    slide: Slide,
    jobs: Iterable[Job],
    read: Callable[[Slide, Job], Result],
    *,
    threads: int,
    ahead: int,
) -> Generator[Result]:
    """Yield ``read(handle, job)`` of every job, in the order of the jobs.

    Parameters
    ----------
    read : callable
        What it raises ends the generator.
    threads : int
        Reading threads; decoding releases the interpreter lock.  Each opens the slide for
        itself.  0 reads in the calling thread, without overlap.
    ahead : int
        Results that may wait to be taken: the bound on memory.
    """
    if threads == 0:
        for job in jobs:
            yield read(slide, job)
        return
    handles = _Handles(slide)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="msfusion-read")
    waiting: deque[Future[Result]] = deque()
    try:
        for job in jobs:
            # As an argument: the loop has moved on when a thread looks at its variable.
            waiting.append(pool.submit(lambda job: read(handles.mine(), job), job))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # This waits for reads that have begun, whose handles must stay open until then.
        pool.shutdown(cancel_futures=True)
        handles.close()


class _Handles:
    """One handle on the slide per thread, opened when the thread first reads."""

    def __init__(self, slide: Slide) -> None:
        self._slide = slide
        self._local = threading.local()
        self._opened: list[Slide] = []

    def mine(self) -> Slide:
        handle: Slide | None = getattr(self._local, "handle", None)
        if handle is None:
            handle = self._local.handle = self._slide.reopen()
            self._opened.append(handle)
        return handle

    def close(self) -> None:
        for handle in self._opened:
            handle.close()
