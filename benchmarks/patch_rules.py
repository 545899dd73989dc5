"""Which patches each rule keeps, and how far the vectors of a slide agree.

    python benchmarks/patch_rules.py FOLDER [--mpp-if-missing 0.25]

Per slide: patches and recall of tissue by vertices and by area, what the preset ``auto`` takes,
and the cosine of each vector with that of the area rule, which misses least.  Two synthetic
slides, a resection and a small piece, come last.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from real_slides import slides

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.errors import SlideError, SlideResolutionError
from msfusion_sdk.testing import make_slide

MAX_UPSAMPLE = 4.0
"""So that slides at 10x count as well."""
SYNTHETIC = (("synthetic resection", 8000, 6000, 0.35), ("synthetic small piece", 3000, 3000, 0.1))


def encode(path: Path, rule: str, mpp_if_missing: float) -> SlideEmbedding:
    """Encode a slide by one rule, with the given spacing where its header has none."""
    encoder = SlideEncoder.from_pretrained()
    patches = {"keep_rule": rule, "max_upsample": MAX_UPSAMPLE}
    encoder = encoder.with_config(encoder.config.updated(patches=patches))
    try:
        return encoder.encode(path)
    except SlideResolutionError:
        return encoder.encode(path, mpp=mpp_if_missing)


def row(name: str, path: Path, mpp_if_missing: float) -> str:
    """Return the line of the table of one slide."""
    try:
        found = {rule: encode(path, rule, mpp_if_missing) for rule in ("vertices", "area", "auto")}
    except SlideError as error:
        return f"| {name} | {error.code} | | | | |"
    shown = []
    for result in found.values():
        recall = result.provenance.tissue.tissue_recall
        shown.append(f"{result.patches.num_rows}, {'–' if recall is None else f'{recall:.2f}'}")
    area = found["area"]
    cosines = [cosine(found[rule], area) for rule in ("vertices", "auto")]
    taken = found["auto"].provenance.tissue.keep_rule
    return f"| {name} | {' | '.join(shown)}, {taken} | {' | '.join(cosines)} |"


def cosine(one: SlideEmbedding, other: SlideEmbedding) -> str:
    """Return the cosine of two vectors; '–' where one slide is empty."""
    if not (one.patches.num_rows and other.patches.num_rows):
        return "–"
    a, b = (np.asarray(each.vector, np.float64) for each in (one, other))
    return f"{a @ b / np.sqrt((a @ a) * (b @ b)):.4f}"


def synthetic(folder: Path) -> Iterator[tuple[str, Path]]:
    """Make slides of a large and of a small piece of tissue."""
    for name, width, height, coverage in SYNTHETIC:
        path = folder / f"{name.replace(' ', '_')}.svs"
        yield name, make_slide(path, width, height, coverage=coverage)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mpp-if-missing", type=float, default=0.25)
    args = parser.parse_args()
    print("| slide | vertices: patches, recall | area | auto | cosine, vertices | cosine, auto |")
    print("|---|---|---|---|---|---|")
    for path in slides(args.folder):
        print(row(str(path.relative_to(args.folder)), path, args.mpp_if_missing), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, path in synthetic(Path(folder)):
            print(row(name, path, args.mpp_if_missing), flush=True)


if __name__ == "__main__":
    main()
