"""The Ray engine: Ray Data hands slides to actors; everything else is the local engine.

Each actor runs one supervised worker process of its own, so deadlines, retries and crashes
are judged exactly as without Ray, and commits its parts itself.  Only small status rows of a
fixed schema travel.  The only module that imports Ray.

Ray's defaults retry a task that kills its worker for ever, and lose the other slides of a
failed block.  Hence one slide per block, two retries, and a look for slides that never came
back.
"""

import os
import pickle
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.workers.local import encode_in_pool
from msfusion_sdk.cohort.workers.pool import StoreFailed, WorkerPool
from msfusion_sdk.cohort.workers.retries import ShowPatches
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.cohort.workers.stopping import Stop
from msfusion_sdk.cohort.workers.worker import Job, SlideTask
from msfusion_sdk.errors import StoreError
from msfusion_sdk.extras import import_extra

__all__ = ["encode_with_ray"]

RETRIES = 2
POLL_S = 0.5
MOST_BLOCKS = 10_000
STORE, SLIDE = "store", "slide"
ROW = pa.schema([("slide_id", pa.string()), ("kind", pa.string()), ("status", pa.string())])
"""A status travels as JSON: columns that mix None and text break Ray's blocks."""


class EncodeActor:
    """Encodes one slide at a time in a supervised process of its own."""

    def __init__(self, job: Any) -> None:
        # A reference: the weights reach each machine once, not with every actor.
        self._job: Job = _ray().get(job)
        self._pool = WorkerPool(self._job, 1)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return a status row for each slide of ``batch``."""
        rows = [self._encode(pickle.loads(task)) for task in batch.column("task").to_pylist()]
        return pa.Table.from_pylist(rows, schema=ROW)

    def _encode(self, task: SlideTask) -> dict[str, str]:
        slide_id = task.slide_id
        events = encode_in_pool(self._job, [task], self._pool, stop=Stop(), show_patches=_not_shown)
        for event in events:
            if isinstance(event, StoreFailed):
                return {"slide_id": slide_id, "kind": STORE, "status": str(event.error)}
            if event is not None:
                return {"slide_id": slide_id, "kind": SLIDE, "status": event.model_dump_json()}
        msg = f"The slide {slide_id} ended without a status. This is a defect of the SDK."
        raise RuntimeError(msg)


def encode_with_ray(
    job: Job,
    tasks: list[SlideTask],
    *,
    settings: RunSettings,
    stop: Stop,
    show_patches: ShowPatches,
) -> Iterator[SlideStatus | StoreFailed | None]:
    """Encode ``tasks`` on a Ray cluster; yields as ``supervise`` does, without patches.

    Closing the iterator leaves the cluster, which ends the actors.
    """
    ray = _ray()
    was_running = ray.is_initialized()
    # A cluster that the caller has connected to is the caller's to set up and to leave.
    if not was_running:
        # Statistics about the user's machine are sent by default.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address=settings.address, log_to_driver=False, include_dashboard=False)
    rows: queue.Queue[dict[str, str] | BaseException | None] = queue.Queue()
    # Apart, because Ray's iterator blocks, and the caller must be able to stop meanwhile.
    thread = threading.Thread(target=_collect, args=(job, tasks, settings, rows), daemon=True)
    thread.start()
    by_id = {task.slide_id: task for task in tasks}
    try:
        while True:
            try:
                row = rows.get(timeout=POLL_S)
            except queue.Empty:
                # So that the caller gets its turn to look whether the run is to stop.
                yield None
                continue
            if row is None:
                break
            if isinstance(row, BaseException):
                raise row
            # Those that are left at the end never came back.
            task = by_id.pop(row["slide_id"])
            if row["kind"] == STORE:
                yield StoreFailed(task, StoreError(row["status"]))
            else:
                yield SlideStatus.model_validate_json(row["status"])
        for slide_id in by_id:
            yield _never_returned(slide_id)
    finally:
        if not was_running:
            ray.shutdown()


def _collect(
    job: Job,
    tasks: list[SlideTask],
    settings: RunSettings,
    rows: "queue.Queue[dict[str, str] | BaseException | None]",
) -> None:
    """Put the status rows into ``rows`` as they come, then None, or the error that ended it."""
    import ray.data

    try:
        # A slide that kills its actor must not fail the job.
        ray.data.DataContext.get_current().max_errored_blocks = -1
        ray.data.DataContext.get_current().enable_progress_bars = False
        items = [{"task": pickle.dumps(task)} for task in tasks]
        reference = ray.put(job)
        slides = ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS))
        statuses = slides.map_batches(
            EncodeActor,
            fn_constructor_args=(reference,),
            batch_size=1,
            batch_format="pyarrow",
            # From 1: with a larger minimum nothing starts until the cluster has room for all of
            # them.
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=settings.workers),
            num_cpus=settings.cpus_per_worker,
            num_gpus=settings.gpus_per_worker,
            ray_remote_args_fn=_restarts,
        )
        for batch in statuses.iter_batches(batch_size=None, batch_format="pyarrow"):
            for row in pa.table(batch).to_pylist():
                rows.put(row)
        rows.put(None)
    # Into the thread that waits: there it is raised.
    except BaseException as error:
        rows.put(error)


def _restarts() -> dict[str, int]:
    # Actors start again without limit, because the next slide needs one; its tries are limited.
    return {"max_restarts": -1, "max_task_retries": RETRIES}


def _never_returned(slide_id: str) -> SlideStatus:
    return SlideStatus(
        slide_id=slide_id,
        status="crashed",
        code="ReaderCrashed",
        reason=f"The Ray actor that had it died {RETRIES + 1} times. Memory may be short.",
        attempts=RETRIES + 1,
        retryable=True,
    )


def _not_shown(_slide_id: str, _done: int, _total: int) -> None:
    """Patches are counted on the machine that encodes, and not reported to the driver."""


def _ray() -> Any:
    return import_extra("ray", "ray", "Encoding with Ray", "use engine='local' (--engine local)")
