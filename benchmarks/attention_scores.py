"""Do attention scores follow the finding? Scores of labelled tiles that no model was trained on.

    python benchmarks/attention_scores.py --tiles FOLDER [--figure FILE.png]

One tile of each test group, mirrored up to the images of a slide; both networks of
``lung-tiles-v2`` and ``lung-tiles-v3``.  Prints the 5th, 50th and 95th percentile of the score of
normal and of tumour tiles, and how well it tells them apart (AUROC); the figure shows all of them.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from msfusion_sdk import SlideEncoder
from msfusion_sdk.pretraining.from_tiles import SCALES
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.views import plain_view, read_tile

MODELS, NORMAL, TILE_MPP = ("lung-tiles-v2", "lung-tiles-v3"), "lung_n", 0.3


@torch.inference_mode()
def scores_of(model: str, index: TileIndex) -> pd.DataFrame:
    """Return a row per tile and network: model, network, is_tumour, score."""
    networks = SlideEncoder.from_pretrained(model, device="cpu", precision="fp32").model
    table = index.table[index.table["part"] == "test"].groupby("group").first().reset_index()
    rows = []
    for kind, name in zip(table["class"], table["file"], strict=True):
        tile = read_tile(index.root / kind / name)
        for scale in SCALES:
            view = plain_view(tile, scale, TILE_MPP, 0.25, 576)
            pixels = torch.from_numpy(view.transpose(2, 0, 1).copy())[None]
            score = float(getattr(networks, scale).features(pixels).scores)
            rows.append((model, scale, kind != NORMAL, score))
    return pd.DataFrame(rows, columns=["model", "network", "is_tumour", "score"])


def draw(table: pd.DataFrame, path: Path) -> None:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    bins = np.linspace(0, 1, 41)
    for (model, network), rows in table.groupby(["model", "network"]):
        axis = axes[MODELS.index(str(model))][SCALES.index(network)]
        for is_tumour, name, colour in ((False, "normal", "tab:blue"), (True, "tumour", "tab:red")):
            chosen = rows.loc[rows["is_tumour"] == is_tumour, "score"]
            axis.hist(chosen, bins, alpha=0.6, label=name, color=colour)
        axis.set_title(f"{model}, {network} network", fontsize=10)
    axes[0][0].legend(frameon=False)
    for axis in axes[1]:
        axis.set_xlabel("attention score of a tile")
    for axis in axes[:, 0]:
        axis.set_ylabel("tiles")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    index = read_tile_index(arguments.tiles, seed=0)
    table = pd.concat([scores_of(model, index) for model in MODELS])
    for (model, network), rows in table.groupby(["model", "network"]):
        parts = [
            np.quantile(rows.loc[rows["is_tumour"] == tumour, "score"], [0.05, 0.5, 0.95]).round(3)
            for tumour in (False, True)
        ]
        area = roc_auc_score(rows["is_tumour"], rows["score"])
        print(f"{model} {network}: normal {parts[0]}, tumour {parts[1]}, AUROC {area:.3f}")
    if arguments.figure:
        draw(table, arguments.figure)


if __name__ == "__main__":
    main()
