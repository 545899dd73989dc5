"""Speed of encoding: every step, as a share of what the machine can do, beside a hand-written loop.

    python benchmarks/encode_speed.py [--slide case.svs] [--patches 12] [--rounds 5] [--json OUT]

Makes a slide when none is given.  Back ends and the loop take turns, so that what else the
machine does disturbs all of them: read the ratios.  Start-up and memory are those of a
process of its own, from its start to the first patch computed.
Needs msfusion-sdk[test,openvino].
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.bench import peak_memory_gb, time_slide
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.survey import survey_slide
from msfusion_sdk.testing import make_slide

RUNTIMES = {
    "torch fp32": Runtime("cpu", "fp32"),
    "torch bf16": Runtime("cpu", "bf16"),
    "openvino fp32": Runtime("cpu", "fp32", "openvino"),
    "openvino bf16": Runtime("cpu", "bf16", "openvino"),
}
STEPS = ("open_s", "survey_s", "ready_s", "decode_s", "compute_s", "patch_s")


def computing(encoder: SlideEncoder, runtime: Runtime) -> SlideEncoder:
    return SlideEncoder(encoder.model, encoder.config, runtime, weights_sha256="0" * 64)


def gflop_per_patch(encoder: SlideEncoder) -> float:
    """Count two operations per product in the convolutions of both networks."""
    counts: list[int] = []

    def count(conv: nn.Module, _: Any, out: torch.Tensor) -> None:
        counts.append(2 * out.numel() * conv.weight[0].numel())  # type: ignore[index]

    convs = [m for m in encoder.model.modules() if isinstance(m, nn.Conv2d)]
    hooks = [conv.register_forward_hook(count) for conv in convs]
    size = encoder.config.patches.patch_size_px
    with torch.inference_mode():
        encoder.model(torch.zeros(1, 3, size, size, dtype=torch.uint8), 1)
    for hook in hooks:
        hook.remove()
    return sum(counts) / 1e9


def gemm_gflops(dtype: torch.dtype, size: int = 2048) -> float:
    """Return the best of several products of square matrices."""
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    times = []
    for _ in range(8):
        start = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times) / 1e9


def start_up(slide: Path, name: str, since: float) -> dict[str, float]:
    """Import, load and encode two patches in this process, which does nothing else."""
    encoder = computing(SlideEncoder.from_pretrained(), RUNTIMES[name])
    loaded = time.monotonic() - since
    times = time_slide(encoder, slide, patches=2, rounds=1)
    return {
        "first_patch_s": loaded + times.open_s + times.survey_s + times.ready_s,
        "peak_memory_gb": times.peak_memory_gb or 0.0,
        "import_gb": IMPORTED_GB or 0.0,
        "libraries_gb": libraries_gb(),
    }


def libraries_gb() -> float:
    """Return how much of the memory is files that processes share: libraries; 0 if not known."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("RssFile"))


def in_own_process(slide: Path, name: str) -> dict[str, float]:
    """Return what ``start_up`` says, its seconds counted from before the process."""
    command = [sys.executable, __file__, "--slide", str(slide), "--start-up", name]
    command += ["--since", str(time.monotonic())]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def measure(slide: Path, patches: int, rounds: int) -> dict[str, Any]:
    from hand_written import seconds_per_patch  # not a part of the start-up that is timed

    encoder = SlideEncoder.from_pretrained(precision="fp32")
    with open_slide(slide) as opened:
        locations = survey_slide(opened, encoder.config).grid.locations[: patches + 4]
    places = [(int(x), int(y)) for x, y in locations]
    encoders = {name: computing(encoder, runtime) for name, runtime in RUNTIMES.items()}
    found: dict[str, dict[str, list[float]]] = {name: {s: [] for s in STEPS} for name in RUNTIMES}
    hand, gemm = [], {"fp32": 0.0, "bf16": 0.0}
    for number in range(rounds):
        hand.append(seconds_per_patch(str(slide), places))
        for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            gemm[precision] = max(gemm[precision], gemm_gflops(dtype))
        for name, one in encoders.items():
            times = time_slide(one, slide, patches=patches, rounds=1)
            for step in STEPS:
                found[name][step].append(getattr(times, step))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    gflop, threads = gflop_per_patch(encoder), torch.get_num_threads()
    rows = {}
    for name, steps in found.items():
        row = {step: statistics.median(values) for step, values in steps.items()}
        row["ready_s"] = steps["ready_s"][0]  # later ones are warm
        # Both at once cost the cores what each costs them alone.
        floor = row["compute_s"] + row["decode_s"] / threads
        row["share_of_steps"] = floor / row["patch_s"]
        rate = gemm[RUNTIMES[name].precision]
        row["share_of_gemm"] = (gflop / rate + row["decode_s"] / threads) / row["patch_s"]
        pairs = zip(hand, steps["patch_s"], strict=True)
        row["times_hand_written"] = statistics.median(theirs / ours for theirs, ours in pairs)
        rows[name] = {**row, **in_own_process(slide, name)}
    return {
        "machine": {"processor": processor(), "cores": os.cpu_count(), "threads": threads},
        "versions": {**times.runtime.versions, "reader": times.reader},
        "gflop_per_patch": gflop,
        "gemm_gflops": gemm,
        "hand_written_s": statistics.median(hand),
        "patches": patches,
        "rounds": rounds,
        "back_ends": rows,
    }


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def show(report: dict[str, Any]) -> None:
    print(report["machine"], report["versions"], sep="\n")
    print(f"hand-written fp32 loop: {report['hand_written_s']:.3f} s per patch\n")
    columns = (
        "back end", "× by hand", "s per patch", "compute", "read", "share of steps", "of GEMM",
        "first patch after s", "GB", "of it libraries",
    )  # fmt: skip
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for name, r in report["back_ends"].items():
        print(
            f"| {name} | {r['times_hand_written']:.1f} | {r['patch_s']:.3f} | {r['compute_s']:.3f} "
            f"| {r['decode_s']:.4f} | {100 * r['share_of_steps']:.0f} % "
            f"| {100 * r['share_of_gemm']:.0f} % | {r['first_patch_s']:.1f} "
            f"| {r['peak_memory_gb']:.2f} | {r['libraries_gb']:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--width", type=int, default=30_000)
    parser.add_argument("--height", type=int, default=24_000)
    parser.add_argument("--patches", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--start-up", help=argparse.SUPPRESS)
    parser.add_argument("--since", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.start_up:
        print(json.dumps(start_up(args.slide, args.start_up, args.since)))
        return
    with tempfile.TemporaryDirectory() as folder:
        slide = args.slide or make_slide(Path(folder) / "made.svs", args.width, args.height)
        report = measure(slide, args.patches, args.rounds)
    show(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")


IMPORTED_GB = peak_memory_gb()

if __name__ == "__main__":
    main()
