"""Pictures and TIFF files of several pictures, made for tests of readers."""

import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

MPP = 0.5
TILED = {
    "photometric": "rgb",
    "tile": (128, 128),
    "compression": "jpeg",
    "compressionargs": {"level": 90},
    "resolution": (1e4 / MPP, 1e4 / MPP),
    "resolutionunit": "CENTIMETER",
    "metadata": None,
}


def picture(width: int, height: int, seed: int = 0) -> Pixels:
    """Glass with pink and violet blots of several sizes, most of them right and below."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 244, np.uint8)
    for _ in range(60):
        centre = tuple(int(v) for v in rng.uniform(0.25, 0.95, 2) * (width, height))
        colour = tuple(int(v) for v in rng.integers((150, 60, 130), (230, 150, 200)))
        cv2.circle(image, centre, int(rng.integers(5, max(6, width // 14))), colour, -1)
    noise = rng.normal(0, 6, (height, width, 1))
    return np.clip(image + np.where(image < 240, noise, noise / 4), 0, 255).astype(np.uint8)


def smaller(image: Pixels, times: int) -> Pixels:
    """The picture shrunk by area averaging; edges are rounded down."""
    size = (image.shape[1] // times, image.shape[0] // times)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def padded(image: Pixels, multiple: int) -> Pixels:
    """The picture with white on the right and below, up to whole stored tiles."""
    height, width = image.shape[:2]
    edges = ((0, -height % multiple), (0, -width % multiple), (0, 0))
    return np.pad(image, edges, constant_values=255)


def write_pictures(path: Path, pictures: Sequence[tuple[Pixels, int]], **options: object) -> Path:
    """Write (pixels, NewSubfileType) one after the other into one tiled TIFF."""
    with tifffile.TiffWriter(path) as tiff:
        for pixels, flag in pictures:
            tiff.write(pixels, subfiletype=flag, **{**TILED, **options})
    return path


def rewrite_tiles(
    path: Path, change: Callable[[bytes], bytes], numbers: Iterable[int] | None = None
) -> Path:
    """Put changed copies of some stored tiles, or of all, at the end of a classic TIFF."""
    raw = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        places, lengths = page.tags["TileOffsets"], page.tags["TileByteCounts"]
        form = {3: "<H", 4: "<I"}[int(lengths.dtype)]
        for n in range(len(page.dataoffsets)) if numbers is None else numbers:
            start, length = page.dataoffsets[n], page.databytecounts[n]
            data = change(bytes(raw[start : start + length]))
            struct.pack_into("<I", raw, places.valueoffset + 4 * n, len(raw))
            struct.pack_into(form, raw, lengths.valueoffset + struct.calcsize(form) * n, len(data))
            raw += data
    path.write_bytes(raw)
    return path
