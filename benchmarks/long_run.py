"""A run of 10,000 slides: what it says, whether its memory stays flat, killed and resumed.

    python benchmarks/long_run.py --slides 10000

The slides are files of 64 bytes and the networks a stub that commits a vector for each; all else
(plan, ledger, log lines, progress file, metrics, watch) is what a real run has.  Exits with 1
unless memory grew by less than 30 MB, nothing was encoded twice, and every line can be read.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk import Cohort
from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.encoding.run import run_encoding
from msfusion_sdk.cohort.encoding.telling import Teller, progress_path
from msfusion_sdk.cohort.encoding.watching import watch_cohort
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.monitoring.log import listen
from msfusion_sdk.tables.paths import path_of

FINGERPRINT = "f" * 64
FAILS_EVERY = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slides", type=int, default=10_000)
    parser.add_argument("--run", type=Path, help="internal: encode this cohort")
    arguments = parser.parse_args()
    if arguments.run:
        encode(arguments.run)
        return
    with tempfile.TemporaryDirectory() as name:
        sys.exit(0 if watch_a_run(Path(name), arguments.slides) else 1)


def watch_a_run(folder: Path, n_slides: int) -> bool:
    """Start a run, kill it half-way, resume it; return whether all was as it should be."""
    cohort = make(folder, n_slides)
    process = start(folder, cohort.root, "first")
    half = 0
    while half < n_slides // 2 and process.poll() is None:
        time.sleep(1)
        found = watch_cohort(cohort)
        half = sum(n for status, n in found.counts.items() if status in ("ok", "failed"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    print(f"killed at {half} slides; watch said {found.counts}, {len(found.runs)} run")
    before = len(list((cohort.root / "embeddings" / FINGERPRINT).iterdir()))
    second = start(folder, cohort.root, "second")
    second.wait()
    last = watch_cohort(cohort)
    lines = [json.loads(line) for line in (folder / "second.log").read_text().splitlines()]
    slides = [line for line in lines if line.get("event") == "slide"]
    end = next(line for line in lines if line.get("event") == "end")
    memory = json.loads((folder / "memory.json").read_text())
    growth = memory["end_mb"] - memory["tenth_mb"]
    done_twice = sum(line["slide_id"] in memory["before"] for line in slides if not line["code"])
    print(f"resumed: {before} parts were there, {len(slides)} slides told, {done_twice} twice")
    rate = f"{end['slides_per_hour']:.0f} slides per hour"
    print(f"end: {last.counts}, {rate}, exit {second.returncode}")
    print(f"memory: {memory['tenth_mb']:.0f} MB after a tenth, {memory['end_mb']:.0f} at the end")
    of_minutes = sum(line["event"] == "progress" for line in lines)
    print(f"log: {len(lines)} lines, {of_minutes} of minutes")
    is_whole = sum(last.counts.values()) == n_slides
    return is_whole and not done_twice and growth < 30 and second.returncode == 3


def make(folder: Path, n_slides: int) -> Cohort:
    names = [f"s{number:05d}" for number in range(n_slides)]
    (folder / "slides").mkdir()
    for name in names:
        (folder / "slides" / f"{name}.svs").write_bytes(b"II*\x00" + name.encode().ljust(60))
    patients = pd.DataFrame({"patient_id": [f"p{number}" for number in range(n_slides // 4)]})
    slides = pd.DataFrame(
        {
            "slide_id": names,
            "patient_id": [f"p{number // 4}" for number in range(n_slides)],
            "path": [str(folder / "slides" / f"{name}.svs") for name in names],
        }
    )
    return Cohort.create(folder / "cohort", patients=patients, slides=slides)


def start(folder: Path, root: Path, name: str) -> "subprocess.Popen[bytes]":
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen([sys.executable, __file__, "--run", str(root)], stderr=log)


def encode(root: Path) -> None:
    """Run as a real one does, with an engine that commits a made vector."""
    cohort = Cohort.open(root)
    assert cohort.slides is not None
    listen("json", 20)
    rows = [SlideRow(r["slide_id"], path_of(r), None) for r in cohort.slides.to_pylist()]
    store = EmbeddingStore(root, FINGERPRINT)
    done = {name for name, s in Ledger(root, FINGERPRINT).latest().items() if s.is_done}
    marks: list[float] = []
    teller = Teller(
        progress_path(root, FINGERPRINT, None), FINGERPRINT, None, len(rows), root / "m.prom"
    )
    run = run_encoding(
        root,
        rows,
        FINGERPRINT,
        lambda tasks, **settings: stub(tasks, store, marks, **settings),
        patches=False,
        max_failures=0.2,
        teller=teller,
    )
    memory = {"tenth_mb": marks[len(marks) // 10], "end_mb": marks[-1], "before": sorted(done)}
    (root.parent / "memory.json").write_text(json.dumps(memory))
    sys.exit(run.exit_code)


def stub(
    tasks: list[Any], store: EmbeddingStore, marks: list[float], *, stop: Any, show_patches: Any
) -> Iterator[SlideStatus | None]:
    rng = np.random.default_rng(0)
    for task in tasks:
        if stop.requested:
            return
        name, stamp = task.slide_id, task.wanted.stamp
        show_patches(name, 1, 2)
        yield None
        if int(name[1:]) % FAILS_EVERY == 0:
            yield SlideStatus(slide_id=name, status="failed", code="SlideCorrupt", reason="made so")
            continue
        row = {
            "slide_id": name,
            "status": "ok",
            "reason": "",
            "vector": rng.normal(size=1024).astype(np.float32),
            "n_patches": 2,
            "tissue_area_mm2": 1.0,
            "tissue_recall": 1.0,
            "n_bad_regions": 0,
            "fingerprint": FINGERPRINT,
        }
        slide = {"size_bytes": stamp.size_bytes, "mtime_ns": stamp.mtime_ns}
        spacing = {"slide_mpp": 0.25, "source": "header"}
        store.commit_row(row, {"slide": slide, "spacing": spacing, "model": {}})
        yield SlideStatus(slide_id=name, status="ok", n_patches=2, seconds=0.01)
        marks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
