"""The local engine: worker processes on this machine."""

import os
from collections.abc import Iterator

from msfusion_sdk.cohort.store.ledger import SlideStatus, status_of
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.workers.pool import StoreFailed, WorkerPool
from msfusion_sdk.cohort.workers.retries import ShowPatches, TaskSource, supervise
from msfusion_sdk.cohort.workers.staging import Stager
from msfusion_sdk.cohort.workers.stopping import Stop
from msfusion_sdk.cohort.workers.work_hints import Claims
from msfusion_sdk.cohort.workers.worker import Job, SlideTask

__all__ = ["encode_in_pool", "encode_locally", "threads_each"]


def threads_each(workers: int) -> int:
    """Return how many threads each of ``workers`` processes may use, at least 1.

    That is ``OMP_NUM_THREADS`` where it is set, as in any program, else the cores divided:
    threads that share a core wait for each other and are many times slower.
    """
    # OpenMP allows a number for every level of nesting ("4,2"); the first is the outermost.
    wish = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if wish.isdecimal() and int(wish):
        return int(wish)
    # A batch job may be bound to fewer cores than the machine has; not every system can tell.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // workers)


def encode_locally(
    job: Job,
    tasks: list[SlideTask],
    *,
    workers: int,
    stop: Stop,
    show_patches: ShowPatches,
) -> Iterator[SlideStatus | StoreFailed | None]:
    """Encode ``tasks`` in ``workers`` processes of this run's own; yields as ``supervise`` does.

    Closing the iterator ends all workers at once.
    """
    # A worker beyond the number of slides would load the model for nothing.
    pool = WorkerPool(job, min(workers, len(tasks)))
    try:
        yield from encode_in_pool(job, tasks, pool, stop=stop, show_patches=show_patches)
    finally:
        pool.close()


def encode_in_pool(
    job: Job,
    tasks: list[SlideTask],
    pool: WorkerPool,
    *,
    stop: Stop,
    show_patches: ShowPatches,
) -> Iterator[SlideStatus | StoreFailed | None]:
    """Encode ``tasks`` in the workers of ``pool``, which stay; yields as ``supervise`` does."""
    store, claims = EmbeddingStore(job.root, job.fingerprint), Claims(job.root, job.fingerprint)
    is_wanted = job.staging is not None or any(task.remote is not None for task in tasks)
    stager = Stager(job.staging, job.staging_gb) if is_wanted else None

    # Asked just before a slide is started: since the tasks were listed, another process on the same
    # folder may have finished it.
    def is_done(task: SlideTask) -> SlideStatus | None:
        part = store.find(task.wanted, patches=job.patches)
        return None if part is None else status_of(part)

    events = supervise(
        pool,
        TaskSource(tasks, stager.prepare if stager else None),
        is_done=is_done,
        is_taken=lambda task: not claims.take(task.slide_id),
        stop=stop,
        show_patches=show_patches,
    )
    try:
        for event in events:
            if isinstance(event, SlideStatus):
                # Also of a slide that somebody else finished: so a claim that a killed process left
                # goes away.
                claims.release(event.slide_id)
                if stager:
                    stager.release(event.slide_id)
            yield event
    finally:
        claims.release_all()
        if stager:
            stager.close()
