"""A run that goes on meets the slides that failed before, and is not stopped by these."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.encoding.run import EncodingRun, run_encoding
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.workers.retries import ShowPatches
from msfusion_sdk.cohort.workers.stopping import Stop
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import ExitCode

FINGERPRINT = "0123456789abcdef"
GOOD, BAD = 110, 22
REACHED = 100
"""Good slides that the first run comes to."""


def a_run(root: Path, code: str, good: int) -> EncodingRun:
    """Encode slides of which those called "bad" fail, after ``good`` others; before all of them."""
    names = [f"good{n:03d}" for n in range(GOOD)] + [f"bad{n:02d}" for n in range(BAD)]
    rows = []
    for name in names:
        path = root / f"{name}.svs"
        if not path.exists():
            path.write_bytes(b"II*\x00" + name.encode().ljust(60))
        rows.append(SlideRow(name, str(path), None))
    store = EmbeddingStore(root, FINGERPRINT)

    def engine(
        tasks: list[SlideTask], *, stop: Stop, show_patches: ShowPatches
    ) -> Iterator[SlideStatus]:
        wanted = sorted(tasks, key=lambda task: (task.slide_id.startswith("good"), task.slide_id))
        if good < GOOD:
            wanted = wanted[BAD : BAD + good] + wanted[:BAD]
        for task in wanted:
            if stop.requested:
                return
            if task.slide_id.startswith("bad"):
                yield SlideStatus(slide_id=task.slide_id, status="failed", code=code, reason="x")
                continue
            commit(store, task)
            yield SlideStatus(slide_id=task.slide_id, status="ok", n_patches=1, seconds=0.01)

    return run_encoding(root, rows, FINGERPRINT, engine, patches=False, max_failures=0.2)


def commit(store: EmbeddingStore, task: SlideTask) -> None:
    row = {
        "slide_id": task.slide_id,
        "status": "ok",
        "reason": "",
        "vector": np.ones(4, np.float32),
        "n_patches": 1,
        "tissue_area_mm2": 1.0,
        "tissue_recall": 1.0,
        "n_bad_regions": 0,
        "fingerprint": FINGERPRINT,
    }
    stamp = task.wanted.stamp
    slide = {"size_bytes": stamp.size_bytes, "mtime_ns": stamp.mtime_ns}
    spacing = {"slide_mpp": 0.25, "source": "header"}
    store.commit_row(row, {"slide": slide, "spacing": spacing, "model": {}})


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run that ended when a hundred slides were done and all bad ones had failed."""
    run = a_run(tmp_path, "SlideCorrupt", REACHED)
    assert (run.encoded, len(run.failed)) == (REACHED, BAD)
    assert not run.too_many_failures
    return tmp_path


def test_a_run_goes_on_past_the_slides_that_failed_before(begun: Path) -> None:
    run = a_run(begun, "SlideCorrupt", GOOD)
    assert run.encoded == GOOD - REACHED
    assert len(run.failed) == BAD
    assert run.exit_code is ExitCode.FINISHED_WITH_FAILURES


def test_it_stops_where_they_fail_for_another_reason(begun: Path) -> None:
    run = a_run(begun, "SlideNotFound", GOOD)
    assert run.exit_code is ExitCode.TOO_MANY_FAILURES
    assert run.encoded == 0


def test_a_cohort_of_which_all_fails_stops_each_time(tmp_path: Path) -> None:
    # None of the good ones is come to.
    for _ in range(2):
        run = a_run(tmp_path, "SlideNotFound", 0)
        assert run.exit_code is ExitCode.TOO_MANY_FAILURES
