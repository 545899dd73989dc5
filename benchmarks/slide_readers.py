"""Compare pixels with those of the libraries, and look how damaged files end.

    python benchmarks/slide_readers.py [FOLDER OF SLIDES] [--damaged 2000]

Level 0 and every level of 40 made TIFF files (coding x layout x byte order x levels) and of the
slides of a folder are compared with tifffile or OpenSlide, pixel by pixel.  Then copies of
them with changed bytes are opened and read in processes of their own: each must give the same
pixels, or an error of the SDK, before the deadline.
"""

import argparse
import itertools
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openslide
import tifffile

from msfusion_sdk.errors import MsfusionError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.testing.tissue import he_texture

CODINGS = ("jpeg", "deflate", "lzw", "zstd", None)
ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")
DEADLINE_S = 60


def make(folder: Path) -> list[Path]:
    """Write the containers; half of them have three levels."""
    image = he_texture(0)[:700, :900]
    paths = []
    for coding, order, big, levels in itertools.product(CODINGS, ORDERS, (False, True), (1, 3)):
        path = folder / f"{coding}-{'be' if order == '>' else 'le'}-{big}-{levels}.tif"
        keys: dict[str, Any] = {"photometric": "rgb", "tile": (128, 128), "metadata": None}
        keys["compression"] = coding
        with tifffile.TiffWriter(path, byteorder=order, bigtiff=big) as tiff:
            tiff.write(image, subifds=levels - 1, **keys)
            for level in range(1, levels):
                step = 2**level
                tiff.write(np.ascontiguousarray(image[::step, ::step]), subfiletype=1, **keys)
        paths.append(path)
    return paths


def differing(path: Path) -> int:
    """Return how many pixels of all levels differ from the library's own reading."""
    count = 0
    with open_slide(path, mpp=0.25) as slide:
        if slide.header.reader.startswith("openslide"):
            other = openslide.OpenSlide(path)
            sizes = list(other.level_dimensions)
            for level, size in enumerate(slide.header.level_dimensions):
                seen = slide.read((0, 0), level, size).pixels  # an error of ours, where it is one
                expected = np.asarray(other.read_region((0, 0), sizes.index(size), size))
                held = expected[..., 3] == 255
                count += int((seen[held] != expected[held][:, :3]).any(-1).sum())
        elif slide.header.reader.startswith("tifffile"):
            with tifffile.TiffFile(path) as tiff:
                page = tiff.pages.first
                pages = [page, *(page.pages or ())]
                for level, size in enumerate(slide.header.level_dimensions):
                    seen = slide.read((0, 0), level, size).pixels
                    count += int((seen != pages[level].asarray()[..., :3]).any(-1).sum())
    return count


def verdict(path: Path, seed: int) -> str:
    """Change a few bytes of a copy and say how reading it ends."""
    rng = np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    reach = len(data) if seed % 2 else min(len(data), 4096)
    for place in rng.integers(0, reach, int(rng.integers(1, 9))):
        data[place] = int(rng.integers(0, 256))
    if seed % 7 == 0:
        del data[int(rng.integers(1, len(data))) :]
    with tempfile.NamedTemporaryFile(suffix=path.suffix) as file:
        file.write(data)
        file.flush()
        try:
            with open_slide(file.name, mpp=0.25) as slide:
                width, height = slide.dimensions
                slide.read((0, 0), 0, (min(width, 2000), min(height, 2000)))
        except MsfusionError as error:
            return error.code
        except Exception as error:
            return f"NOT OURS: {type(error).__name__}"
    return "read"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--damaged", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder))
        found = sorted(asked.folder.rglob("*")) if asked.folder else []
        compare([*made, *(path for path in found if path.suffix in (".svs", ".tif", ".tiff"))])
        damage(made, asked.damaged)


def compare(paths: list[Path]) -> None:
    counts: Counter[int] = Counter()
    refused: Counter[str] = Counter()
    for path in paths:
        try:
            counts[differing(path)] += 1
        except MsfusionError as error:
            refused[error.code] += 1
    print(f"{sum(counts.values())} files compared; differing pixels, files: {dict(counts)}")
    print(f"refused: {dict(refused)}")


def damage(paths: list[Path], count: int) -> None:
    ends: Counter[str] = Counter()
    pool = ProcessPoolExecutor(1)
    for seed in range(count):
        try:
            ends[pool.submit(verdict, paths[seed % len(paths)], seed).result(DEADLINE_S)] += 1
        except TimeoutError:
            ends["HANG"] += 1
            break
        except BrokenProcessPool:
            ends["DIED"] += 1
            pool = ProcessPoolExecutor(1)
    pool.shutdown(cancel_futures=True)
    print(f"{sum(ends.values())} damaged files: {dict(ends.most_common())}")


if __name__ == "__main__":
    main()
