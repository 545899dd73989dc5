"""What a model learned from, beside its weights: ``training.json``, and a model card to read."""

from pathlib import Path
from typing import ClassVar, Literal, Self

import pandas as pd

from msfusion_sdk._version import __version__
from msfusion_sdk.bags.bag import PATCHES
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import ModelIdError, WeightsCorruptError
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.files import require_finished, store_text
from msfusion_sdk.storage.model_folder import CARD_FILE, MODEL_ERRORS
from msfusion_sdk.storage.records import read_record, write_record

__all__ = ["Recalibration", "TrainingRecord", "has_training_record", "write_training_record"]

SLIDE = "slide"
RECORD_FILE = "training.json"


class Recalibration(FrozenConfig):
    """The patients on whom a model was recalibrated."""

    patients: int
    counted: dict[str, int]
    """``events``, or patients by class."""
    before: "Recalibration | None" = None
    """An earlier one, which this one took the place of."""


class TrainingRecord(FrozenConfig):
    """The part of a cohort that a model learned from."""

    VERSION: ClassVar = 2

    format: int = VERSION
    outcome: str
    kind: Literal["survival", "class", "number"]
    unit: str | None
    """Of time; None where there is none."""
    modalities: dict[str, int]
    """Patients learned from that have each modality."""
    patients: int
    events: int | None
    """None where there are none."""
    classes: dict[str, int] | None
    """Patients of each class; None where there are none."""
    left_out: int
    """Patients with the outcome and without any of the modalities."""
    slides: Literal["weighted", "mean"]
    """How the slides of a patient became one vector."""
    slide_model: str | None
    """Fingerprint of the model that encoded the slides; None when slides were not used."""
    fusion: str
    random_state: int
    sdk_version: str = __version__
    recalibrated: Recalibration | None = None
    """The patients of elsewhere whose frequencies the predictions have; None for training's."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record in a model folder.

        Raises
        ------
        ModelIdError
            When the folder has none.
        WeightsCorruptError, WeightsMismatchError
            When it is damaged, or of another format.
        """
        require_finished(folder, WeightsCorruptError)
        path = folder / RECORD_FILE
        try:
            return read_record(cls, path, MODEL_ERRORS, version=cls.VERSION)
        except (FileNotFoundError, NotADirectoryError) as error:
            msg = (
                f"{folder} holds no model of a cohort: it has no {RECORD_FILE}. Pass a folder that "
                "msfusion train wrote."
            )
            raise ModelIdError(msg) from error


def has_training_record(folder: Path) -> bool:
    """Return whether a folder is one that ``train`` wrote."""
    return (folder / RECORD_FILE).is_file()


def write_training_record(
    folder: Path, record: TrainingRecord, evaluation: Evaluation | None = None
) -> None:
    """Write ``training.json`` and the model card into ``folder``.

    Parameters
    ----------
    evaluation : Evaluation, optional
        Of models fitted in the same way, for the card.
    """
    store_text(folder / CARD_FILE, _card(record, evaluation))
    # Last: a folder that has it is whole.
    write_record(folder / RECORD_FILE, record)


def _card(record: TrainingRecord, evaluation: Evaluation | None) -> str:
    what = {
        "class": "class",
        "number": f"number {record.outcome}",
        "survival": f"risk (time in {record.unit})",
    }[record.kind]
    having = "\n".join(f"| {name} | {n} |" for name, n in record.modalities.items())
    return f"""# A model of {record.outcome}

Predicts the {what} of a patient from {", ".join(record.modalities)}, any of which may be
missing. Fusion `{record.fusion}`, random_state {record.random_state}, msfusion_sdk
{record.sdk_version}.

**Research use only.** Not a medical device; not for diagnosis or for any decision about a patient.

## What it saw

{record.patients} patients, {_labels(record)}. {record.left_out} more had the outcome and
none of the modalities.

| modality | patients |
|---|---|
{having}

{_slides(record)}

{_recalibrated(record)}## How good it is

{_quality(evaluation)}

## Limits

- Predictions for the patients it learned from flatter it. Their ids are in `config.json`: treat
  this folder as patient data.
- Other hospitals, scanners, assays and populations than those it saw are untested.
"""


def _labels(record: TrainingRecord) -> str:
    if record.kind == "number":
        return "each with a number"
    if record.classes is None:
        return f"{record.events} with an event"
    return ", ".join(f"{n} {name}" for name, n in record.classes.items())


def _recalibrated(record: TrainingRecord) -> str:
    if record.recalibrated is None:
        return ""
    found = record.recalibrated
    counted = ", ".join(f"{n:,} {name}" for name, n in found.counted.items())
    return f"""## Recalibrated

Its predictions are as frequent as among {found.patients:,} other patients ({counted}); the order of
patients is that of the model it was made from. Its calibration has to be judged on patients who
are neither of training nor among these: their ids are in `config.json` too.

"""


def _slides(record: TrainingRecord) -> str:
    if record.slide_model is None:
        return "Slides were not used."
    how = "weighted by tissue area" if record.slides == "weighted" else "all slides alike"
    used = [
        text
        for name, text in {
            SLIDE: f"A patient's slide vector is the mean over slides, {how}.",
            PATCHES: "All patches of a patient are one bag, over which attention was learned.",
        }.items()
        if name in record.modalities
    ]
    return (
        f"{' '.join(used)} Slides were encoded by the model with fingerprint "
        f"`{record.slide_model}`; vectors of another one are refused."
    )


def _quality(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "It was not evaluated here. `msfusion evaluate` does so, in folds by patient."
    row = evaluation.summary.iloc[0]
    limits = f"95 % interval {row['lower']:.3f} to {row['upper']:.3f}"
    known = "no interval" if pd.isna(row["lower"]) else limits
    metric = evaluation.labels[row["metric"]]
    return (
        f"Models fitted in the same way and judged on patients they were not fitted on: "
        f"{metric} {row['mean']:.3f} ({known}), the mean over {row['folds']} folds of "
        f"{row['patients']} patients. The model in this folder was fitted on all of its patients, "
        "and was not itself judged."
    )
