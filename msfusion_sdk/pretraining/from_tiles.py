"""From labelled images to a model folder: ``pretrain tiles``; the end of ``pretrain slides``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch

from msfusion_sdk.config import AttentionFusionConfig, EncoderConfig, NetworkConfig, PatchConfig
from msfusion_sdk.encoder.backends.devices import Runtime, choose_runtime
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.encoder.weights.encoder_folder import (
    load_model_folder,
    read_manifest,
    write_model_folder,
)
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import made_folder, require_free, store_text
from msfusion_sdk.files.csv_text import csv_for_people
from msfusion_sdk.monitoring.progress import Progress, no_progress, shows_progress
from msfusion_sdk.pretraining.card import CardFacts, model_card
from msfusion_sdk.pretraining.curve import write_curve
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.scores import colour_floor, score_network
from msfusion_sdk.pretraining.train_config import TrainConfig
from msfusion_sdk.pretraining.training import train_network
from msfusion_sdk.pretraining.views import Scale
from msfusion_sdk.storage.model_folder import MODEL

if TYPE_CHECKING:
    from msfusion_sdk.pretraining.checkpoint import TrainingState

__all__ = [
    "SCALES",
    "Dataset",
    "Datasets",
    "pretrain_tiles",
    "score_model",
    "train_model",
]

SCALES: tuple[Scale, ...] = ("context", "detail")


@dataclass(frozen=True)
class Dataset:
    """Labelled images for one network, and how it is trained on them."""

    index: TileIndex
    config: TrainConfig
    """Its ``tile_mpp`` is the spacing of these images."""


Datasets = Mapping[Scale, Dataset]


@shows_progress
def pretrain_tiles(
    data: str | Path,
    out: str | Path,
    config: TrainConfig,
    *,
    name: str = "pretrained",
    about: str = "",
    start: Path | None = None,
    background: str | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Train both networks from labelled tiles and write a model folder.

    The context network starts from random weights, the detail network from the trained
    context network: at half the resolution the same steps cost half as much.

    Parameters
    ----------
    config : TrainConfig
        Epochs, rates and image sizes.
    name : str
        What the model is called in its configuration and card.
    device : 'auto', 'cpu' or 'cuda'
        Where the networks run.
    workers : int
        Processes that prepare images.
    data : path
        A folder per class and ``index.csv`` with the columns class, file, group; see
        ``msfusion_sdk.pretraining.index``.
    out : path
        Becomes the model folder; ``training/`` inside it holds checkpoints, the split, the
        scores and the training curve.  Called again, training goes on where it stopped.
    about : str
        Markdown on the data's origin and licence, put into the model card.
    start : Path, optional
        Folder of a trained model: each network starts from its weights, which few images
        call for.  Only the classifier begins anew where the classes are others.
    background : str, optional
        The class of tissue without the finding.  With it the encoder weighs tiles and patches
        by evidence against that class; without it by attention.
    progress : callable, optional
        Called with (stage, steps done, steps in all, text).

    Returns
    -------
    Path
        The model folder, ready for ``SlideEncoder.from_pretrained``.
    """
    index = read_tile_index(Path(data), seed=config.seed)
    dataset = Dataset(index, config)
    encoder = EncoderConfig(
        name=name,
        network=NetworkConfig(classes=index.classes, background=background),
        fusion=AttentionFusionConfig(score="attention" if background is None else "evidence"),
        patches=PatchConfig(target_mpp=config.target_mpp),
    )
    return train_model(
        dict.fromkeys(SCALES, dataset),
        Path(out),
        encoder,
        about=about,
        start=start,
        runtime=choose_runtime(device),
        workers=workers,
        progress=progress,
    )


def train_model(
    datasets: Datasets,
    out: Path,
    encoder: EncoderConfig,
    *,
    about: str,
    slides: str = "",
    start: Path | None = None,
    runtime: Runtime,
    workers: int,
    progress: Progress | None,
) -> Path:
    """Train both networks, each on its dataset, score them and write the model folder.

    Parameters
    ----------
    encoder : EncoderConfig
        Of the model that is made; its classes are those of both datasets.
    about, slides : str
        Markdown for the model card: where the data is from, and how slides became images.
    start : Path, optional
        Folder of the model whose weights the networks start from.
    """
    require_free(out, MODEL, None)
    training = out / "training"
    made_folder(training)
    store_text(training / "split.csv", csv_for_people(datasets["context"].index.table))
    assert isinstance(encoder.network, NetworkConfig)
    given = {} if start is None else _started(start, encoder)
    trained: dict[str, ImageClassifier] = {}
    states: dict[str, TrainingState] = {}
    for scale in SCALES:
        trained[scale], states[scale] = train_network(
            scale,
            datasets[scale].index,
            datasets[scale].config,
            encoder.network,
            training / scale,
            runtime=runtime,
            start=given.get(scale) or trained.get("context"),
            workers=workers,
            progress=progress,
        )
    model = _assemble(encoder, trained)
    scores = _scores(model, datasets, runtime, progress)
    store_text(training / "scores.csv", csv_for_people(scores))
    write_curve(training / "curve.png", states)
    index, config = datasets["detail"].index, datasets["detail"].config
    floor = colour_floor(index, "test")
    origin = None if start is None else read_manifest(start).encoder.name
    facts = CardFacts(encoder.name, about, index, config, states, scores, floor, slides, origin)
    write_model_folder(out, model, encoder, model_card(facts))
    return out


