"""A model folder, slides and tables in; a file of predictions and pictures out."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.encoding.showing import RunProgressLike
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.deployment.applied import Applied
from msfusion_sdk.deployment.apply import apply_to_cohort, apply_to_slides
from msfusion_sdk.deployment.heat_maps import write_heat_maps
from msfusion_sdk.deployment.new_slides import SlideSource
from msfusion_sdk.study.predictions_file import require_predictions_path
from msfusion_sdk.study.trained_model import TrainedModel

if TYPE_CHECKING:
    from msfusion_sdk.tables.arrow import TableSource

__all__ = ["apply_to_file"]


def apply_to_file(
    model: str | Path,
    path: str | Path,
    *,
    slides: SlideSource = (),
    cohort: str | Path | None = None,
    tables: "Mapping[str, TableSource] | None" = None,
    times: Sequence[float] = (),
    heat_maps: str | Path | None = None,
    work: str | Path | None = None,
    mpp: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    settings: RunSettings | None = None,
    progress: RunProgressLike = None,
) -> Applied:
    """Write what a model predicts for new patients, a row each, and return it.

    Parameters
    ----------
    model : path
        A folder that ``train_on_cohort`` wrote.
    path : path
        The ``.parquet`` or ``.csv`` file.
    slides : sequence of paths, or a table
        As in :func:`~msfusion_sdk.deployment.apply.apply_to_slides`.
    cohort : path, optional
        A cohort's folder in place of slides.
    tables, times, mpp, progress
        As in :func:`~msfusion_sdk.deployment.apply.apply_to_slides`.
    heat_maps : path, optional
        Folder for a PNG per slide with its attention.
    work : path, optional
        Folder where slide vectors stay.  By default one beside ``path``, which is removed when
        the predictions are written; after an interruption the same call goes on from it.
    device, precision : str
        Of the encoder, as in ``SlideEncoder.from_pretrained``.
    settings : RunSettings, optional
        Workers, deadlines and staging.

    Raises
    ------
    ValueError
        When ``path`` ends otherwise, or a cohort is given beside slides; nothing is read then.
    MsfusionError
        As :func:`~msfusion_sdk.deployment.apply.apply_to_slides` says.
    """
    path = require_predictions_path(path)
    if cohort is not None and _some(slides):
        msg = "Give slides or a cohort: a cohort has slides of its own."
        raise ValueError(msg)
    trained = TrainedModel.load(model)
    encoder = None
    if trained.has_encoder and (cohort is not None or _some(slides)):
        encoder = trained.encoder(device=device, precision=precision)
    # Patches are kept only for pictures: they are most of what a slide takes on disk.
    chosen = (settings or RunSettings()).model_copy(update={"patches": heat_maps is not None})
    with _working_folder(path, work) as folder:
        if cohort is None:
            root = folder
            applied = apply_to_slides(
                trained,
                slides,
                folder,
                tables=tables,
                times=times,
                mpp=mpp,
                encoder=encoder,
                settings=chosen,
                progress=progress,
            )
        else:
            root = Path(cohort)
            applied = apply_to_cohort(
                trained,
                Cohort.open(cohort),
                tables=tables,
                times=times,
                encoder=encoder,
                settings=chosen,
                progress=progress,
            )
        if heat_maps is not None and encoder is not None:
            found = write_heat_maps(
                root, encoder.fingerprint, applied.paths, applied.slides, heat_maps
            )
            applied = replace(applied, pictures=found)
        applied.write(path)
    return applied


def _some(slides: SlideSource) -> bool:
    return not isinstance(slides, Sequence) or len(slides) > 0


@contextmanager
def _working_folder(path: Path, work: str | Path | None) -> Iterator[Path]:
    """Yield the folder of slide vectors; one that nobody named is removed at the end."""
    if work is not None:
        yield Path(work)
        return
    # Named after the file, so that the same call finds it again after an interruption.
    folder = path.with_name(f".{path.name}.slides")
    yield folder
    # After an error it stays: encoding the slides again may take hours.
    shutil.rmtree(folder, ignore_errors=True)
