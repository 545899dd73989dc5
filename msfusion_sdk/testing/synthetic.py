"""Write a synthetic slide as a pyramidal Aperio SVS that OpenSlide reads, of any size.

Memory and time grow with the tissue, not with the glass.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.files import storing
from msfusion_sdk.testing.finding import Finding, finding_map, finding_texture, lung_texture
from msfusion_sdk.testing.tissue import GLASS, Tissue, he_texture, tissue_map

__all__ = ["Finding", "Tissue", "make_slide", "planted"]

MAP_STEP = 16
# Without the tags that tifffile adds by itself.
PLAIN: dict[str, Any] = {"metadata": None, "software": False}
HEAD = "Aperio Image Library v12.0.15 \r\n"


def make_slide(
    path: str | Path,
    width: int,
    height: int,
    *,
    mpp: float | None = 0.25,
    tissue: Tissue = "resection",
    coverage: float = 0.4,
    seed: int = 0,
    downsamples: tuple[int, ...] = (1, 4, 16),
    stored_tile_px: int = 256,
    finding: float | None = None,
    finding_kind: Finding = "solid",
) -> Path:
    """Write a slide and return its path.

    Parameters
    ----------
    path : path
        Should end in ``.svs``.
    width, height : int
        Level-0 pixels.
    mpp : float or None
        µm per pixel in the header; None leaves it out, as some scanners do.  The texture
        is scaled to it, so nuclei keep their size.
    tissue : 'resection', 'core', 'none' or 'full'
    coverage : float
        Share of the slide that is tissue, for 'resection' and 'core'.
    seed : int
        Of texture and outline.
    downsamples : tuple of int
        Of the levels; the first is 1.
    stored_tile_px : int
        Edge of the blocks that are compressed on their own; a multiple of 16.
    finding : float, optional
        Share of the tissue that is a planted finding, one piece of it, the rest drawn as lung with
        air spaces; ``planted`` says where it is.  By default all tissue is alike.
    finding_kind : 'solid' or 'loose'
        Cells that touch, or that lie apart in stroma.
    """
    where = tissue_map(tissue, *_map_size(width, height), coverage, seed)
    drawn = [he_texture(seed)] if finding is None else [lung_texture(seed)]
    if finding:
        drawn.append(finding_texture(finding_kind, seed))
    zoom, unit = 0.25 / (mpp or 0.25), math.lcm(*downsamples)
    textures = [_scaled(texture, zoom, unit) for texture in drawn]
    scene = _Scene(textures, where, finding_map(where, finding or 0.0, seed))
    spacing = f"|AppMag = {10 / mpp:g}|MPP = {mpp}" if mpp is not None else ""
    edge = stored_tile_px
    head = f"{HEAD}{width}x{height} [0,0 {width}x{height}] ({edge}x{edge})"
    with storing(Path(path)) as temporary, tifffile.TiffWriter(temporary, bigtiff=True) as tiff:
        _write_level(tiff, scene, (width, height), 1, edge, f"{head} JPEG/YCC Q=90{spacing}")
        # Aperio keeps the thumbnail second; OpenSlide takes it for an associated image.
        thumbnail = scene.overview(max(1, width // max(1, width // 512)), width, height)
        text = f"{HEAD}thumbnail"
        tiff.write(thumbnail, photometric="rgb", rowsperstrip=16, description=text, **PLAIN)
        for factor in downsamples[1:]:
            size = (max(1, width // factor), max(1, height // factor))
            text = f"{head} -> {size[0]}x{size[1]} JPEG/YCC Q=90"
            _write_level(tiff, scene, size, factor, edge, text)
    return Path(path)


def planted(
    width: int,
    height: int,
    *,
    finding: float,
    tissue: Tissue = "resection",
    coverage: float = 0.4,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return where the finding of such a slide is, 0 to 1 for every 16 x 16 pixels of level 0.

    Parameters
    ----------
    width, height, finding, tissue, coverage, seed
        As in ``make_slide``.

    Returns
    -------
    float32, shape (height / 16, width / 16), rounded up
    """
    where = tissue_map(tissue, *_map_size(width, height), coverage, seed)
    return finding_map(where, finding, seed)


