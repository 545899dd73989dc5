"""From labelled tiles and frozen networks to a model folder: ``pretrain tiles --network``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import (
    AttentionFusionConfig,
    EncoderConfig,
    FeatureNetworksConfig,
    Score,
)
from msfusion_sdk.encoder.backends.converting import converted
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.encoder.weights.encoder_folder import load_model_folder, write_model_folder
from msfusion_sdk.encoder.weights.hub import locate_model
from msfusion_sdk.encoder.weights.network_card import network_card
from msfusion_sdk.errors import NetworkFactsError
from msfusion_sdk.files import require_free
from msfusion_sdk.monitoring.progress import Progress, no_progress, shows_progress
from msfusion_sdk.pretraining.card import filled_card, markdown_table, score_columns
from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.curve import write_curve
from msfusion_sdk.pretraining.frozen.config import FrozenTrainConfig
from msfusion_sdk.pretraining.frozen.head_training import frozen_probabilities, train_frozen
from msfusion_sdk.pretraining.frozen.maps import CachedMaps, cache_maps, tile_image
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.scores import colour_floor, summarise
from msfusion_sdk.storage.model_folder import MODEL

__all__ = ["LabelledImages", "pretrain_frozen", "train_over_networks", "with_classifier"]

TEMPLATE = Path(__file__).with_name("card.md.j2")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """All images for one network, their classes and parts."""

    index: TileIndex
    mpp: float
    """µm per pixel of the files."""

    @cached_property
    def paths(self) -> list[Path]:
        """The files, in the order of the index."""
        table = self.index.table
        pairs = zip(table["class"], table["file"], strict=True)
        return [self.index.root / label / file for label, file in pairs]

    @cached_property
    def labels(self) -> NDArray[np.intp]:
        """Number of the class of each image."""
        classes = self.index.classes
        return np.array([classes.index(c) for c in self.index.table["class"]], np.intp)

    def rows(self, part: str) -> NDArray[np.intp]:
        """Return which images belong to a part."""
        return np.flatnonzero(self.index.table["part"].to_numpy() == part)

    def digest(self) -> str:
        """Return a hash that changes with the list of files, their sizes and their times."""
        files = [(str(path), path.stat()) for path in self.paths]
        stamps = [(name, status.st_size, status.st_mtime_ns) for name, status in files]
        return hashlib.sha256(json.dumps([self.mpp, stamps]).encode()).hexdigest()


@shows_progress
def pretrain_frozen(
    data: str | Path,
    out: str | Path,
    network: str | Path,
    config: FrozenTrainConfig,
    *,
    background: str | None = None,
    name: str = "pretrained",
    about: str = "",
    progress: Progress | None = None,
) -> Path:
    """Train the attention and a classifier over the frozen networks of a model.

    Parameters
    ----------
    data : path
        A folder per class and ``index.csv``, as for ``pretrain_tiles``.
    out : path
        Becomes the model folder; ``training/`` inside it holds the maps, scores and the curve.
    network : path
        A model folder that ``SlideEncoder.from_networks(...).save_pretrained`` wrote.
    background : str, optional
        The class of tissue without the finding: the encoder then weighs by evidence against
        it, and without it by attention.
    name, about : str
        For the model card.
    progress : callable, optional
        Called with (stage, steps done, steps in all, text).

    Returns
    -------
    Path
        The model folder, ready for ``SlideEncoder.from_pretrained``.

    Raises
    ------
    NetworkFactsError
        When the model is not of frozen networks, or a network gives no map.
    TableError, StoreFullError
        When tiles cannot be used, or their maps take too much room.
    """
    require_free(Path(out), MODEL, None)
    model, manifest = load_model_folder(locate_model(network))
    index = read_tile_index(Path(data), seed=config.seed)
    encoder = with_classifier(manifest.encoder, index.classes, background, name)
    trained = TwoScaleModel(encoder, model.attended()).eval()
    images = dict.fromkeys(trained.attended(), LabelledImages(index, config.tile_mpp))
    card = train_over_networks(trained, encoder, images, Path(out), config, about, progress)
    write_model_folder(Path(out), trained, encoder, card, manifest.places)
    return Path(out)


def train_over_networks(
    model: TwoScaleModel,
    encoder: EncoderConfig,
    images: Mapping[str, LabelledImages],
    out: Path,
    config: FrozenTrainConfig,
    about: str,
    progress: Progress | None = None,
) -> str:
    """Train attention and classifier of each scale in place, and return the model card.

    Parameters
    ----------
    model : TwoScaleModel
        Of frozen networks, with a classifier for the classes of the images.
    encoder : EncoderConfig
        Its settings, from ``with_classifier``.
    images : mapping
        By scale.
    out : Path
        ``training/`` inside it holds the maps, scores and the curve.
    """
    report = progress or no_progress
    # Beside the model, not in a cache: a run that was stopped finds its maps again.
    training = out / "training"
    states: dict[str, TrainingState] = {}
    rows = []
    for scale in sorted(model.attended()):
        classifier, tiles = getattr(model, scale), images[scale]
        maps = _maps(scale, classifier, encoder, tiles, training, config, report)
        report(f"{scale} attention", 0, 1, "")
        states[scale] = train_frozen(
            classifier, maps, tiles.labels, tiles.rows("train"), tiles.rows("validation"), config
        )
        report(f"{scale} attention", 1, 1, f"validation {states[scale].best_score:.4f}")
        rows.append(_scored(scale, classifier, maps, tiles))
    scores = pd.DataFrame([row for row, _ in rows])
    attention = pd.concat([found for _, found in rows])
    scores.to_csv(training / "scores.csv", index=False)
    index = images["detail"].index
    index.table.to_csv(training / "split.csv", index=False)
    write_curve(training / "curve.png", states)
    return _card(encoder, config, index, states, scores, attention, about)


def with_classifier(
    encoder: EncoderConfig, classes: tuple[str, ...], background: str | None, name: str
) -> EncoderConfig:
    """Return the settings of frozen networks that will have learned these classes.

    Parameters
    ----------
    background : str, optional
        The class without the finding: scores are then evidence against it, else attention.

    Raises
    ------
    NetworkFactsError
        When the model is not of frozen networks.
    """
    found = encoder.network
    if not isinstance(found, FeatureNetworksConfig):
        msg = (
            f"{encoder.name} is a model of the method, whose networks are trained themselves. Give "
            "--start instead of --network, or a model that from_networks made."
        )
        raise NetworkFactsError(msg)
    update = {
        "classes": classes,
        "background": background,
        "attention": found.attention.model_copy(update={"trained": True}),
    }
    network = FeatureNetworksConfig.model_validate({**found.model_dump(), **update})
    score: Score = "attention" if background is None else "evidence"
    return EncoderConfig.model_validate(
        {
            **encoder.model_dump(),
            "name": name,
            "network": network,
            "fusion": AttentionFusionConfig(score=score),
        }
    )


def _maps(
    scale: str,
    classifier: ImageClassifier,
    encoder: EncoderConfig,
    tiles: LabelledImages,
    training: Path,
    config: FrozenTrainConfig,
    report: Progress,
) -> CachedMaps:
    patches = encoder.patches
    mpp = patches.target_mpp if scale == "detail" else patches.context_mpp
    edge = patches.tile_size_px if scale == "detail" else patches.context_size_px
    network = classifier.features
    assert isinstance(network, AttendedNetwork)
    # The same weights several times as fast, where OpenVINO is there and agrees.
    fast = network.with_backbone(converted(network.backbone, edge, "fp32").network)

    def image_of(path: Path) -> Pixels:
        return tile_image(path, tiles.mpp, mpp, edge)

    # Maps of other networks, files or sizes may have the same shape.
    decides = [network.backbone.facts.identity(), tiles.digest(), mpp, edge]
    key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return cache_maps(
        fast,
        tiles.paths,
        image_of,
        training / "maps" / f"{scale}-{key}",
        limit_gb=config.cache_gb,
        progress=lambda done, total: report(f"{scale} maps", done, total, ""),
    )


def _scored(
    scale: str, classifier: ImageClassifier, maps: CachedMaps, tiles: LabelledImages
) -> tuple[dict[str, object], pd.DataFrame]:
    test = tiles.rows("test")
    groups = tiles.index.table["group"].to_numpy()[test]
    chances = frozen_probabilities(classifier, maps, test)
    row = {"network": scale, **summarise(tiles.labels[test], chances, groups)}
    network = classifier.features
    assert isinstance(network, AttendedNetwork)
    scores = np.concatenate(
        [
            network.attend(maps.batch(part)).scores.detach().numpy()
            for part in np.array_split(test, max(1, len(test) // 64))
        ]
    )
    by_class = [
        {"network": scale, "class": label, "score": f"{scores[tiles.labels[test] == n].mean():.3f}"}
        for n, label in enumerate(tiles.index.classes)
    ]
    return row, pd.DataFrame(by_class)


def _card(
    encoder: EncoderConfig,
    config: FrozenTrainConfig,
    index: TileIndex,
    states: dict[str, TrainingState],
    scores: pd.DataFrame,
    attention: pd.DataFrame,
    about: str,
) -> str:
    patches = encoder.patches
    spacings = [f"{patches.target_mpp:g}"]
    if not patches.single_scale:
        spacings.append(f"{patches.context_mpp:g}")
    columns = ["network", "balanced_accuracy", "interval", "auroc", "groups", "tiles"]
    return filled_card(
        TEMPLATE,
        facts_card=network_card(encoder),
        about=about.strip(),
        classes=index.classes,
        config=config,
        mpp=spacings,
        counts=markdown_table(index.counts()),
        states=states,
        floor=colour_floor(index, "test"),
        scores=markdown_table(score_columns(scores)[columns]),
        attention=markdown_table(attention),
    )
