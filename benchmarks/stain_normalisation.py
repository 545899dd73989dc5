"""Colour normalisation: error of the stains found, spread between slides, and cost.

    python benchmarks/stain_normalisation.py --tiles FOLDER [--gain 0.08]

FOLDER holds LC25000's lung tiles and an ``index.csv`` (class, file, group).  A composite
slide is a mosaic of them whose optical density is multiplied, channel by channel, by random
gains of deviation ``--gain``.  Times are CPU times of this process, one thread, medians.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from msfusion_sdk.config import StainMethod
from msfusion_sdk.errors import StainError
from msfusion_sdk.pretraining.augment import scale_stain
from msfusion_sdk.slides.stain import (
    StainNormalizer,
    find_profile,
    macenko_basis,
    optical_density,
    vahadane_basis,
)
from msfusion_sdk.slides.stain.basis import angle

METHODS: tuple[StainMethod, ...] = ("vahadane", "macenko")
FINDERS = {"vahadane": vahadane_basis, "macenko": macenko_basis}
# Ruifrok's H&E, the H&E of Macenko's reference image, and a nearer pair.
TRUTHS = (
    ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11)),
    ((0.5626, 0.7201, 0.4062), (0.2159, 0.8012, 0.5581)),
    ((0.40, 0.85, 0.35), (0.15, 0.92, 0.36)),
)
PATCH_PX, TILE_PX, SLIDES = 1152, 224, 16


def angle_errors(method: StainMethod) -> list[float]:
    """Return the degrees between the stains found and the true ones on made mixtures."""
    errors = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        for truth in TRUTHS:
            basis = np.array(truth) / np.linalg.norm(truth, axis=1, keepdims=True)
            amounts = rng.gamma(1.5, 0.5, (10_000, 2)) * (rng.random((10_000, 2)) < 0.7)
            light = 255 * np.exp(-amounts @ basis) + rng.normal(0, 3, (10_000, 3))
            density = optical_density(np.clip(np.rint(light), 0, 255).astype(np.uint8))
            found = FINDERS[method](density[density.mean(1) > 0.2])
            errors += [angle(one, other) for one, other in zip(found, basis, strict=True)]
    return errors


def mosaic(folder: Path, index: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return a patch made of tiles of as many groups as fit."""
    edge = -(-PATCH_PX // TILE_PX)
    groups = index.drop_duplicates("group")
    rows = groups.iloc[rng.choice(len(groups), edge**2, replace=False)]
    paths = [str(folder / row["class"] / row["file"]) for _, row in rows.iterrows()]
    tiles = [cv2.imread(path, cv2.IMREAD_COLOR_RGB) for path in paths]
    lines = [np.hstack(tiles[i : i + edge]) for i in range(0, edge**2, edge)]  # type: ignore[arg-type]
    return np.ascontiguousarray(np.vstack(lines)[:PATCH_PX, :PATCH_PX])


def mean_density(pixels: np.ndarray) -> np.ndarray:
    return optical_density(pixels.reshape(-1, 3)).mean(0)  # type: ignore[no-any-return]


def spread(slides: list[np.ndarray]) -> float:
    """Return the deviation between slides of the mean optical density, mean of the channels."""
    return float(np.std([mean_density(slide) for slide in slides], axis=0).mean())


def normalised(
    normalizer: StainNormalizer, slides: list[np.ndarray]
) -> tuple[list[np.ndarray], int]:
    """Return the slides in the target's colours, and how many are left as they were."""
    moved, refused = [], 0
    for slide in slides:
        try:
            moved.append(normalizer.transform(slide, normalizer.profile_of(slide)))
        except StainError:
            moved.append(slide)
            refused += 1
    return moved, refused


def cpu_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=Path, required=True)
    parser.add_argument("--gain", type=float, default=0.08)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    index = pd.read_csv(args.tiles / "index.csv")
    rng = np.random.default_rng(0)
    # Other tissue on every slide, and the same tissue on all: stain alone differs there.
    tissue = [mosaic(args.tiles, index, rng) for _ in range(SLIDES)]
    gains = (1 + args.gain * rng.standard_normal((SLIDES, 3))).clip(0.3).astype(np.float32)
    composed = {
        "other tissue": [scale_stain(p, g) for p, g in zip(tissue, gains, strict=True)],
        "same tissue": [scale_stain(tissue[0], gain) for gain in gains],
    }
    for method in METHODS:
        errors = angle_errors(method)
        print(f"{method}\n  degrees from truth: mean {np.mean(errors):.2f}, most {max(errors):.2f}")
        normalizer = StainNormalizer.fit(tissue[0], method=method)
        for name, slides in composed.items():
            moved, refused = normalised(normalizer, slides)
            before, after = spread(slides), spread(moved)
            print(
                f"  spread of mean density, {name}: {before:.4f} before, {after:.4f} after, "
                f"{100 * (1 - after / before):.0f} % less; {refused} refused and left as they are"
            )
        source = normalizer.profile_of(composed["other tissue"][1])
        patch = composed["other tissue"][1]

        def profile(method: StainMethod = method, patch: np.ndarray = patch) -> object:
            return find_profile(patch, method=method)

        def transform(
            normalizer: StainNormalizer = normalizer, patch: np.ndarray = patch
        ) -> object:
            return normalizer.transform(patch, source)  # noqa: B023

        print(f"  profile, once a slide: {cpu_ms(profile, 3):.0f} ms from one patch of pixels")
        print(f"  transform: {cpu_ms(transform, 15):.1f} ms per patch of {PATCH_PX} px")


if __name__ == "__main__":
    main()
