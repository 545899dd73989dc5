"""Images for ``literal_attention.py``: normal, tumour, or tumour drawn into normal tissue."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.pretraining.augment import grey, match_stain, scale_stain, warp
from msfusion_sdk.pretraining.index import TileIndex
from msfusion_sdk.pretraining.mixing import outline
from msfusion_sdk.pretraining.views import halve, read_tile

NORMAL = "lung_n"
EDGE_PX, CELL_PX, MAP_EDGE = 576, 224, 18


def tiles_of(index: TileIndex, part: str, kind: str, count: int, rng: Any) -> list[Pixels]:
    """Return a random tile of each of some groups."""
    table = index.table[(index.table["part"] == part) & (index.table["class"] == kind)]
    groups = rng.choice(sorted(table["group"].unique()), count, replace=False)
    chosen = [rng.choice(table.loc[table["group"] == group, "file"]) for group in groups]
    return [read_tile(index.root / kind / name) for name in chosen]


def canvas(tiles: list[Pixels], edge: int, zoom: float, rng: np.random.Generator) -> Pixels:
    """Return one photograph, mirrored around itself, or a mosaic of several."""
    if rng.random() < 0.4:
        centre = tiles[0].shape[0] * (0.5 + rng.uniform(-0.2, 0.2, 2))
        angle, flip = rng.uniform(0, 360), rng.random() < 0.5
        centre_xy = float(centre[0]), float(centre[1])
        return warp(tiles[0], edge, scale=zoom, angle=angle, flip=flip, centre=centre_xy)
    cell = round(CELL_PX * zoom)
    count = -(-edge // cell) + 1
    out = np.empty((count * cell, count * cell, 3), np.uint8)
    for row, column in np.ndindex(count, count):
        tile = np.rot90(tiles[rng.integers(len(tiles))], int(rng.integers(4)))
        tile = np.ascontiguousarray(tile[:, ::-1] if rng.random() < 0.5 else tile)
        place = slice(row * cell, (row + 1) * cell), slice(column * cell, (column + 1) * cell)
        out[place] = cv2.resize(tile, (cell, cell))
    y, x = rng.integers(0, count * cell - edge + 1, 2)
    return np.ascontiguousarray(out[y : y + edge, x : x + edge])


def tumour_cells(edge: int, share: float, cell: int, rng: np.random.Generator) -> Any:
    """Return a region of whole cells, those nearest to a random point, ragged."""
    count = -(-edge // cell) + 1
    rows, columns = np.mgrid[:count, :count] - rng.uniform(0, count, 2)[:, None, None]
    near = np.argsort((np.hypot(rows, columns) + 0.6 * rng.random((count, count))).ravel())
    inside = np.zeros(count * count, np.float32)
    inside[near[: max(1, round(share * count * count))]] = 1
    size = count * cell, count * cell
    whole = cv2.resize(inside.reshape(count, count), size, interpolation=cv2.INTER_NEAREST)
    y, x = rng.integers(0, count * cell - edge + 1, 2)
    return whole[y : y + edge, x : x + edge]


def made_image(
    index: TileIndex, part: str, scale: str, rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.float32], int]:
    """Return an image of 576 px, where it is tumour by place, and its class."""
    edge = EDGE_PX if scale == "detail" else 2 * EDGE_PX
    zoom = 1.2 * 1.35 ** rng.uniform(-1, 1)
    kind = ("lung_aca", "lung_scc")[rng.integers(2)]
    chance = rng.random()
    mixed = float(np.exp(rng.uniform(np.log(0.03), np.log(0.8))))
    share = 0.0 if chance < 0.35 else 1.0 if chance < 0.6 else mixed
    mean = np.array([63, 20, -14]) + np.array([8, 8, 6]) * rng.standard_normal(3)
    std = np.array([16, 9, 7]) * np.exp(0.25 * rng.standard_normal(3))
    own_stain = rng.random() < 0.2

    def tissue(name: str) -> Pixels:
        image = canvas(tiles_of(index, part, name, int(rng.integers(1, 6)), rng), edge, zoom, rng)
        return image if own_stain else match_stain(image, np.float32(mean), np.float32(std))  # type: ignore[arg-type]

    if share in (0.0, 1.0):
        image, inside = tissue(kind if share else NORMAL), np.full((edge, edge), share, np.float32)
    else:
        around, drawn = tissue(NORMAL), tissue(kind)
        cells = rng.random() < 0.5
        inside = (
            tumour_cells(edge, share, round(CELL_PX * zoom), rng)
            if cells
            else outline(edge, share, rng).astype(np.float32)
        )
        cover = cv2.GaussianBlur(inside, (0, 0), 3)[..., None]
        image = np.rint(around * (1 - cover) + drawn * cover).astype(np.uint8)
    image = scale_stain(image, (1 + 0.25 * rng.uniform(-1, 1, 3)).astype(np.float32))
    image = grey(image) if rng.random() < 0.08 else image
    image = halve(image) if scale == "context" else image
    places = np.asarray(cv2.resize(inside, (MAP_EDGE,) * 2, interpolation=cv2.INTER_AREA))
    return image, places, index.classes.index(kind if inside.mean() > 0.01 else NORMAL)
