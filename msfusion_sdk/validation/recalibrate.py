"""A model with new calibration, from the patients of elsewhere, in a folder of its own."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msfusion_sdk.files import making, require_free
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.shift.profile import write_profile
from msfusion_sdk.storage.model_folder import MODEL
from msfusion_sdk.study.trained_model import ENCODER_FOLDER, TrainedModel
from msfusion_sdk.study.training_record import Recalibration, write_training_record
from msfusion_sdk.validation.validate import external_patients

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort

__all__ = ["recalibrate_model"]

REMEDY = "Choose a new folder for the recalibrated model."


def recalibrate_model(
    model: TrainedModel, cohort: "Cohort", folder: str | Path, *, outcome: str | None = None
) -> TrainedModel:
    """Store a model that predicts as many events as the patients of a cohort had, and return it.

    Who comes before whom stays as it is.  Its own calibration must be judged on other patients.

    Parameters
    ----------
    model : TrainedModel
    cohort : Cohort
        As for :func:`~msfusion_sdk.validation.validate.validate_model`.
    folder : path
        New or empty; gets all that the folder of ``model`` has, its encoder too.
    outcome : str, optional
        The cohort's name of the outcome; that of training by default.

    Raises
    ------
    DegenerateSplitError
        When there are fewer than 10 events, or patients of a class.
    TableError, MissingModalityError, StoreMixedFeaturesError
        As ``validate_model`` does.
    StoreError
        When the folder is in use or cannot be written.
    """
    folder = Path(folder)
    require_free(folder, MODEL, REMEDY)
    judged = external_patients(model, cohort, outcome or model.record.outcome)
    made = model.estimator.recalibrated(judged.tables, judged.outcome)
    note = Recalibration(
        patients=judged.counts["patients"],
        counted=_counted(judged.outcome),
        before=model.record.recalibrated,
    )
    record = model.record.model_copy(update={"recalibrated": note})
    with making(folder, MODEL, REMEDY) as staged:
        made.save(staged)
        if model.has_encoder:
            shutil.copytree(model.folder / ENCODER_FOLDER, staged / ENCODER_FOLDER)
        if model.profile is not None:
            write_profile(staged, model.profile)
        write_training_record(staged, record)
    return TrainedModel(folder, record, made, model.profile)


def _counted(outcome: Outcome) -> dict[str, int]:
    if isinstance(outcome, SurvivalOutcome):
        return {"events": int(outcome.event.sum())}
    assert isinstance(outcome, ClassOutcome)
    return {str(n): c for n, c in zip(outcome.classes, outcome.counts.tolist(), strict=True)}
