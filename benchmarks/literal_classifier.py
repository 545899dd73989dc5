"""How the classifiers of ``lung-tiles-v3`` were fitted, after its attention was made steeper.

    python benchmarks/literal_classifier.py --tiles FOLDER --model MODEL --out MODEL

Training attention and classifier at once (``literal_attention.py``) leaves classifiers that met
images of part tumour, few grey ones, and vectors from before the attention was made steeper.  Here
the networks stay as they are, and new classifiers are fitted on the vectors that they give now:
one random view of each tile of the training groups, a quarter of them grey.  The epoch is that of
the lowest cross-entropy on one tile of each validation group, mean of the four conditions of the
card.  Scores of the test groups are what ``msfusion pretrain score`` says.
"""

import argparse
import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from literal_attention import carry_changes, compiled
from mixed_images import EDGE_PX
from numpy.typing import NDArray
from torch import Tensor, nn

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder
from msfusion_sdk.pretraining.augment import AugmentConfig
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.scores import CONDITIONS
from msfusion_sdk.pretraining.views import Scale, TrainingViews, plain_view, read_tile

TILE_MPP, TARGET_MPP = 0.3, 0.25
AUGMENT = AugmentConfig(grey_share=0.25)
EPOCHS, BATCH, RATE, DECAY = 60, 64, 1e-3, 0.1
SCALES: tuple[Scale, ...] = ("context", "detail")

ToVector = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Vectors(nn.Module):
    """The networks' vectors alone, as OpenVINO takes them."""

    def __init__(self, network: ImageClassifier) -> None:
        super().__init__()
        self.features = network.features

    def forward(self, images: Tensor) -> Tensor:
        """Return vectors of images of 0..255."""
        out: Tensor = self.features(images).vectors
        return out


def learned_from(vector: ToVector, index: TileIndex, scale: Scale) -> tuple[Tensor, Tensor]:
    """Return the vector of a random view of each tile of the training groups, and its class."""
    paths, labels = index.part("train")
    zoom = TILE_MPP / TARGET_MPP
    views = TrainingViews(
        paths, labels, [0] * len(paths),
        scale=scale, view_px=EDGE_PX, zoom=zoom, augment=AUGMENT, seed=7,
    )  # fmt: skip
    rows = []
    for number in range(len(views)):
        rows.append(vector(views[0, number][0].numpy().transpose(1, 2, 0)))
        if number % 200 == 0:
            print(scale, number, "of", len(views), flush=True)
    return torch.from_numpy(np.stack(rows)), torch.tensor(labels)


def judged_on(vector: ToVector, index: TileIndex, scale: Scale) -> tuple[list[Tensor], Tensor]:
    """Return vectors of a tile of each validation group, by condition, and the classes."""
    paths, labels = index.part("validation")
    groups = index.table.loc[index.table["part"] == "validation", "group"]
    first = np.flatnonzero(~groups.duplicated())
    vectors = []
    for change in CONDITIONS.values():
        images = [change(read_tile(paths[n]), np.random.default_rng([0, int(n)])) for n in first]
        seen = [plain_view(image, scale, TILE_MPP, TARGET_MPP, EDGE_PX) for image in images]
        vectors.append(torch.from_numpy(np.stack([vector(image) for image in seen])))
    return vectors, torch.tensor(labels)[first]


def fitted(network: ImageClassifier, index: TileIndex, scale: Scale) -> nn.Sequential:
    """Return the classifier of the best epoch, in half precision."""
    vector = compiled(Vectors(network))
    x, y = learned_from(vector, index, scale)
    held_out, truth = judged_on(vector, index, scale)
    head = copy.deepcopy(network.head).requires_grad_(True)
    torch.manual_seed(0)
    for layer in head:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    best, kept = np.inf, head
    for epoch in range(EPOCHS):
        for rows in torch.randperm(len(x))[: len(x) // BATCH * BATCH].view(-1, BATCH):
            loss = nn.functional.cross_entropy(head(x[rows]), y[rows], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        with torch.no_grad():
            losses = [float(nn.functional.cross_entropy(head(v), truth)) for v in held_out]
        if np.mean(losses) < best:
            best, kept = float(np.mean(losses)), copy.deepcopy(head)
            print(f"{scale}, epoch {epoch + 1}: cross-entropy {best:.4f}", flush=True)
    return kept.half().float()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=Path, required=True, help="those of lung-tiles-v2")
    parser.add_argument("--model", required=True, help="what literal_attention.py made")
    parser.add_argument("--out", type=Path, required=True, help="becomes a model folder")
    arguments = parser.parse_args()
    encoder = SlideEncoder.from_pretrained(arguments.model, device="cpu", precision="fp32")
    index, model = read_tile_index(arguments.tiles, seed=0), encoder.model.float()
    for scale in SCALES:
        network: ImageClassifier = getattr(model, scale)
        network.head.load_state_dict(fitted(network, index, scale).state_dict())
    write_model_folder(arguments.out, model, encoder.config, f"# {encoder.config.name}\n")
    carry_changes(arguments.out)


if __name__ == "__main__":
    main()