@shows_progress
def score_model(
    model: str | Path,
    data: str | Path,
    *,
    tile_mpp: float,
    seed: int = 0,
    everything: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, float | None]:
    """Score both networks of a model folder on labelled tiles.

    Parameters
    ----------
    model, data : path
        A model folder, and tiles as ``pretrain_tiles`` takes them.
    tile_mpp : float
        µm per pixel of the tiles.
    seed : int
        Of the split into training, validation and test groups.
    device : 'auto', 'cpu' or 'cuda'
        Where the networks run.
    progress : callable, optional
        As in ``pretrain_tiles``.
    everything : bool
        True scores all tiles of ``data``, for groups that the model never saw; False
        the test groups of the split with this ``seed``.

    Returns
    -------
    scores : DataFrame
        As ``score_network`` gives it, for both networks.
    floor : float or None
        Balanced accuracy of colour statistics on the same tiles; None with ``everything``,
        where no tiles are left to fit them on.

    Raises
    ------
    TableError
        When the classes of the data are not those of the model.
    """
    networks, manifest = load_model_folder(Path(model))
    index = read_tile_index(Path(data), seed=seed)
    classes = manifest.encoder.network.classes
    unknown = sorted(set(index.classes) - set(classes))
    if unknown:
        msg = (
            f"The tiles have the classes {unknown}, and the model knows {list(classes)}. Score it "
            "on its own classes."
        )
        raise TableError(msg)
    table = index.table.assign(part="test") if everything else index.table
    index = TileIndex(index.root, table, classes)
    runtime = choose_runtime(device)
    networks.to(runtime.device)
    patches = manifest.encoder.patches
    config = TrainConfig(
        tile_mpp=tile_mpp, target_mpp=patches.target_mpp, image_px=patches.tile_size_px
    )
    datasets: Datasets = {scale: Dataset(index, config) for scale in SCALES}
    scores = _scores(networks, datasets, runtime, progress)
    return scores, None if everything else colour_floor(index, "test")


def _started(folder: Path, encoder: EncoderConfig) -> dict[str, ImageClassifier]:
    """Return both networks of a trained model, with classifiers for the classes of this one."""
    model, manifest = load_model_folder(folder)
    started: dict[str, ImageClassifier] = {}
    for scale in SCALES:
        network: ImageClassifier = getattr(model, scale)
        if manifest.encoder.network.classes != encoder.network.classes:
            fresh = ImageClassifier(encoder.network)
            fresh.features.load_state_dict(network.features.state_dict())
            network = fresh
        started[scale] = network
    return started


def _assemble(config: EncoderConfig, trained: dict[str, ImageClassifier]) -> TwoScaleModel:
    """Return the two networks as one model, rounded to the half precision it is stored in."""
    model = TwoScaleModel(config)
    with torch.no_grad():
        for scale in SCALES:
            state = trained[scale].state_dict()
            halves = {
                k: v.cpu().half().float() if v.is_floating_point() else v.cpu()
                for k, v in state.items()
            }
            getattr(model, scale).load_state_dict(halves)
    return model.eval()


def _scores(
    model: TwoScaleModel, datasets: Datasets, runtime: Runtime, progress: Progress | None
) -> pd.DataFrame:
    rows = []
    for number, scale in enumerate(SCALES):
        (progress or no_progress)("scores", number, len(SCALES), scale)
        dataset = datasets[scale]
        rows.append(
            score_network(
                getattr(model, scale).to(runtime.device),
                scale,
                dataset.index,
                "test",
                tile_mpp=dataset.config.tile_mpp,
                target_mpp=dataset.config.target_mpp,
                image_px=dataset.config.image_px,
                runtime=runtime,
            )
        )
    (progress or no_progress)("scores", len(SCALES), len(SCALES), "done")
    return pd.concat(rows, ignore_index=True)
