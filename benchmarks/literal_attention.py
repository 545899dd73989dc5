"""How ``lung-tiles-v3`` was made: the last block of each network learns where the finding is.

    python benchmarks/literal_attention.py --tiles FOLDER --out MODEL [--images 1000] [--epochs 5]

Images of 576 px are made of the training groups of labelled tiles: normal, tumour, or tumour drawn
into normal tissue, whole photographs or mosaics, all of one stain so that colour tells nothing.
The networks of ``lung-tiles-v2`` up to their last block see each image once; the maps are kept in
memory (0.3 MB an image).  On them the last block, the last attention and the classifier are
trained: cross-entropy of the class, and at each place of the attention that of the finding
(``msfusion_sdk.pretraining.mixing``).  After each epoch scores on images of the validation groups
are printed: 5th, 50th and 95th percentile of normal and of tumour, rank correlation with the share
of tumour, balanced accuracy.  At last the attention is made steeper, its logits times three: chosen
among 1, 1.5, 2, 3 and 4 by the cross-entropy of composite slides of the validation groups.  The
folder that is written carries only what differs.
"""

import argparse
import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mixed_images import EDGE_PX, MAP_EDGE, made_image
from numpy.typing import NDArray
from safetensors.torch import load, save
from scipy.stats import spearmanr
from torch import Tensor, nn

from msfusion_sdk import SlideEncoder
from msfusion_sdk.arrays import Pixels
from msfusion_sdk.encoder.networks.attention import attention_logits
from msfusion_sdk.encoder.networks.network import AttendedResNet, ImageClassifier
from msfusion_sdk.encoder.weights.encoder_folder import weights_bytes, write_model_folder
from msfusion_sdk.encoder.weights.hub import embedded_models
from msfusion_sdk.files import store_bytes, store_text
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.mixing import attention_loss
from msfusion_sdk.storage.model_folder import CONFIG_FILE, WEIGHTS_FILE
from msfusion_sdk.storage.records import sealed

BASE, NAME = "lung-tiles-v2", "lung-tiles-v3"
BATCH, RATE = 16, 5e-4
STEEPER = 3.0
"""Normal tissue then weighs 0.006 instead of 0.08, and does not drown a little tumour."""
SEEDS = {"train": 1, "validation": 2}


class Seen(NamedTuple):
    """What the networks need of images, kept in memory."""

    maps: NDArray[np.float16]
    """Shape (image, 512, 18, 18): before the last block."""
    finding: NDArray[np.float32]
    """Shape (image, 18, 18): the share of each place that is tumour."""
    labels: NDArray[np.int64]


class Lower(nn.Module):
    """The network up to its last block."""

    def __init__(self, features: AttendedResNet) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        """Return the maps of images of 0..255."""
        features = self.features
        early, _ = features.first_attention(features.stem(features.normalise(images)))
        *below, last = features.stages
        for stage in below:
            early = stage(early)
        out: Tensor = last[0](early)  # type: ignore[index]
        return out


