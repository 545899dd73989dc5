"""Seconds in which a folder of other people's features becomes part of a cohort, and what is read.

    python benchmarks/attach_features.py [--slides 10000] [--patches 2000] [--width 1024]

The files are laid out as TRIDENT writes them, with their features never written: HDF5 keeps no
space for these, and whoever read them would still get 8 MB a slide.  Linux counts what is read.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from msfusion_sdk import Cohort


def main() -> None:
    """Print a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slides", type=int, default=10_000)
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--width", type=int, default=1024)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = [f"s{number:05d}" for number in range(chosen.slides)]
        features = write_features(folder / "features", ids, chosen.patches, chosen.width)
        patients = pd.DataFrame({"patient_id": [f"p{one}" for one in ids]})
        slides = pd.DataFrame({"slide_id": ids, "patient_id": patients["patient_id"]})
        cohort = Cohort.create(folder / "cohort", patients=patients, slides=slides)
        before, start = bytes_read(), time.perf_counter()
        run = cohort.attach_features(features, name="uni")
        seconds = time.perf_counter() - start
        read = bytes_read() - before
    print(
        json.dumps(
            {
                "attached": run.attached,
                "seconds": round(seconds, 1),
                "per_s": round(chosen.slides / seconds),
                "read_mb": round(read / 1e6),
                "features_mb": chosen.slides * chosen.patches * chosen.width * 4 // 10**6,
            }
        )
    )


def write_features(folder: Path, ids: list[str], patches: int, width: int) -> Path:
    """Write a file for each slide."""
    folder.mkdir()
    first = folder / f"{ids[0]}.h5"
    side = int(np.ceil(np.sqrt(patches)))
    corners = np.stack(np.divmod(np.arange(patches), side), 1) * 512
    with h5py.File(first, "w") as file:
        file.create_dataset("features", (patches, width), "f4", chunks=(256, width))
        file["features"].attrs["encoder"] = "uni_v1"
        file["coords"] = corners
        file["coords"].attrs.update({"patch_size": 256, "patch_size_level0": 512})
    for name in ids[1:]:
        shutil.copy(first, folder / f"{name}.h5")
    return folder


def bytes_read() -> int:
    """Return what this process has read from files so far."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


if __name__ == "__main__":
    main()
