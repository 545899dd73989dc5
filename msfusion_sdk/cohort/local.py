"""The local engine: worker processes on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

from msfusion_sdk.cohort.claims import Claims
from msfusion_sdk.cohort.ledger import SlideStatus
from msfusion_sdk.cohort.plan import status_of
from msfusion_sdk.cohort.pool import StoreFailed, WorkerPool
from msfusion_sdk.cohort.staging import Stager
from msfusion_sdk.cohort.stopping import Stop
from msfusion_sdk.cohort.store import EmbeddingStore
from msfusion_sdk.cohort.supervise import ShowPatches, TaskSource, supervise
from msfusion_sdk.cohort.worker import Job, SlideTask

__all__ = ["encode_locally", "threads_each"]


def threads_each(workers: int) -> int:
    """Return how many threads each of ``workers`` processes may use, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // workers)


def encode_locally(
    job: Job,
    tasks: list[SlideTask],
    *,
    workers: int,
    timeout_s: float,
    staging: Path | None,
    staging_gb: float,
    stop: Stop,
    show_patches: ShowPatches,
) -> Iterator[SlideStatus | StoreFailed | None]:
    """Encode ``tasks`` in ``workers`` processes; yields as ``supervise`` does.

    Closing the iterator ends all workers at once.
    """
    store, claims = EmbeddingStore(job.root, job.fingerprint), Claims(job.root, job.fingerprint)

    def is_done(task: SlideTask) -> SlideStatus | None:
        part = store.find(task.wanted, patches=job.patches)
        return None if part is None else status_of(part)

    stager = Stager(staging, staging_gb) if staging is not None else None
    source = TaskSource(tasks, stager.prepare if stager else None)
    pool = WorkerPool(job, min(workers, len(tasks)), timeout_s)
    try:
        for event in supervise(
            pool,
            source,
            is_done=is_done,
            is_taken=lambda task: not claims.take(task.slide_id),
            stop=stop,
            show_patches=show_patches,
        ):
            if isinstance(event, SlideStatus):
                claims.release(event.slide_id)
                if stager:
                    stager.release(event.slide_id)
            yield event
    finally:
        pool.close()
        claims.release_all()
        if stager:
            stager.close()
