"""Kill an encoding at random moments, resume it, and compare its export with a calm run's.

    python benchmarks/kill_and_resume.py --kills 30
    python benchmarks/kill_and_resume.py --kills 10 --encoders 2
    python benchmarks/kill_and_resume.py --kills 5 --signal TERM

Makes its own slides and a small model with random weights.  A cohort that is done before it
was killed often enough is followed by another.  Exits with 1 unless all exports are
byte-identical and no part is lost or damaged.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from msfusion_sdk import Cohort
from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder
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
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--slides", type=int, default=40)
    parser.add_argument("--encoders", type=int, default=1, help="processes on the same folder")
    parser.add_argument("--signal", choices=("KILL", "TERM"), default="KILL")
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sys.exit(0 if compare(Path(name), arguments) else 1)


def compare(folder: Path, arguments: argparse.Namespace) -> bool:
    """Return whether every disturbed cohort ended as the calm one."""
    model, table = make_model(folder), make_slides(folder, arguments.slides)
    calm = create(folder / "calm", table)
    start = time.monotonic()
    process = encode(folder, calm, model, arguments.engine)
    while not parts_of(calm):
        time.sleep(0.05)
    first_s = time.monotonic() - start
    assert process.wait() == 0
    wanted = export(calm)
    print(f"{arguments.slides} slides, {arguments.encoders} encoders at once, {arguments.engine}")
    print(f"calm: first slide after {first_s:.0f} s, all after {time.monotonic() - start:.0f} s")
    rng, kills, is_good = random.Random(arguments.seed), 0, True
    while kills < arguments.kills:
        wild = create(folder / f"wild{kills}", table)
        # From while the model is loaded to after several slides are committed.
        delays = (rng.uniform(0.3, 1.6) * first_s for _ in range(arguments.kills - kills))
        kills_here, seen = disturb(folder, wild, model, arguments, delays)
        assert encode(folder, wild, model, arguments.engine).wait() == 0
        is_same = export(wild) == wanted
        damaged = len(list(wild.root.glob("embeddings/*/*.corrupt")))
        print(f"SIG{arguments.signal} x {kills_here}, slides after each: {seen}")
        print(f"  export byte-identical: {is_same}; damaged parts: {damaged}", flush=True)
        kills, is_good = kills + kills_here, is_good and is_same and not damaged
    print(f"{kills} kills of running processes in all: {'good' if is_good else 'BAD'}")
    return is_good


def disturb(
    folder: Path, wild: Cohort, model: Path, arguments: argparse.Namespace, delays: Iterable[float]
) -> tuple[int, list[int]]:
    """Start and kill until the cohort is done; return kills, and slides done after each round."""
    kills, seen = 0, []
    for delay in delays:
        running = [encode(folder, wild, model, arguments.engine) for _ in range(arguments.encoders)]
        time.sleep(delay)
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, getattr(signal, f"SIG{arguments.signal}"))
                kills += process.wait() != 0
        seen.append(parts_of(wild))
        if seen[-1] == arguments.slides:
            break
    return kills, seen


def create(folder: Path, table: pd.DataFrame) -> Cohort:
    return Cohort.create(folder, patients=table[["patient_id"]], slides=table)


def parts_of(cohort: Cohort) -> int:
    return len(list(cohort.root.glob("embeddings/*/slide=*.parquet")))


def export(cohort: Cohort) -> bytes:
    path = cohort.root.with_suffix(".parquet")
    return cohort.export(path, level="slide").path.read_bytes()


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
