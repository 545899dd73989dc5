"""A cohort with a ViT-L of random weights, killed once: memory of all processes, seconds an image.

    python benchmarks/large_network.py [--slides 4] [--workers 2]

Memory is what the processes hold, pages that they share counted once (Pss of Linux).  The slides
have a patch each: four tiles and a context image, five images.  Needs msfusion-sdk[networks].
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from msfusion_sdk import Cohort, SlideEmbedding
from msfusion_sdk.testing import make_slide

IMAGES = 5  # of a patch
MAKE = """
import sys, timm, torch
from safetensors.torch import save_file
torch.manual_seed(0)
module = timm.create_model("vit_large_patch16_224", num_classes=0)
save_file(module.state_dict(), sys.argv[1])
"""
ENCODE = """
import sys
from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.config import Licence, NetworkFacts
if __name__ == "__main__":
    _, folder, weights, workers = sys.argv
    facts = NetworkFacts(
        name="vit-l", image_px=224, features=1024, mpp=(0.5,), readout="cls",
        licence=Licence(name="none", may_be_shared=False, commercial=False),
        pixel_mean=(0.5, 0.5, 0.5), pixel_std=(0.5, 0.5, 0.5),
    )
    encoder = SlideEncoder.from_networks(
        "timm:vit_large_patch16_224", weights=weights, facts=facts, device="cpu", precision="fp32"
    )
    Cohort.open(folder).encode(encoder, workers=int(workers), progress=False)
"""


def main() -> None:
    """Print a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slides", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = folder / "vit-l.safetensors"
        subprocess.run([sys.executable, "-c", MAKE, weights], check=True)
        program = folder / "encode.py"
        program.write_text(ENCODE)
        command = [sys.executable, str(program)]
        killed, calm = (made(folder / kind, chosen.slides) for kind in ("killed", "calm"))
        run(command, killed, weights, chosen.workers, kill_at=1)
        before = parts(killed)
        run(command, killed, weights, chosen.workers)
        kept = len(before.items() & parts(killed).items())
        start = time.perf_counter()
        peak = run(command, calm, weights, chosen.workers)
        seconds = time.perf_counter() - start
        in_the_end = len(parts(killed))
        alike = np.array_equal(vectors(killed), vectors(calm))
    print(
        json.dumps(
            {
                "peak_gb": round(peak / 1e9, 2),
                "parts_at_the_kill": len(before),
                "of_these_kept": kept,
                "parts_in_the_end": in_the_end,
                "same_vectors_as_undisturbed": alike,
                "wall_s_per_image": round(seconds / chosen.slides / IMAGES, 2),
            }
        )
    )


def made(folder: Path, slides: int) -> Path:
    """Return a cohort of slides with a patch each."""
    folder.mkdir()
    ids = [f"s{number}" for number in range(slides)]
    paths = [
        make_slide(folder / f"{name}.svs", 500, 480, mpp=0.5, tissue="full", seed=number,
                   downsamples=(1,))
        for number, name in enumerate(ids)
    ]  # fmt: skip
    table = pd.DataFrame({"slide_id": ids, "patient_id": ids, "path": list(map(str, paths))})
    return Cohort.create(folder / "cohort", patients=table[["patient_id"]], slides=table).root


def run(command: list[str], cohort: Path, weights: Path, workers: int, kill_at: int = 0) -> int:
    """Encode, and kill all processes at once when so many slides are done; return peak bytes."""
    words = [*command, str(cohort), str(weights), str(workers)]
    process, peak = subprocess.Popen(words, start_new_session=True), 0
    while process.poll() is None:
        peak = max(peak, held(process.pid))
        if kill_at and len(parts(cohort)) >= kill_at:
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.2)
    if not kill_at and process.returncode:
        sys.exit(f"encoding ended with {process.returncode}")
    return peak


def held(session: int) -> int:
    """Return the bytes that the processes of a session hold together."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(1024 * int(line.split()[1]) for line in lines if line[:4] == "Pss:")
        except OSError:  # it has ended
            continue
    return total


def parts(cohort: Path) -> dict[Path, int]:
    """Return each result with its time."""
    found = cohort.glob("embeddings/*/slide=*.parquet")
    return {path.relative_to(cohort): path.stat().st_mtime_ns for path in found}


def vectors(cohort: Path) -> np.ndarray:
    """Return all vectors in order of slides."""
    files = sorted(cohort.glob("embeddings/*/slide=*.parquet"))
    return np.stack([np.asarray(SlideEmbedding.from_parquet(path)) for path in files])


if __name__ == "__main__":
    main()
