"""Which slide is tried again, when, and with which status it ends."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.workers.pool import Died, Ended, Progressed, StoreFailed, WorkerPool
from msfusion_sdk.cohort.workers.stopping import Stop
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import SlideError
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.listing import look_at
from msfusion_sdk.slides.readers.file_kind import classify

__all__ = ["Attempt", "ShowPatches", "TaskSource", "retry_or_fail", "supervise"]

ShowPatches = Callable[[str, int, int], None]

BACK_OFF_S = (1.0, 4.0, 16.0)
"""Waits before a slide is read again after a transient fault of its disk."""
# One death may be chance, such as memory that was short for a moment; two are the slide's.
MAX_DEATHS = 2
# Also how long a stop, or a finished local copy, may go unnoticed.
POLL_S = 0.5


@dataclass(frozen=True)
class Attempt:
    """A slide and what has become of it so far."""

    task: SlideTask
    deaths: int = 0
    faults: int = 0
    changes: int = 0
    not_before: float = 0.0

    @property
    def number(self) -> int:
        """Which try it is, from 1."""
        return 1 + self.deaths + self.faults + self.changes


class TaskSource:
    """The slides still to do, those that wait after a fault behind the others.

    Parameters
    ----------
    tasks : list of SlideTask
        In the order in which they are to be done.
    prepare : callable, optional
        Returns the task as it is to be read, or None while it is being copied.
    """

    def __init__(
        self,
        tasks: list[SlideTask],
        prepare: Callable[[SlideTask], SlideTask | None] | None = None,
    ) -> None:
        self._waiting = deque(Attempt(task) for task in tasks)
        self._prepare = prepare or (lambda task: task)

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Attempt | None:
        """Return the next slide whose time has come and that can be read."""
        now = time.monotonic()
        for index, attempt in enumerate(self._waiting):
            if attempt.not_before <= now and (task := self._prepare(attempt.task)) is not None:
                del self._waiting[index]
                return replace(attempt, task=task)
        return None

    def again(self, attempt: Attempt) -> None:
        """Put a slide behind the others."""
        self._waiting.append(attempt)

    def clear(self) -> None:
        """Forget all slides that nobody has in hand."""
        self._waiting.clear()


def supervise(
    pool: WorkerPool,
    source: TaskSource,
    *,
    is_done: Callable[[SlideTask], SlideStatus | None],
    is_taken: Callable[[SlideTask], bool],
    stop: Stop,
    show_patches: ShowPatches,
) -> Iterator[SlideStatus | StoreFailed | None]:
    """Yield how every slide of ``source`` ends; None now and then, so that a caller can stop.

    Parameters
    ----------
    is_done : callable
        The status of a slide that another process has finished meanwhile, else None.
    is_taken : callable
        Whether another process works on the slide: it is then left until the others are done.
    stop : Stop
        Once requested, no further slide is started.
    show_patches : callable
        Called with (slide id, patches done, patches in all); 0 and 0 when a slide is given out.
    """
    in_hand: dict[str, Attempt] = {}
    postponed: set[str] = set()
    while source or in_hand:
        if stop.requested:
            # Slides in hand go on: the caller ends them when their time of grace is over.
            source.clear()
        while pool.has_room and (attempt := source.take()) is not None:
            task = attempt.task
            if (status := is_done(task)) is not None:
                yield status
            # Put off once only: when its turn comes again, the claim may be that of a killed
            # process.
            elif task.slide_id not in postponed and is_taken(task):
                postponed.add(task.slide_id)
                source.again(attempt)
            else:
                in_hand[task.slide_id] = attempt
                pool.submit(task)
                show_patches(task.slide_id, 0, 0)
        for event in pool.events(POLL_S):
            if isinstance(event, Progressed):
                show_patches(event.task.slide_id, event.done, event.total)
                continue
            attempt = in_hand.pop(event.task.slide_id)
            if isinstance(event, StoreFailed):
                yield event
                continue
            verdict = retry_or_fail(attempt, event)
            if isinstance(verdict, Attempt):
                source.again(verdict)
            else:
                yield verdict.model_copy(update={"attempts": attempt.number})
        yield None


def retry_or_fail(attempt: Attempt, event: Ended | Died) -> SlideStatus | Attempt:
    """Return the slide's final status, or the attempt that is to be made next."""
    if isinstance(event, Died):
        return _after_death(attempt, event)
    status = event.status
    # Once: a file that has changed again by then is still being written.
    if status.status == "changed" and not attempt.changes:
        return _with_new_stamp(attempt, status)
    if status.status == "failed" and status.retryable and attempt.faults < len(BACK_OFF_S):
        # Some jitter: twenty workers that lost the same disk do not come back together.
        wait = BACK_OFF_S[attempt.faults] * random.uniform(0.8, 1.2)
        return replace(attempt, faults=attempt.faults + 1, not_before=time.monotonic() + wait)
    return status


def _after_death(attempt: Attempt, event: Died) -> SlideStatus | Attempt:
    slide_id = attempt.task.slide_id
    # Not tried again: what hangs once hangs again, and every try costs a whole deadline.
    if event.why == "timeout":
        return SlideStatus(
            slide_id=slide_id,
            status="timeout",
            code="SlideTimeout",
            reason="No progress before the deadline; its reader was ended. Copy the slide to a "
            "local disk, or raise the timeout.",
            retryable=True,
        )
    if attempt.deaths + 1 < MAX_DEATHS:
        return replace(attempt, deaths=attempt.deaths + 1)
    return SlideStatus(
        slide_id=slide_id,
        status="crashed",
        code="ReaderCrashed",
        reason=f"The process that read it died {MAX_DEATHS} times (exit code {event.exit_code}). "
        "The file is damaged, or memory is short; it is left out until it is replaced.",
    )


def _with_new_stamp(attempt: Attempt, status: SlideStatus) -> SlideStatus | Attempt:
    """Return another attempt on the file as it is now, once."""
    task = attempt.task
    try:
        if isinstance(task.path, Url):
            task = replace(task, remote=look_at(task.path))
        stamp = task.remote.stamp if task.remote else classify(str(task.path)).stamp
    except SlideError:
        return status
    wanted = replace(task.wanted, stamp=stamp, known_as=())
    return replace(attempt, task=replace(task, wanted=wanted), changes=1)
