"""From annotated slides to a model folder: ``msfusion pretrain slides``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from msfusion_sdk.config import (
    AttentionFusionConfig,
    EncoderConfig,
    NetworkConfig,
    PatchConfig,
    Score,
    StainConfig,
)
from msfusion_sdk.encoder.backends.devices import choose_runtime
from msfusion_sdk.encoder.weights.encoder_folder import load_model_folder
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import require_free
from msfusion_sdk.monitoring.progress import Progress, shows_progress
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.datasets import Record, cut_slides, write_index
from msfusion_sdk.pretraining.annotated.labels import outlined_class
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide, list_slides
from msfusion_sdk.pretraining.annotated.scoring import score_slides
from msfusion_sdk.pretraining.annotated.target import target_profile
from msfusion_sdk.pretraining.from_tiles import SCALES, Dataset, Datasets, train_model
from msfusion_sdk.pretraining.index import Part, TileIndex, assign_parts, read_tile_index
from msfusion_sdk.pretraining.train_config import TrainConfig
from msfusion_sdk.pretraining.views import Scale
from msfusion_sdk.storage.model_folder import MODEL

__all__ = [
    "about_slides",
    "pretrain_slides",
    "require_same_classes",
    "split_patients",
    "training_config",
    "with_target",
]

VALIDATION, TEST = 0.1, 0.15
IMAGE_PX = PatchConfig().tile_size_px


def training_config(**settings: Any) -> TrainConfig:
    """Return the settings of a training on patches of slides.

    Views are whole images, as in encoding: an outline may hold any part of one, and attention
    that was trained on smaller ones answers otherwise.  There is no second head: the patches of
    a patient are no copies of one photograph.
    """
    whole = {"context_view_px": IMAGE_PX, "detail_view_px": IMAGE_PX}
    defaults = {**whole, "batch_size": 16, "group_weight": 0.0}
    return TrainConfig.model_validate({"tile_mpp": 0.25, **defaults, **settings})


@shows_progress
def pretrain_slides(
    slides: str | Path,
    annotations: str | Path,
    out: str | Path,
    data: DatasetConfig,
    config: TrainConfig,
    *,
    patients: str | Path | None = None,
    preset: str | None = None,
    name: str = "pretrained",
    about: str = "",
    start: Path | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Train both networks from slides with outlines and write a model folder.

    Slides are given the stain colours of one target slide, cut into patches as the encoder
    cuts them, and labelled by their outlines; context images make dataset 1, tiles dataset 2.
    Patients are split into training, validation and test before anything else.

    Parameters
    ----------
    name : str
        What the model is called in its configuration and card.
    about : str
        Markdown on the data's origin and licence, put into the model card.
    device : 'auto', 'cpu' or 'cuda'
        Where the networks run.
    workers : int
        Processes that prepare images.
    progress : callable, optional
        Called as the work goes on.
    slides, annotations, patients
        As in ``list_slides``.
    out : path
        Becomes the model folder.  ``datasets/`` inside it holds both datasets and
        ``slides.csv`` with what each slide gave; ``training/`` the checkpoints, the scores by
        image and slide, and figures.  Called again, everything goes on where it stopped.
    data : DatasetConfig
        How slides become labelled images.
    config : TrainConfig
        Its ``tile_mpp`` is that of the tiles: ``target_mpp``.
    start : Path, optional
        Folder of a trained model to start from, as in ``pretrain_tiles``.
    preset : str, optional
        Of the patch grid, as in ``EncoderConfig.with_preset``.

    Returns
    -------
    Path
        The model folder; its encoder normalises stains as training did.

    Raises
    ------
    TableError
        When the tables do not fit, or too few patients are left of a class.
    StainError
        When colour normalisation is asked for and no slide looks like H&E.
    """
    out = Path(out)
    require_free(out, MODEL, None)
    entries = list_slides(slides, annotations, data, patients)
    parts = split_patients(entries, data)
    encoder = EncoderConfig(name=name, patches=PatchConfig(target_mpp=config.target_mpp))
    if preset is not None:
        encoder = encoder.with_preset(preset)
    encoder, target = with_target(encoder, entries, parts, data)
    records = cut_slides(
        entries, out / "datasets", data, encoder, workers=workers, progress=progress
    )
    datasets = _datasets(records, entries, parts, out / "datasets", config)
    encoder = _with_classes(encoder, datasets["detail"].index.classes, data.normal)
    runtime = choose_runtime(device)
    train_model(
        datasets,
        out,
        encoder,
        about=about,
        slides=about_slides(records, data, target),
        start=start,
        runtime=runtime,
        workers=workers,
        progress=progress,
    )
    # Read back, so that the scores are those of the model as it was stored.
    model, _ = load_model_folder(out)
    score_slides(model.to(runtime.device), datasets, out / "training", runtime)
    return out