class Upper(nn.Module):
    """What is trained: the last block, the last attention and the classifier."""

    def __init__(self, network: ImageClassifier) -> None:
        super().__init__()
        features = network.features
        assert isinstance(features, AttendedResNet)
        self.block = copy.deepcopy(features.stages[4][1])  # type: ignore[index]
        self.attention = copy.deepcopy(features.last_attention)
        self.head = copy.deepcopy(network.head)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the classes, and of the attention at each place."""
        late = self.block(maps)
        logits = attention_logits(late, self.attention.conv.weight)
        return self.head((late * logits.sigmoid()).mean((2, 3))), logits

    @torch.no_grad()
    def put_into(self, network: ImageClassifier) -> None:
        """Replace the weights of a network by those that were trained, in half precision."""
        self.attention.conv.weight *= STEEPER
        features = network.features
        assert isinstance(features, AttendedResNet)
        places = (features.stages[4][1], features.last_attention, network.head)  # type: ignore[index]
        for place, trained in zip(places, (self.block, self.attention, self.head), strict=True):
            state = trained.state_dict()
            place.load_state_dict(
                {k: v.half().float() if v.is_floating_point() else v for k, v in state.items()}
            )


def compiled(module: nn.Module) -> Callable[[Pixels], NDArray[np.float32]]:
    """Return what a module says of one image of 576 px, in single precision."""
    import openvino

    example, shape = torch.rand(1, 3, EDGE_PX, EDGE_PX), [(-1, 3, EDGE_PX, EDGE_PX)]
    converted = openvino.convert_model(module.eval(), example_input=example, input=shape)
    run = openvino.Core().compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def answer(image: Pixels) -> NDArray[np.float32]:
        return run(image.transpose(2, 0, 1)[None].astype(np.float32))[0][0]  # type: ignore[no-any-return]

    return answer


def seen(network: ImageClassifier, index: TileIndex, part: str, scale: str, count: int) -> Seen:
    """Return the maps of images that are made one by one, the same in every run."""
    assert isinstance(network.features, AttendedResNet)
    run = compiled(Lower(network.features))
    maps = np.empty((count, 512, MAP_EDGE, MAP_EDGE), np.float16)
    finding, labels = np.empty((count, MAP_EDGE, MAP_EDGE), np.float32), np.empty(count, np.int64)
    for number in range(count):
        rng = np.random.default_rng([SEEDS[part], scale == "detail", number])
        image, finding[number], labels[number] = made_image(index, part, scale, rng)
        maps[number] = run(image)
        if number % 100 == 0:
            print(scale, part, number, flush=True)
    return Seen(maps, finding, labels)


@torch.inference_mode()
def told(upper: Upper, data: Seen) -> str:
    """Return how attention and classifier do on images of held-out groups."""
    answers = [upper(torch.from_numpy(m).float()) for m in np.array_split(data.maps, 20)]
    scores = torch.cat([logits.sigmoid().mean((1, 2, 3)) for _, logits in answers]).numpy()
    guesses = torch.cat([classes.argmax(1) for classes, _ in answers]).numpy()
    share = data.finding.mean((1, 2))
    parts = [np.quantile(scores[share == s], [0.05, 0.5, 0.95]).round(3) for s in (0, 1)]
    recalls = [(guesses == data.labels)[data.labels == c].mean() for c in np.unique(data.labels)]
    rank = spearmanr(scores, share).statistic
    return f"normal {parts[0]}, tumour {parts[1]}, rank {rank:.3f}, accuracy {np.mean(recalls):.3f}"


def train(network: ImageClassifier, data: Seen, held_out: Seen, epochs: int) -> Upper:
    """Return the trained part; statistics of batch norm stay as they were."""
    upper = Upper(network).requires_grad_(True).eval()
    print("before:", told(upper, held_out), flush=True)
    kernel = upper.attention.conv.weight
    others = [p for p in upper.parameters() if p is not kernel]
    # Few weights, at first of a map that is full everywhere: they have far to go.
    groups = [{"params": others, "peak": RATE}, {"params": [kernel], "peak": 10 * RATE}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.02)
    rng, steps, done = np.random.default_rng(0), epochs * (len(data.labels) // BATCH), 0
    for epoch in range(epochs):
        order = rng.permutation(len(data.labels))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            maps, finding = torch.from_numpy(data.maps[rows]).float(), data.finding[rows]
            # The maps of a turned image are nearly those of the image, turned.
            turns, flips = int(rng.integers(4)), bool(rng.random() < 0.5)
            maps, places = (turned(m, turns, flips) for m in (maps, torch.from_numpy(finding)))
            share = min(1.0, (done + 1) / 20) * (0.5 + 0.5 * np.cos(np.pi * done / steps))
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * share
            classes, logits = upper(maps)
            labels = torch.from_numpy(data.labels[rows])
            loss = nn.functional.cross_entropy(classes, labels, label_smoothing=0.05)
            loss = loss + attention_loss(logits, places)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(upper.parameters(), 5.0)
            optimiser.step()
            done += 1
        print(f"epoch {epoch + 1}:", told(upper, held_out), flush=True)
    return upper


def turned(places: Tensor, turns: int, flips: bool) -> Tensor:
    """Return maps by quarters of a turn, and mirrored."""
    out = torch.rot90(places, turns, (-2, -1))
    return out.flip(-1) if flips else out


def carry_changes(folder: Path) -> None:
    """Leave in a model folder only the tensors that are not those of the base."""
    whole = load((folder / WEIGHTS_FILE).read_bytes())
    below = load((embedded_models()[BASE] / WEIGHTS_FILE).read_bytes())
    changed = save({k: v for k, v in whole.items() if not torch.equal(v, below[k])})
    store_bytes(folder / WEIGHTS_FILE, changed)
    config = json.loads((folder / CONFIG_FILE).read_text())
    base = {"model": BASE, "changed_sha256": hashlib.sha256(changed).hexdigest()}
    content = {k: v for k, v in config.items() if k != "sha256"} | {"base": base}
    store_text(folder / CONFIG_FILE, sealed(content))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=Path, required=True, help="those of lung-tiles-v2")
    parser.add_argument("--out", type=Path, required=True, help="becomes a model folder")
    parser.add_argument("--images", type=int, default=1000, help="for training, a network")
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    encoder = SlideEncoder.from_pretrained(BASE, device="cpu", precision="fp32")
    index, model = read_tile_index(arguments.tiles, seed=0), encoder.model.float()
    for scale in ("context", "detail"):
        network: ImageClassifier = getattr(model, scale)
        data, held_out = (
            seen(network, index, part, scale, count)
            for part, count in (("train", arguments.images), ("validation", arguments.images // 5))
        )
        torch.manual_seed(0)
        train(network, data, held_out, arguments.epochs).put_into(network)
    config = encoder.config.with_preset("literal").model_copy(update={"name": NAME})
    write_model_folder(arguments.out, model, config, f"# {NAME}\n")
    print(f"{len(weights_bytes(model)) / 1e6:.1f} MB in all")
    carry_changes(arguments.out)


if __name__ == "__main__":
    main()
