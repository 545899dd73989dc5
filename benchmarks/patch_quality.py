"""How well bad images are told from good ones, and what it costs.

    python benchmarks/patch_quality.py [--tiles FOLDER OF 768 PX TILES]

Tiles are blurred by a known sigma.  Slides, each of the tiles of one subfolder, are given folds (a
second layer of tissue: optical densities add up) and bubbles (a dark circle), tiles are given dust.
AUROC is over patches of 288 µm.  Without a folder the tissue is synthetic.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from msfusion_sdk.slides.quality.bubbles import bubble_mask
from msfusion_sdk.slides.quality.dust import dust_share
from msfusion_sdk.slides.quality.focus import focus
from msfusion_sdk.slides.quality.patch_quality import SlideQuality
from msfusion_sdk.slides.quality.tissue_folds import fold_mask
from msfusion_sdk.testing.tissue import he_texture

Image = np.ndarray
GLASS, PATCH_PX, OVERVIEW_TILE_PX = 243, 36, 24
SPOILT_OF_EACH = 20
SIGMAS_UM = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=Path)
    kinds = read_tiles(parser.parse_args().tiles)
    tiles = [tile for kind in kinds for tile in kind]
    print(f"{len(tiles)} tiles, {len(kinds)} slides")
    for quality in (None, 80):
        kind = f"JPEG {quality}" if quality else "as computed"
        sharp = [focus(shrunk(compressed(tile, quality))) for tile in tiles]
        for sigma in SIGMAS_UM:
            blurred = [focus(shrunk(compressed(defocused(t, sigma), quality))) for t in tiles]
            print(f"focus, {kind}, sigma {sigma} µm: AUROC {auroc(blurred, sharp):.3f}")
    rng = np.random.default_rng(0)
    slides = [mosaic(kind) for kind in kinds]
    print(f"fold: AUROC {of_masks(slides, folded, find_fold, rng):.3f}")
    print(f"bubble: AUROC {of_masks(slides, bubbled, find_bubble, rng):.3f}")
    small = [cv2.resize(tile, (192, 192), interpolation=cv2.INTER_AREA) for tile in tiles]
    dusty = [-dust_share(with_dust(tile, rng)) for tile in small]
    print(f"dust: AUROC {auroc(dusty, [-dust_share(tile) for tile in small]):.3f}")
    cost(tiles[0])


def read_tiles(folder: Path | None) -> list[list[Image]]:
    """Return the tiles of each subfolder."""
    if folder is None:
        return [[he_texture(seed)[:768, :768] for seed in range(12)]]
    found: dict[Path, list[Image]] = {}
    for file in sorted(file for file in folder.rglob("*") if file.suffix in (".jpg", ".jpeg")):
        pixels = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        found.setdefault(file.parent, []).append(np.asarray(pixels))
    return list(found.values())


def auroc(bad: list[float], good: list[float]) -> float:
    """Return how well low values tell bad from good; what cannot be told counts as good."""
    values = np.nan_to_num(-np.asarray([*bad, *good]), nan=-1e9)
    return float(roc_auc_score([1] * len(bad) + [0] * len(good), values))


def shrunk(tile: Image) -> Image:
    size = (tile.shape[1] // 2, tile.shape[0] // 2)
    return np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_AREA), np.uint8)


def defocused(tile: Image, sigma_um: float) -> Image:
    return np.asarray(cv2.GaussianBlur(tile, (0, 0), sigma_um / 0.25))


def compressed(tile: Image, quality: int | None) -> Image:
    if quality is None:
        return tile
    _, data = cv2.imencode(".jpg", tile, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def mosaic(tiles: list[Image]) -> tuple[Image, Image]:
    """Return an overview of 8 µm per pixel that shows an ellipse of tiles on glass."""
    edge = (OVERVIEW_TILE_PX, OVERVIEW_TILE_PX)
    small = [cv2.resize(tile, edge, interpolation=cv2.INTER_AREA) for tile in tiles]
    rows = [np.hstack([small[(12 * r + c) % len(small)] for c in range(12)]) for r in range(10)]
    inside = np.vstack(rows)
    height, width = inside.shape[:2]
    centre, axes = (width // 2, height // 2), (width // 2 - 4, height // 2 - 4)
    piece = cv2.ellipse(np.zeros((height, width), np.uint8), centre, axes, 0, 0, 360, 1, -1) > 0
    return np.where(piece[..., None], inside, np.uint8(GLASS)).astype(np.uint8), piece


def folded(slide: Image, tissue: Image, rng: np.random.Generator) -> tuple[Image, Image]:
    rows, columns = np.nonzero(tissue)
    at, angle, half = int(rng.integers(len(rows))), rng.uniform(0, np.pi), rng.uniform(30, 75)
    across, down = half * np.cos(angle), half * np.sin(angle)
    start = int(columns[at] - across), int(rows[at] - down)
    end = int(columns[at] + across), int(rows[at] + down)
    drawn = np.zeros(tissue.shape, np.uint8)
    band = np.asarray(cv2.line(drawn, start, end, 1, int(rng.integers(5, 15))))
    band = (band > 0) & tissue
    above = np.roll(slide, (3, 5), (0, 1)) / GLASS
    return np.where(band[..., None], slide * above, slide).astype(np.uint8), band


def bubbled(slide: Image, tissue: Image, rng: np.random.Generator) -> tuple[Image, Image]:
    height, width = tissue.shape
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - rng.uniform(0.2, 0.8) * width, y - rng.uniform(0.2, 0.8) * height)
    radius, thick, dark = rng.uniform(12, 60), rng.uniform(0.8, 1.6), rng.uniform(0.6, 0.9)
    ring = dark * np.exp(-0.5 * ((distance - radius) / thick) ** 2)[..., None]
    return (slide * (1 - ring) + 30 * ring).astype(np.uint8), distance <= radius


def with_dust(tile: Image, rng: np.random.Generator) -> Image:
    speck = np.zeros(tile.shape[:2], np.float32)
    for _ in range(int(rng.integers(1, 4))):
        x, y, across, down = (int(v) for v in rng.integers((10, 10, 4, 4), (180, 180, 9, 9)))
        cv2.ellipse(speck, (x, y), (across, down), 0, 0, 360, 1.0, -1)
    alpha = cv2.GaussianBlur(speck, (0, 0), 1.0)[..., None] * rng.uniform(0.8, 0.95)
    return np.asarray(tile * (1 - alpha) + 40 * alpha).astype(np.uint8)


def find_fold(slide: Image, tissue: Image) -> Image:
    return fold_mask(slide, tissue, 8.0)


def find_bubble(slide: Image, _: Image) -> Image:
    return bubble_mask(slide, 8.0)


def of_masks(
    slides: list[tuple[Image, Image]],
    spoil: Callable[[Image, Image, np.random.Generator], tuple[Image, Image]],
    find: Callable[[Image, Image], Image],
    rng: np.random.Generator,
) -> float:
    """Return the AUROC over patches of which a tenth or more is spoilt, against sound ones."""
    bad: list[float] = []
    good: list[float] = []
    for slide, tissue in slides * SPOILT_OF_EACH:
        spoilt, truth = spoil(slide, tissue, rng)
        found = find(spoilt, tissue)
        for top in range(0, tissue.shape[0] - PATCH_PX + 1, PATCH_PX):
            for left in range(0, tissue.shape[1] - PATCH_PX + 1, PATCH_PX):
                box = np.s_[top : top + PATCH_PX, left : left + PATCH_PX]
                if tissue[box].mean() < 0.25 or 0 < truth[box].mean() < 0.1:
                    continue
                (bad if truth[box].any() else good).append(-float(found[box].mean()))
    return auroc(bad, good)


def cost(tile: Image) -> None:
    patch = cv2.resize(tile, (1152, 1152), interpolation=cv2.INTER_CUBIC)
    nothing = np.zeros((64, 64), np.bool_)
    seen = SlideQuality(nothing, nothing, nothing, (32.0, 32.0))
    times = []
    cv2.setNumThreads(1)  # so that the time of this thread is all of it
    for _ in range(200):
        start = time.thread_time()
        seen.of_patch(np.asarray(patch, np.uint8), 0.25, (0, 0), 1152)
        times.append(1e3 * (time.thread_time() - start))
    print(f"cost: {np.median(times):.2f} ms of one core a patch, {min(times):.2f} at best")


if __name__ == "__main__":
    main()
