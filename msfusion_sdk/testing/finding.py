"""Draw lung that holds a finding: air spaces and thin walls, and in places nests of crowded cells.

Drawn for 0.25 µm per pixel, and like H&E from far enough.  What the embedded model makes of it is
chance: it was trained on photographs of tissue.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.testing.tissue import (
    EOSIN,
    HAEMATOXYLIN,
    LUMEN,
    TEXTURE_PX,
    blur,
    draw_on_all_sides,
    he_texture,
    noise,
)

__all__ = ["Finding", "finding_map", "finding_texture", "lung_texture"]

Finding = Literal["solid", "loose"]
"""Nests of cells that touch, or cells that lie apart in stroma."""

AIR_SPACES, WALL_PX = 70, 22
NEST_STROMA, NEST_CHROMATIN = (214, 140, 186), (88, 50, 124)


def lung_texture(seed: int) -> Pixels:
    """Return a seamless square of ``TEXTURE_PX``: air spaces between walls with a few nuclei."""
    rng = np.random.default_rng(seed)
    air = np.clip((_distance_to_walls(rng) - WALL_PX) / 6, 0, 1)
    stroma = np.asarray(EOSIN) + _grain(rng, 14, 10) + _grain(rng, 9, 3)
    image = stroma * (1 - air[..., None]) + np.asarray(LUMEN) * air[..., None]
    walls = np.argwhere(air < 0.1)
    return _with_nuclei(image, rng.permutation(walls)[:420], (7, 12), HAEMATOXYLIN, rng)


def finding_texture(kind: Finding, seed: int) -> Pixels:
    """Return a seamless square of ``TEXTURE_PX`` of the finding."""
    if kind == "loose":
        return he_texture(seed)
    rng = np.random.default_rng(seed)
    stroma = np.asarray(NEST_STROMA) + _grain(rng, 12, 24) + _grain(rng, 9, 3)
    return _with_nuclei(stroma, _apart(rng, 1100, 27), (13, 22), NEST_CHROMATIN, rng)


def finding_map(where: NDArray[np.float32], share: float, seed: int) -> NDArray[np.float32]:
    """Return how much of every place is the finding, 0 to 1: one piece inside the tissue.

    Parameters
    ----------
    where : shape (row, column)
        How much tissue there is, as ``tissue_map`` gives it.
    share : float
        Of the tissue.
    seed : int
        Of its place and outline.
    """
    rng = np.random.default_rng([seed, 1])
    tissue = where > 0.5
    if share <= 0 or not tissue.any():
        return np.zeros_like(where)
    rows, columns = np.mgrid[0 : where.shape[0], 0 : where.shape[1]].astype(np.float32)
    centre = np.argwhere(tissue)[rng.integers(tissue.sum())]
    size = (where.shape[1], where.shape[0])
    wobble = cv2.resize(noise(rng, 256, 16), size, interpolation=cv2.INTER_CUBIC)
    reach = 0.12 * float(np.sqrt(share * tissue.sum()))
    distance = np.hypot(rows - centre[0], columns - centre[1]) + reach * wobble
    limit = np.quantile(distance[tissue], min(1.0, share))
    inside = ((distance <= limit) & tissue).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 0.7), np.float32)


def _distance_to_walls(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how far every pixel is from the border of its air space, a Voronoi cell."""
    size = TEXTURE_PX
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    rows, columns = rows + 12 * noise(rng, size, 30), columns + 12 * noise(rng, size, 30)
    two_nearest = np.full((2, size, size), np.inf, np.float32)
    for x, y in rng.uniform(0, size, (AIR_SPACES, 2)):
        across, down = np.abs(columns - x) % size, np.abs(rows - y) % size
        distance = np.hypot(np.minimum(across, size - across), np.minimum(down, size - down))
        farther = np.maximum(two_nearest[0], distance)
        two_nearest[0] = np.minimum(two_nearest[0], distance)
        two_nearest[1] = np.minimum(two_nearest[1], farther)
    return np.asarray(two_nearest[1] - two_nearest[0], np.float32)


def _apart(rng: np.random.Generator, most: int, least_px: int) -> NDArray[np.intp]:
    """Return random places, rows and columns, no two of them closer than ``least_px``."""
    cells = TEXTURE_PX // least_px
    taken: dict[tuple[int, int], tuple[int, int]] = {}
    for row, column in rng.integers(0, TEXTURE_PX, (12 * most, 2)):
        cell = int(row) * cells // TEXTURE_PX, int(column) * cells // TEXTURE_PX
        near = [
            taken.get(((cell[0] + down) % cells, (cell[1] + across) % cells))
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
        ]
        if len(taken) < most and all(p is None or _gap(p, (row, column)) >= least_px for p in near):
            taken[cell] = int(row), int(column)
    return np.array(list(taken.values()), np.intp)


def _gap(one: tuple[int, int], other: tuple[int, int]) -> float:
    apart = np.abs(np.subtract(one, other))
    return float(np.hypot(*np.minimum(apart, TEXTURE_PX - apart)))


def _with_nuclei(
    image: NDArray[np.floating],
    places: NDArray[np.intp],
    radii: tuple[int, int],
    colour: tuple[int, int, int],
    rng: np.random.Generator,
) -> Pixels:
    nuclei = np.zeros(image.shape[:2], np.float32)
    for row, column in places:
        axes = int(rng.integers(*radii)), int(rng.integers(*radii))
        draw_on_all_sides(nuclei, (int(column), int(row)), axes, float(rng.uniform(0, 180)))
    chromatin = blur(nuclei, 1.5)[..., None] * (0.82 + _grain(rng, 0.12, 2))
    mixed = image * (1 - chromatin) + np.asarray(colour) * chromatin
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def _grain(rng: np.random.Generator, height: float, sigma: float) -> NDArray[np.floating]:
    return height * noise(rng, TEXTURE_PX, sigma)[..., None]
