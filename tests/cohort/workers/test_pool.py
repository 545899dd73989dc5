"""Worker processes that die before they can work."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from msfusion_sdk.cohort.workers.pool import WorkerPool
from msfusion_sdk.cohort.workers.worker import Job
from msfusion_sdk.errors import ReaderCrashedError

from ...patience import patient


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """An encoder of 90 MB: more than any pipe holds."""
    return Job(
        root=tmp_path,
        fingerprint="f",
        encoder=bytes(90_000_000),
        device=None,
        patches=False,
        threads=1,
        timeout_s=60,
        staging=None,
        staging_gb=1,
    )


def kill_until_it_gives_up(pool: WorkerPool) -> None:
    end = time.monotonic() + patient(120)
    while time.monotonic() < end:
        for worker in pool._workers:
            with suppress(ProcessLookupError):  # of one that ended before
                os.kill(worker.process.pid, signal.SIGKILL)
        list(pool.events(0.5))


@pytest.mark.posix
@pytest.mark.process
def test_workers_that_are_killed_while_they_start_end_the_run_and_hang_nobody(job: Job) -> None:
    pool = WorkerPool(job, 1)
    with pytest.raises(ReaderCrashedError, match="3 worker processes in a row"):
        kill_until_it_gives_up(pool)
    pool.close()
