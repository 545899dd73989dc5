"""Composite slides for ``slide_representation.py``: mosaics of labelled tiles, made in memory.

A composite is a few patches of the encoder's size, laid out as a strip; one irregular blob of it
is tumour, the rest normal tissue.  Its tiles come from a few groups only, as a patient's would.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import torch

from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.backends.folding import folded
from msfusion_sdk.encoder.networks.model import TwoScaleModel, split_scales
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.pretraining.augment import match_stain, scale_stain
from msfusion_sdk.pretraining.index import TileIndex
from msfusion_sdk.pretraining.views import read_tile

PATCH_PX, CELL_PX, COLUMNS = 1152, 224, 4
GROUPS = 6
FRACTIONS = (0.05, 0.10, 0.15, 0.25, 0.40, 0.60)
REFERENCE = np.float32([62, 18, -14]), np.float32([17, 9, 7])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Library:
    """Tiles of one part of the groups, by class and group."""

    index: TileIndex
    part: str
    same_stain: bool

    def images(self, kind: str, rng: np.random.Generator) -> list[np.ndarray]:
        """Return the tiles of a few random groups of one kind."""
        table = self.index.table
        mine = table[(table["part"] == self.part) & (table["class"] == kind)]
        groups = rng.choice(sorted(mine["group"].unique()), GROUPS, replace=False)
        files = mine.loc[mine["group"].isin(groups), "file"]
        tiles = [read_tile(self.index.root / kind / name) for name in files]
        return [match_stain(tile, *REFERENCE) for tile in tiles] if self.same_stain else tiles  # type: ignore[arg-type]


def tumour_cells(shape: tuple[int, int], fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Return which cells are tumour: those nearest to a random point, with a ragged border."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    centre = rng.uniform(0, shape)
    distance = np.hypot(rows - centre[0], columns - centre[1]) + rng.normal(0, 0.5, shape)
    count = round(fraction * distance.size)
    chosen = np.zeros(shape, bool)
    chosen.ravel()[np.argsort(distance.ravel())[:count]] = True
    return chosen


def compose(
    library: Library, kind: str, fraction: float, patches: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the patches of one slide, shape (patch, 1152, 1152, 3)."""
    rows = -(-patches // COLUMNS)
    shape = tuple(-(-n * PATCH_PX // CELL_PX) for n in (rows, COLUMNS))
    cells = tumour_cells(shape, fraction, rng)  # type: ignore[arg-type]
    tiles = {False: library.images("lung_n", rng)}
    if kind != "lung_n":
        tiles[True] = library.images(kind, rng)
    canvas = np.empty((shape[0] * CELL_PX, shape[1] * CELL_PX, 3), np.uint8)
    for row, column in np.ndindex(*shape):
        choices = tiles[bool(cells[row, column])]
        tile = np.rot90(choices[rng.integers(len(choices))], rng.integers(4))  # type: ignore[call-overload]
        tile = tile[:, ::-1] if rng.random() < 0.5 else tile
        y, x = row * CELL_PX, column * CELL_PX
        canvas[y : y + CELL_PX, x : x + CELL_PX] = cv2.resize(tile, (CELL_PX, CELL_PX))
    canvas = scale_stain(canvas, (1 + rng.normal(0, 0.08, 3)).astype(np.float32))
    corners = [(PATCH_PX * (i // COLUMNS), PATCH_PX * (i % COLUMNS)) for i in range(patches)]
    return np.stack([canvas[y : y + PATCH_PX, x : x + PATCH_PX] for y, x in corners])


@torch.inference_mode()
def raw_features(
    model: TwoScaleModel, runtime: Runtime, patches: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what both networks say of patches, before any fusion.

    context (patch, 512), tiles (patch, 4, 512), context_scores (patch,), tile_scores (patch, 4),
    context_classes (patch, class), tile_classes (patch, 4, class): probabilities.
    context_bare, tiles_bare: the same shapes as context and tiles, without the last attention.
    """
    rows, bare = [], list[torch.Tensor]()

    def keep(stages: object, given: object, late: torch.Tensor) -> None:
        bare.append(late.float().mean((2, 3)))

    networks = model.context.features, model.detail.features
    hooks = [n.get_submodule("stages").register_forward_hook(keep) for n in networks]
    for patch in patches:
        pixels = torch.from_numpy(patch).permute(2, 0, 1)[None]
        context, tiles = split_scales(pixels)
        with runtime.autocast():
            one = model.context.features(context)
            four = model.detail.features(tiles[0])
        heads = model.context.head(one.vectors.float()), model.detail.head(four.vectors.float())
        rows.append(
            {
                "context": one.vectors[0], "tiles": four.vectors,
                "context_scores": one.scores[0], "tile_scores": four.scores,
                "context_classes": heads[0][0].softmax(0), "tile_classes": heads[1].softmax(1),
                "context_bare": bare[-2][0], "tiles_bare": bare[-1],
            }
        )  # fmt: skip
    for hook in hooks:
        hook.remove()
    return {k: torch.stack([r[k] for r in rows]).float().numpy() for k in rows[0]}


def cohort(
    encoder: SlideEncoder,
    index: TileIndex,
    part: str,
    *,
    slides: int,
    patches: int,
    same_stain: bool,
    seed: int,
) -> tuple[pd.DataFrame, list[dict[str, np.ndarray]]]:
    """Return a table (kind, fraction) and the raw features of every slide."""
    library = Library(index, part, same_stain)
    model, runtime = encoder.model, encoder.runtime
    if runtime.precision == "bf16":  # as encoding in torch does: several times as fast
        model = folded(model, torch.bfloat16)  # type: ignore[assignment]
    rows, features = [], []
    for number in range(slides):
        rng = np.random.default_rng([seed, number, part == "test"])
        kind = ("lung_aca", "lung_scc", "lung_n")[number % 3]
        fraction = 0.0 if kind == "lung_n" else FRACTIONS[number // 3 % len(FRACTIONS)]
        composite = compose(library, kind, fraction, patches, rng)
        features.append(raw_features(model, runtime, composite))
        rows.append({"kind": kind, "fraction": fraction})
        print(f"{part} {number + 1}/{slides}", end="\r", flush=True)
    return pd.DataFrame(rows), features