def _map_size(width: int, height: int) -> tuple[int, int]:
    return max(1, -(-width // MAP_STEP)), max(1, -(-height // MAP_STEP))


def _write_level(
    tiff: tifffile.TiffWriter,
    scene: "_Scene",
    size: tuple[int, int],
    factor: int,
    edge: int,
    text: str,
) -> None:
    tiff.write(
        _jpegs(scene, size, factor, edge),
        shape=(size[1], size[0], 3),
        dtype=np.uint8,
        tile=(edge, edge),
        compression="jpeg",
        photometric="ycbcr",
        subsampling=(2, 2),
        description=text,
        **PLAIN,
    )


def _scaled(texture: Pixels, scale: float, unit: int) -> Pixels:
    """Resize a texture to a multiple of ``unit``, so that it repeats alike on all levels."""
    edge = unit * max(1, round(len(texture) * scale / unit))
    if edge == len(texture):
        return texture
    return np.asarray(cv2.resize(texture, (edge, edge), interpolation=cv2.INTER_AREA), np.uint8)


class _Scene:
    """Tissue texture where the map says so, the finding's in places, glass elsewhere."""

    def __init__(
        self,
        textures: list[Pixels],
        where: NDArray[np.float32],
        finding: NDArray[np.float32],
    ) -> None:
        self.where, self.finding = where, finding
        self._textures = {1: textures}

    def textures(self, factor: int) -> list[Pixels]:
        if factor not in self._textures:
            self._textures[factor] = [_smaller(one, factor) for one in self._textures[1]]
        return self._textures[factor]

    def region(self, x: int, y: int, size: int, factor: int) -> Pixels | None:
        """Return a square of a level, or None where it is all glass."""
        step = MAP_STEP / factor
        rows, columns = self.where.shape
        across = np.minimum((np.arange(x, x + size) / step).astype(int), columns - 1)
        down = np.minimum((np.arange(y, y + size) / step).astype(int), rows - 1)
        box = self.where[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
        if not box.any():
            return None
        amount = self.where[np.ix_(down, across)][..., None]
        tissue, *finding = (
            texture[np.ix_(*(np.arange(start, start + size) % len(texture) for start in (y, x)))]
            for texture in self.textures(factor)
        )
        stain: NDArray[np.float32] = tissue.astype(np.float32)
        for one in finding:
            share = self.finding[np.ix_(down, across)][..., None]
            stain = stain * (1 - share) + one * share
        mixed = stain * amount + np.asarray(GLASS, np.float32) * (1 - amount)
        return np.rint(mixed).astype(np.uint8)

    def overview(self, columns: int, width: int, height: int) -> Pixels:
        rows = max(1, round(columns * height / width))
        amount = cv2.resize(self.where, (columns, rows), interpolation=cv2.INTER_AREA)[..., None]
        colour = self._textures[1][0].reshape(-1, 3).mean(0)
        mixed = colour * amount + np.asarray(GLASS) * (1 - amount)
        return np.asarray(np.rint(mixed), np.uint8)


def _smaller(texture: Pixels, factor: int) -> Pixels:
    edge = max(1, texture.shape[0] // factor)
    small = cv2.resize(texture, (edge, edge), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _jpegs(scene: _Scene, size: tuple[int, int], factor: int, edge: int) -> Iterator[bytes]:
    glass = _jpeg(np.full((edge, edge, 3), GLASS, np.uint8))
    for y in range(0, size[1], edge):
        for x in range(0, size[0], edge):
            pixels = scene.region(x, y, edge, factor)
            yield glass if pixels is None else _jpeg(pixels)


def _jpeg(pixels: Pixels) -> bytes:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return bytes(data)
