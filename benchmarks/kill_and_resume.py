"""Kill an encoding at random moments, resume it, and compare its export with a calm run's.

    python benchmarks/kill_and_resume.py --rounds 30
    python benchmarks/kill_and_resume.py --rounds 10 --encoders 2
    python benchmarks/kill_and_resume.py --rounds 5 --signal TERM

Makes its own slides and a small model with random weights.  Prints how often it was killed,
and exits with 1 unless the exports are byte-identical and no part is lost or damaged.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from msfusion_sdk import Cohort
from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.model import TwoScaleModel
from msfusion_sdk.encoder.weights import write_model_folder
from msfusion_sdk.testing import make_slide

ENCODE = """
import sys
from msfusion_sdk import Cohort, SlideEncoder
if __name__ == "__main__":
    encoder = SlideEncoder.from_pretrained(sys.argv[2], device="cpu", precision="fp32")
    Cohort.open(sys.argv[1]).encode(encoder, workers=1, engine=sys.argv[3])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--slides", type=int, default=60)
    parser.add_argument("--encoders", type=int, default=1, help="processes on the same folder")
    parser.add_argument("--signal", choices=("KILL", "TERM"), default="KILL")
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sys.exit(0 if compare(Path(name), arguments) else 1)


def compare(folder: Path, arguments: argparse.Namespace) -> bool:
    """Return whether the disturbed cohort ended as the calm one."""
    model, table = make_model(folder), make_slides(folder, arguments.slides)
    calm, wild = (
        Cohort.create(folder / name, patients=table[["patient_id"]], slides=table)
        for name in ("calm", "wild")
    )
    start = time.monotonic()
    assert encode(folder, calm, model, "local").wait() == 0
    calm_s = time.monotonic() - start
    rng, kills, progress = random.Random(arguments.seed), 0, []
    for _ in range(arguments.rounds):
        running = [encode(folder, wild, model, arguments.engine) for _ in range(arguments.encoders)]
        # From before the first slide is read to after several are committed.
        time.sleep(rng.uniform(0.5, 1.0) * min(calm_s, 12.0))
        for process in running:
            kills += process.poll() is None
            os.killpg(process.pid, getattr(signal, f"SIG{arguments.signal}"))
            process.wait()
        progress.append(len(list(wild.root.glob("embeddings/*/slide=*.parquet"))))
    assert encode(folder, wild, model, arguments.engine).wait() == 0
    exports = [
        c.export(folder / f"{c.root.name}.parquet", level="slide").path for c in (calm, wild)
    ]
    is_same = exports[0].read_bytes() == exports[1].read_bytes()
    left = [len(list(wild.root.glob(f"embeddings/*/{p}"))) for p in ("*.corrupt", ".tmp-*")]
    print(f"{arguments.slides} slides, {arguments.encoders} encoders at once, {arguments.engine}")
    print(f"SIG{arguments.signal}, {arguments.rounds} rounds")
    print(f"killed {kills} times while running; parts after each round: {progress}")
    print(f"damaged parts {left[0]}, orphan temporary files {left[1]}")
    print(f"export byte-identical to the calm run's: {is_same}")
    return is_same and not left[0]


def encode(folder: Path, cohort: Cohort, model: Path, engine: str) -> "subprocess.Popen[bytes]":
    script = folder / "encode.py"
    script.write_text(ENCODE)
    command = [sys.executable, str(script), str(cohort.root), str(model), engine]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


def make_model(folder: Path) -> Path:
    patches = PatchConfig(patch_size_px=128, stride_px=256, low_recall=0.0)
    config = EncoderConfig(name="small", patches=patches)
    write_model_folder(folder / "model", TwoScaleModel(config), config, "# Random weights\n")
    return folder / "model"


def make_slides(folder: Path, count: int) -> pd.DataFrame:
    names = [f"S{number:03d}" for number in range(count)]
    paths = [
        make_slide(folder / f"{n}.svs", 1024, 768, tissue="full", seed=i)
        for i, n in enumerate(names)
    ]
    return pd.DataFrame({"slide_id": names, "patient_id": names, "path": list(map(str, paths))})


if __name__ == "__main__":
    main()
