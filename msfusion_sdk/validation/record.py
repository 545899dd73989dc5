"""``validation.json`` and the folder around it: the page, the numbers, predictions, figures."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pandas as pd

from msfusion_sdk._version import __version__
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.files import FolderKind, making, require_finished, store_text
from msfusion_sdk.storage.records import RecordErrors, read_record, write_record
from msfusion_sdk.study.predictions_file import write_predictions
from msfusion_sdk.study.training_record import TrainingRecord
from msfusion_sdk.validation.figures import write_validation_figures
from msfusion_sdk.validation.markdown import headline, validation_page
from msfusion_sdk.validation.result import ExternalValidation
from msfusion_sdk.validation.tripod import tripod_items

__all__ = ["VALIDATION", "VALIDATION_FILE", "ValidationRecord", "write_validation"]

VALIDATION_FILE = "validation.json"
VALIDATION = FolderKind(
    "validation",
    (
        "summary.md",
        "predictions.parquet",
        "calibration.png",
        "decision_curve.png",
        VALIDATION_FILE,
    ),
    VALIDATION_FILE,
    b'"tripod"',
)

Rows = tuple[dict[str, Any], ...]


class ValidationRecord(FrozenConfig):
    """The tables of an ``ExternalValidation`` as rows, and how they came about."""

    VERSION: ClassVar = 2

    format: int = VERSION
    kind: Literal["survival", "class"]
    training: TrainingRecord
    outcome: str
    unit: str | None
    headline: str
    counts: dict[str, int]
    horizons: tuple[float, ...]
    performance: Rows
    in_the_large: Rows
    groups: Rows
    decision: Rows
    subgroups: Rows
    availability: Rows
    shifts: Rows
    tripod: Rows
    """``number``, ``asks_for`` and ``answer``, '' where the authors have to write it."""
    warnings: tuple[str, ...]
    bootstrap: int
    random_state: int
    recalibrated: str
    """Where the recalibrated model was stored; '' when there is none."""
    command: str
    sdk_version: str = __version__
    written_at: str
    """UTC, ISO 8601."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record in a folder that ``write_validation`` wrote.

        Raises
        ------
        StoreError
            When it is damaged, of another format, or cannot be read.
        """
        require_finished(folder)
        errors = RecordErrors("Validate again with msfusion validate --out.")
        return read_record(cls, folder / VALIDATION_FILE, errors, version=cls.VERSION)


def write_validation(
    found: ExternalValidation, folder: str | Path, *, command: str = "", recalibrated: str = ""
) -> Path:
    """Write ``summary.md``, ``predictions.parquet``, figures and ``validation.json``.

    Parameters
    ----------
    found : ExternalValidation
    folder : path
        Made if it is not there; an earlier validation in it is written over.
    command : str
        What was typed to get it, for reports.
    recalibrated : str
        Where the recalibrated model lies; '' when there is none.

    Returns
    -------
    Path
        Of ``validation.json``.

    Raises
    ------
    StoreError
        When the folder cannot be written, or holds files of these names that are something else.
    """
    record = ValidationRecord(
        kind=found.record.kind,
        training=found.record,
        outcome=found.outcome,
        unit=found.unit,
        headline=headline(found),
        counts=found.counts,
        horizons=found.horizons,
        performance=_rows(found.performance),
        in_the_large=_rows(found.in_the_large),
        groups=_rows(found.groups),
        decision=_rows(found.decision),
        subgroups=_rows(found.subgroups),
        availability=_rows(found.availability),
        shifts=_rows(found.shifts),
        tripod=tuple(item._asdict() for item in tripod_items(found, recalibrated=recalibrated)),
        warnings=found.warnings,
        bootstrap=found.bootstrap,
        random_state=found.random_state,
        recalibrated=recalibrated,
        command=command,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with making(Path(folder), VALIDATION) as staged:
        store_text(staged / "summary.md", validation_page(found))
        write_predictions(found.predictions, staged / "predictions.parquet", found.record)
        write_validation_figures(found, staged)
        write_record(staged / VALIDATION_FILE, record)
    return Path(folder) / VALIDATION_FILE


def _rows(table: pd.DataFrame) -> Rows:
    # Through JSON, so that missing values of every kind become None.
    return tuple(json.loads(table.to_json(orient="records", double_precision=15)))
