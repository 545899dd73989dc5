"""Encode a large, nearly empty slide and report memory, pixels read and time per step.

    python benchmarks/large_slide.py [--width 100000] [--height 80000] [--coverage 0.02]

The slide is made first (synthetic tissue, 512-px stored tiles, levels 1, 4 and 16) in a
temporary folder.  Peak memory is that of a process of its own that only encodes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msfusion_sdk.testing import make_slide


def encode(path: Path) -> dict[str, object]:
    """Encode in this process and return what was seen."""
    from msfusion_sdk import SlideEncoder
    from msfusion_sdk.encoder.bench import peak_memory_gb
    from msfusion_sdk.slides.opening import open_slide
    from msfusion_sdk.slides.tissue.survey import survey_slide

    start = time.perf_counter()
    encoder = SlideEncoder.from_pretrained()
    loaded = time.perf_counter()
    marks: list[tuple[int, float]] = []
    result = encoder.encode(
        path, progress=lambda done, _: marks.append((done, time.perf_counter()))
    )
    done = time.perf_counter()
    count, first = marks[0]
    width, height = result.provenance.slide.level_dimensions[0]
    peak = peak_memory_gb()
    with open_slide(path) as slide:
        asked = time.perf_counter()
        survey_slide(slide, encoder.config)
        mask = time.perf_counter() - asked
    return {
        "status": result.status,
        "device, precision": f"{encoder.runtime.device}, {encoder.runtime.precision}",
        "patches": result.patches.num_rows,
        "peak memory, GB": "unknown" if peak is None else round(peak, 2),
        "pixels read for the mask, %": round(
            100 * result.provenance.tissue.overview_px_read / (width * height), 3
        ),
        "mask and patch grid, s": round(mask, 2),
        "load model, s": round(loaded - start, 1),
        "to the first batch, s": round(first - loaded, 1),
        "per patch after it, s": round((done - first) / max(1, result.patches.num_rows - count), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--width", type=int, default=100_000)
    parser.add_argument("--height", type=int, default=80_000)
    parser.add_argument("--coverage", type=float, default=0.02)
    parser.add_argument("--encode", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.encode:
        print(json.dumps(encode(args.encode)))
        return
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        slide = make_slide(
            Path(folder) / "large.svs",
            args.width,
            args.height,
            coverage=args.coverage,
            stored_tile_px=512,
        )
        print(f"{args.width} x {args.height} px made in {time.perf_counter() - start:.1f} s")
        command = [sys.executable, __file__, "--encode", str(slide)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name, value in json.loads(answer).items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
