"""Time what a large cohort costs apart from encoding: checks, status, export.

    python benchmarks/cohort_scale.py --slides 10000 --patients 5000

Parts are made without images: the result of one small slide under many ids.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SCRIPT = """
import json, sys, time
start = time.monotonic()
from msfusion_sdk import Cohort
cohort = Cohort.open(sys.argv[1])
{work}
# Of this process alone: getrusage would count the one that it was forked from.
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1e6
print(json.dumps([time.monotonic() - start, peak]))
"""
WORK = {
    "status": "cohort.status()",
    "export by patient": "cohort.export(sys.argv[1] + '/../x.parquet', level='patient')",
    "export by slide": "cohort.export(sys.argv[1] + '/../y.parquet', level='slide')",
    "tables": "cohort.tables()",
    "compact": "cohort.compact()",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slides", type=int, default=10_000)
    parser.add_argument("--patients", type=int, default=5_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{arguments.slides} slides of {arguments.patients} patients, in fresh processes")
        print(f"{'create, with all id checks':34} {make_cohort(folder, arguments):6.2f} s")
        make_parts(folder / "cohort", arguments.slides)
        for step in ("status", "export by patient", "export by slide", "tables", "compact"):
            report(step, folder / "cohort")
        for step in ("status", "export by patient"):
            report(step, folder / "cohort", " after compact")


def report(step: str, cohort: Path, when: str = "") -> None:
    script = SCRIPT.format(work=WORK[step])
    command = [sys.executable, "-c", script, str(cohort)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout)
    print(f"{step + when:34} {seconds:6.2f} s   peak memory {peak:.2f} GB")


def make_cohort(folder: Path, arguments: argparse.Namespace) -> float:
    """Return the seconds that creating takes."""
    from msfusion_sdk import Cohort

    patients = [f"{number:05d}" for number in range(arguments.patients)]
    slides = [f"S{number:06d}" for number in range(arguments.slides)]
    owners = [patients[number % len(patients)] for number in range(len(slides))]
    rng = np.random.default_rng(0)
    times = rng.exponential(30, len(patients)).round(2) + 0.1
    events = rng.integers(0, 2, len(patients))
    frame = pd.DataFrame({"patient_id": patients, "time_months": times, "event": events})
    frame.to_csv(folder / "patients.csv", index=False)
    paths = [f"slides/{name}.svs" for name in slides]
    pd.DataFrame({"slide_id": slides, "patient_id": owners, "path": paths}).to_csv(
        folder / "slides.csv", index=False
    )
    start = time.monotonic()
    Cohort.create(folder / "cohort", patients=folder / "patients.csv", slides=folder / "slides.csv")
    return time.monotonic() - start


def make_parts(root: Path, count: int) -> None:
    from msfusion_sdk import SlideEncoder
    from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
    from msfusion_sdk.cohort.store.store import EmbeddingStore
    from msfusion_sdk.storage.parquet import read_parquet, write_parquet
    from msfusion_sdk.testing import make_slide

    encoder = SlideEncoder.from_pretrained(device="cpu")
    slide = make_slide(root.parent / "one.svs", 1400, 1400, tissue="full")
    result = encoder.encode(slide)
    store = EmbeddingStore(root, encoder.fingerprint)
    store.prepare()
    stored = read_parquet(result.to_parquet(root.parent / "one.parquet", patches=False))
    ledger, rng = Ledger(root, encoder.fingerprint), np.random.default_rng(0)
    metadata = {k: v for k, v in stored.metadata.items() if k != "schema_version"}
    for number in range(count):
        name = f"S{number:06d}"
        vector = rng.normal(size=1024).astype(np.float32)
        row = {**stored.row, "slide_id": name, "vector": vector}
        write_parquet(store.part(name), row, None, metadata)
        ledger.write(SlideStatus(slide_id=name, status=result.status, n_patches=16))


if __name__ == "__main__":
    main()
