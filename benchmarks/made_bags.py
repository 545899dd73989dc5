"""Bags for the benchmark of learned attention: of labelled tiles, or drawn from a model."""

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from msfusion_sdk import SlideEncoder
from msfusion_sdk.bags import bag_table
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.contract import vector_of
from msfusion_sdk.pretraining.index import read_tile_index

Features = NDArray[np.float32]
NORMAL, KINDS = "lung_n", ("lung_aca", "lung_scc")
GROUPS = 6
"""Photographs' groups that a bag's tiles of one class come from, as a slide is of one patient."""
FEATURES = 64
"""Of a patch that is drawn."""
NOISE = 0.02
"""Of a feature's deviation: copies of one tile are not told apart by being equal."""


class Tiles:
    """Frozen features of labelled lung tiles, by part, class and group.

    Parameters
    ----------
    found : mapping
        ``X`` (tile, feature), ``cls``, ``group`` and ``part`` of each tile.
    """

    def __init__(self, found: Any) -> None:
        self.vectors, self.classes = found["X"].astype(np.float32), found["cls"].astype(str)
        self.parts, groups = found["part"].astype(str), found["group"].astype(str)
        self._noise = NOISE * self.vectors.std(0)
        self._rows: dict[tuple[str, str], list[NDArray[np.intp]]] = {}
        for part in ("train", "validation", "test"):
            for kind in (NORMAL, *KINDS):
                mine = (self.parts == part) & (self.classes == kind)
                self._rows[part, kind] = [
                    np.flatnonzero(mine & (groups == g)) for g in np.unique(groups[mine])
                ]

    def bag(
        self, part: str, kind: str, size: int, share: float, rng: np.random.Generator
    ) -> Features:
        """Return a bag of which at least one patch is of ``kind`` and the rest is normal."""
        count = max(1, round(share * size))
        rows = np.concatenate(
            [self._some(part, kind, count, rng), self._some(part, NORMAL, size - count, rng)]
        )
        vectors = self.vectors[rows]
        return np.asarray(vectors + self._noise * rng.normal(size=vectors.shape), np.float32)

    def _some(self, part: str, kind: str, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
        groups = self._rows[part, kind]
        chosen = rng.choice(len(groups), min(GROUPS, len(groups)), replace=False)
        return rng.choice(np.concatenate([groups[g] for g in chosen]), count)


def tile_features(folder: Path, model: str, out: Path) -> None:
    """Write the vector of every tile by a model's detail network.

    Of a frozen backbone the plain mean of its last feature map, of a network of the method its own
    vector.
    """
    index = read_tile_index(folder, seed=0)
    network = SlideEncoder.from_pretrained(model).model.detail.features
    rows, vectors = index.table, []
    with torch.inference_mode():
        for kind, name in zip(rows["class"], rows["file"], strict=True):
            image = cv2.imread(str(folder / kind / name), cv2.IMREAD_COLOR_RGB)
            pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
            if isinstance(network, AttendedNetwork):
                (vector,) = vector_of(network.maps(pixels), network.backbone.facts)
            else:
                (vector,) = network(pixels).vectors
            vectors.append(vector.numpy())
    named = {name: rows[column].to_numpy().astype(str) for name, column in COLUMNS.items()}
    np.savez(out, X=np.stack(vectors), allow_pickle=False, **named)


COLUMNS = {"cls": "class", "group": "group", "part": "part"}


class Planted(NamedTuple):
    """A cohort that was drawn."""

    tables: dict[str, pd.DataFrame]
    survival: pd.DataFrame
    risk: "pd.Series[float]"
    """What is written in the planted patches."""
    where: dict[str, NDArray[np.bool_]]
    """Which patches of each patient are planted."""


def draw_cohort(
    patients: int,
    patches: int,
    seed: int,
    *,
    effect: float = 1.0,
    share: float = 0.05,
    apart: float = 4.0,
    step: float = 2.0,
    shift: float = 0.1,
) -> Planted:
    """Return a cohort of which little is known by the mean of the patches.

    In a share of each bag's patches, which lie apart from the others, the patient's risk is
    written; age and one gene of twenty shorten the time too.  About 40 % are censored.

    Parameters
    ----------
    apart, step, shift : float
        In deviations of a feature: how far planted patches lie from the others, how far they move
        with each deviation of the risk, and how far patients lie from one another.
    """
    rng = np.random.default_rng(seed)
    ids = [f"P{number:04d}" for number in range(patients)]
    risk, age, genes = (
        rng.normal(size=patients),
        rng.normal(size=patients),
        rng.normal(size=(patients, 20)),
    )
    where, what = np.eye(FEATURES)[:2]
    bags, planted = {}, {}
    for name, own in zip(ids, risk, strict=True):
        mine = rng.random(patches) < share
        mine[rng.integers(patches)] = True
        vectors = rng.normal(size=(patches, FEATURES)) + shift * rng.normal(size=FEATURES)
        written = mine[:, None] * (apart * where + step * own * what)
        bags[name] = (vectors + written).astype(np.float16)
        planted[name] = mine
    hazard = np.exp(effect * (risk + 0.5 * age + 0.5 * genes[:, 0]))
    died, left = rng.exponential(1 / hazard), rng.exponential(1.5, patients)
    tables = {
        "patches": bag_table(bags),
        "clinical": pd.DataFrame({"age": age}, ids),
        "expression": pd.DataFrame(genes, ids, [f"g{n}" for n in range(20)]),
    }
    y = pd.DataFrame({"time": np.minimum(died, left) + 1e-3, "event": died <= left}, ids)
    return Planted(tables, y, pd.Series(risk, ids), planted)
