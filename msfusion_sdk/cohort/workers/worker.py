"""Encode one slide and commit it: what every engine runs in its workers.

A worker of the local engine is a process of its own, because a damaged slide can abort or
hang the process that reads it, and because the one that holds the cohort must outlive that.
"""

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import MsfusionError, SlideChangedError, SlideError, StoreError
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.slide import RemoteSlide
from msfusion_sdk.slides.readers.file_kind import classify

if TYPE_CHECKING:
    from msfusion_sdk.encoder.result.embedding import SlideEmbedding
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

__all__ = ["Job", "SlideTask", "encode_task", "serve"]


@dataclass(frozen=True)
class SlideTask:
    """One slide to encode."""

    wanted: PartKey
    path: Path | Url
    """Where the slide is."""
    read_from: Path | None = None
    """A local copy that is read in place of ``path``."""
    remote: RemoteSlide | None = None
    """Its files, where ``path`` is an address: it can be read from a copy alone."""
    problem: SlideError | None = None
    """Why there is no copy."""

    @property
    def slide_id(self) -> str:
        """The slide's identifier."""
        return self.wanted.slide_id


@dataclass(frozen=True)
class Job:
    """What is the same for all slides of a run."""

    root: Path
    fingerprint: str
    encoder: bytes
    """A pickled ``SlideEncoder``; a worker process gets it through its connection."""
    device: str | None
    """Where the workers compute; None is where the encoder computed when it was pickled."""
    patches: bool
    threads: int
    """Of torch and OpenCV, for each worker."""
    timeout_s: float
    """Without any progress, after which a worker is ended."""
    staging: Path | None
    """Where local copies of slides are made; None reads slides where they are."""
    staging_gb: float


def encode_task(
    job: Job, task: SlideTask, encoder: object, progress: Callable[[int, int], None] | None = None
) -> SlideStatus:
    """Encode and commit one slide; every error of a slide becomes its status.

    Raises
    ------
    StoreError
        When the result cannot be stored: the next one could not be either.
    """
    # Here, so that importing this module does not load torch.
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

    assert isinstance(encoder, SlideEncoder)
    start = time.monotonic()
    store = EmbeddingStore(job.root, encoder.fingerprint)
    try:
        result = _encoded(task, encoder, progress)
        store.commit(result, patches=job.patches)
    except StoreError:
        raise
    except MsfusionError as error:
        return SlideStatus(
            slide_id=task.slide_id,
            status="changed" if isinstance(error, SlideChangedError) else "failed",
            code=error.code,
            # To people, the slide lies where its table says.
            reason=str(error).replace(str(task.read_from or task.path), str(task.path)),
            retryable=error.retryable,
            seconds=time.monotonic() - start,
        )
    except Exception as error:
        # A defect of ours or of a library on one slide: named, and not the end of the others.
        return SlideStatus(
            slide_id=task.slide_id,
            status="failed",
            code=type(error).__name__,
            reason=f"{type(error).__name__}: {error}. This is not an error of the SDK's own; "
            "please report it.",
            seconds=time.monotonic() - start,
        )
    return SlideStatus(
        slide_id=task.slide_id,
        status=result.status,
        reason=result.reason,
        n_patches=result.patches.num_rows,
        seconds=time.monotonic() - start,
    )


def _encoded(
    task: SlideTask, encoder: "SlideEncoder", progress: Callable[[int, int], None] | None
) -> "SlideEmbedding":
    """Return the result of a slide, read in its place or from its copy.

    Raises
    ------
    SlideError
    """
    # Here, as above.
    from msfusion_sdk.encoder.result.embedding import of_original

    if task.problem is not None:
        raise task.problem
    path = task.read_from or task.path
    assert isinstance(path, Path), "a slide at an address has a copy or a problem"
    result = encoder.encode(path, mpp=task.wanted.mpp, slide_id=task.slide_id, progress=progress)
    if isinstance(task.path, Url):
        # Looked at once more after it was fetched: what is replaced later has another tag.
        return of_original(result, task.wanted.stamp)
    # The copy that was read may be whole while the original was being replaced.
    now = classify(task.path)
    task.wanted.stamp.require_same(now.stamp, now.path)
    return result


def serve(connection: Connection, job: Job) -> None:
    """Answer tasks from ``connection`` until it closes: the main function of a worker process.

    Takes the pickled encoder first.  Sends ``("ready",)``, then for each task
    ``("progress", done, total)`` and at the end ``("ended", SlideStatus)`` or
    ``("store", StoreError)``.
    """
    # Ctrl-C and a batch system's SIGTERM reach the whole process group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_with_parent()
    import cv2
    import torch

    # By default torch and OpenCV take all cores, in each of the workers.
    torch.set_num_threads(job.threads)
    cv2.setNumThreads(job.threads)
    try:
        encoder = pickle.loads(connection.recv_bytes())
    except EOFError:
        return
    if job.device is not None:
        encoder = encoder.on_device(job.device)
    connection.send(("ready",))
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            status = encode_task(
                job, task, encoder, lambda done, total: connection.send(("progress", done, total))
            )
        except StoreError as error:
            connection.send(("store", error))
        else:
            connection.send(("ended", status))


def _end_with_parent() -> None:
    """End this process when its parent is gone, even in the middle of a read that hangs."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        # Not ``sys.exit()``, which would end this thread alone.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
