"""From annotated slides and frozen networks to a model folder: ``pretrain slides --network``."""

from pathlib import Path
from typing import TYPE_CHECKING

from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import load_model_folder, write_model_folder
from msfusion_sdk.encoder.weights.hub import locate_model
from msfusion_sdk.files import require_free
from msfusion_sdk.monitoring.progress import Progress, shows_progress
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.datasets import cut_slides, write_index
from msfusion_sdk.pretraining.annotated.from_slides import (
    about_slides,
    require_same_classes,
    split_patients,
    with_target,
)
from msfusion_sdk.pretraining.annotated.listing import list_slides
from msfusion_sdk.pretraining.from_tiles import SCALES
from msfusion_sdk.pretraining.frozen.config import FrozenTrainConfig
from msfusion_sdk.pretraining.frozen.run import (
    LabelledImages,
    train_over_networks,
    with_classifier,
)
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.storage.model_folder import MODEL

if TYPE_CHECKING:
    from msfusion_sdk.pretraining.views import Scale

__all__ = ["pretrain_slides_over_networks"]


@shows_progress
def pretrain_slides_over_networks(
    slides: str | Path,
    annotations: str | Path,
    out: str | Path,
    network: str | Path,
    data: DatasetConfig,
    *,
    epochs: int = 40,
    patience: int = 10,
    cache_gb: float = 20.0,
    patients: str | Path | None = None,
    preset: str | None = None,
    name: str = "pretrained",
    about: str = "",
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Train attention and classifier over frozen networks from slides with outlines.

    Slides are cut into patches as the networks see them, and labelled by their outlines.
    Patients are split into training, validation and test before anything else.

    Parameters
    ----------
    network : path
        A model folder that ``SlideEncoder.from_networks(...).save_pretrained`` wrote.
    data : DatasetConfig
        How slides become labelled images; ``stain=None`` leaves the colours that the networks
        were trained on.
    epochs, patience, cache_gb
        As in ``FrozenTrainConfig``.
    workers : int
        Slides cut at a time.
    slides, annotations, out, patients, preset, name, about, progress
        As in ``pretrain_slides``.

    Returns
    -------
    Path
        The model folder, ready for ``SlideEncoder.from_pretrained``.

    Raises
    ------
    NetworkFactsError
        When the model is not of frozen networks, or a network gives no map.
    TableError, StoreFullError
        When the tables do not fit, or the maps take too much room.
    """
    out = Path(out)
    require_free(out, MODEL, None)
    model, manifest = load_model_folder(locate_model(network))
    before = manifest.encoder
    with_classifier(before, ("a", "b"), None, name)  # refused before any slide is cut
    encoder = before if preset is None else before.with_preset(preset)
    entries = list_slides(slides, annotations, data, patients)
    parts = split_patients(entries, data)
    encoder, target = with_target(encoder, entries, parts, data)
    folder = out / "datasets"
    records = cut_slides(entries, folder, data, encoder, workers=workers, progress=progress)
    scales: list[Scale] = [scale for scale in SCALES if scale in model.attended()]
    indexes: dict[Scale, TileIndex] = {
        scale: read_tile_index(write_index(records, entries, parts, folder, scale))
        for scale in scales
    }
    require_same_classes(indexes)
    classes, patches = indexes["detail"].classes, encoder.patches
    background = data.normal if data.normal in classes else None
    encoder = with_classifier(encoder, classes, background, name)
    trained = TwoScaleModel(encoder, model.attended()).eval()
    spacings = {"detail": patches.target_mpp, "context": patches.context_mpp}
    images: dict[str, LabelledImages] = {
        scale: LabelledImages(index, spacings[scale]) for scale, index in indexes.items()
    }
    config = FrozenTrainConfig(
        tile_mpp=patches.target_mpp,
        epochs=epochs,
        patience=patience,
        cache_gb=cache_gb,
        seed=data.seed,
    )
    text = f"{about.strip()}\n\n{about_slides(records, data, target)}".strip()
    card = train_over_networks(trained, encoder, images, out, config, text, progress)
    write_model_folder(out, trained, encoder, card, manifest.places)
    return out
