"""What a model predicted for new patients: a row for each, with a prediction or a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.phrases import one_line
from msfusion_sdk.places.url import Url
from msfusion_sdk.study.predictions_file import write_predictions
from msfusion_sdk.study.training_record import TrainingRecord
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["Applied", "with_reasons"]


@dataclass(frozen=True, eq=False)
class Applied:
    """Predictions for new patients, and why some have none.

    Parameters
    ----------
    record : TrainingRecord
        What the model learned from.
    predictions : DataFrame indexed by patient_id
        A row for every patient who was asked for: what ``TrainedModel.predict`` returns, empty
        where there is no prediction; ``n_slides``, the slide vectors that went in; ``reason``,
        why there is no prediction or what to know about it, ``''`` when nothing.
    slides : tuple of SlideStatus
        How the encoding of each slide ended.
    warnings : tuple of str
        What is unlike training in these tables.
    paths : mapping
        From slide id to the slide's file or address.
    pictures : mapping
        From slide id to its heat map, or to the reason why there is none; empty when nobody
        asked for them.
    """

    record: TrainingRecord
    predictions: pd.DataFrame
    slides: tuple[SlideStatus, ...]
    warnings: tuple[str, ...]
    paths: Mapping[str, Path | Url]
    pictures: Mapping[str, Path | str] = field(default_factory=dict)

    def __repr__(self) -> str:
        facts = [f"{self.n_predicted} of {len(self.predictions)} patients have a prediction"]
        facts += [f"{len(self.failed)} slides failed"] if self.failed else []
        facts += [f"{len(self.warnings)} warnings"] if self.warnings else []
        return one_line("Applied", facts)

    @property
    def n_predicted(self) -> int:
        """Patients with a prediction."""
        return int(self.predictions.iloc[:, 0].notna().sum())

    @property
    def failed(self) -> tuple[SlideStatus, ...]:
        """The slides that have no vector because they could not be read."""
        return tuple(status for status in self.slides if not status.is_done)

    def write(self, path: str | Path) -> Path:
        """Write the predictions as ``.parquet`` or ``.csv``, all at once, and return the path.

        A Parquet file also holds the model's ``training.json`` and the warnings in its metadata.

        Raises
        ------
        ValueError
            When ``path`` ends otherwise.
        StoreError
            When it cannot be written.
        """
        return write_predictions(self.predictions, path, self.record, warnings=self.warnings)


def with_reasons(
    predicted: pd.DataFrame,
    patient_ids: Sequence[str],
    n_slides: Mapping[str, int],
    reasons: Mapping[str, str],
) -> pd.DataFrame:
    """Return a row for each of ``patient_ids``, in their order.

    Parameters
    ----------
    predicted : DataFrame indexed by patient_id
        Of those who have a prediction.
    n_slides : mapping
        Slide vectors by patient.
    reasons : mapping
        Remarks, by patient.
    """
    # Everybody who was asked for has a row, those without a prediction an empty one.
    rows = predicted.reindex(pd.Index(list(patient_ids), name=ID_COLUMN, dtype=object))
    rows["n_slides"] = [n_slides.get(name, 0) for name in patient_ids]
    rows["reason"] = [reasons.get(name, "") for name in patient_ids]
    return rows