def with_target(
    encoder: EncoderConfig,
    entries: Sequence[AnnotatedSlide],
    parts: dict[str, Part],
    data: DatasetConfig,
) -> tuple[EncoderConfig, str]:
    """Return settings that give all slides the colours of one training slide, and its id.

    Without colour normalisation the settings as they are, and ''.
    """
    if data.stain is None:
        return encoder, ""
    training = [entry for entry in entries if parts[entry.patient_id] == "train"]
    target, profile = target_profile(
        training, encoder, data.stain, named=data.target, seed=data.seed
    )
    stain = StainConfig(**profile.model_dump())
    return encoder.model_copy(update={"stain": stain}), target


def _with_classes(encoder: EncoderConfig, classes: tuple[str, ...], normal: str) -> EncoderConfig:
    """Return the settings of a model of these classes; without a normal one by attention."""
    background = normal if normal in classes else None
    score: Score = "attention" if background is None else "evidence"
    update = {
        "network": NetworkConfig(classes=classes, background=background),
        "fusion": AttentionFusionConfig(score=score),
    }
    return encoder.model_copy(update=update)


def split_patients(slides: Sequence[AnnotatedSlide], config: DatasetConfig) -> dict[str, Part]:
    """Return the part of every patient: all slides of a patient are on one side.

    Classes are spread in proportion; a patient with several has the first by name that is
    not the normal one.
    """
    table = pd.DataFrame(
        {
            "group": [slide.patient_id for slide in slides],
            # From outlines: nothing is cut yet, since cutting needs a target of the training part.
            "class": [_class_of(slide, config) for slide in slides],
        }
    )
    # The normal class is put behind all others: a patient with tumour on any slide counts as such.
    first = table.sort_values(
        "class", key=lambda names: names.where(names != config.normal, "\uffff")
    )
    return assign_parts(
        first.drop_duplicates("group"), None, seed=config.seed, validation=VALIDATION, test=TEST
    )


def _class_of(slide: AnnotatedSlide, config: DatasetConfig) -> str:
    if slide.label is not None:
        return slide.label
    return config.normal if slide.outlines is None else outlined_class(slide.outlines, config)


def _datasets(
    records: Sequence[Record],
    entries: Sequence[AnnotatedSlide],
    parts: dict[str, Part],
    folder: Path,
    config: TrainConfig,
) -> Datasets:
    # Context images were stored at half the resolution of the tiles.
    spacings: dict[Scale, float] = {"context": 2 * config.target_mpp, "detail": config.target_mpp}
    datasets = {}
    for scale in SCALES:
        index = read_tile_index(write_index(records, entries, parts, folder, scale))
        update = {"tile_mpp": spacings[scale]}
        datasets[scale] = Dataset(index, config.model_copy(update=update))
    require_same_classes({scale: found.index for scale, found in datasets.items()})
    return datasets


def require_same_classes(indexes: Mapping[Scale, TileIndex]) -> None:
    """Raise unless context images and tiles, where there are both, have the same classes.

    Raises
    ------
    TableError
    """
    classes = {scale: index.classes for scale, index in indexes.items()}
    if classes.get("context", classes["detail"]) != classes["detail"]:
        msg = (
            f"The context images have the classes {classes['context']} and the tiles "
            f"{classes['detail']}. Lower min_overlap or min_tissue, or add slides."
        )
        raise TableError(msg)


def about_slides(records: Sequence[Record], config: DatasetConfig, target: str) -> str:
    """Return what the model card says of the slides; without ids, which may name patients."""
    good = [record for record in records if record["rows"]]
    colours = (
        f"Slides were given the stain colours of one training slide ({config.stain}), and "
        "encoding does the same."
        if target
        else "Slides kept their own colours."
    )
    unchanged = sum(r["facts"].get("stain", "") not in ("", "normalised") for r in good)
    if unchanged:
        colours += f" {unchanged} did not look like H&E and kept theirs."
    outside = (
        "patches without any share inside are normal"
        if config.normal_outside
        else "normal patches come from normal slides only"
    )
    return (
        f"{len(good)} of {len(records)} slides gave images. A patch has the class of the outlines "
        f"that hold at least {100 * config.min_overlap:g} % of it; {outside}; those in between "
        f"were left out. At most {config.patches_per_slide} patches of a class per slide. {colours}"
    )
