"""``evaluation.json``: the numbers of an evaluation, for reports and programs."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pandas as pd
from pydantic import Field

from msfusion_sdk._version import __version__
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreCorruptError
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.verdict import MainMetric, verdict
from msfusion_sdk.files import read_bytes, require_finished
from msfusion_sdk.storage.records import RecordErrors, read_record, write_record

__all__ = ["EVALUATION_FILE", "PREDICTIONS_FILE", "EvaluationRecord", "write_evaluation_record"]

EVALUATION_FILE, PREDICTIONS_FILE = "evaluation.json", "predictions.parquet"

ERRORS = RecordErrors("Evaluate again with msfusion evaluate --out.")

Rows = tuple[dict[str, Any], ...]


class EvaluationRecord(FrozenConfig):
    """The tables of an ``Evaluation`` as rows, and how they came about."""

    VERSION: ClassVar = 2

    format: int = VERSION
    kind: Literal["survival", "class", "number"]
    classes: tuple[str, ...]
    """Of two, the second is the positive one; empty for survival and numbers."""
    unit: str | None
    """Of time; None where there is none, or when it is not known."""
    main_metric: str
    chance: float | None = None
    """Its value by guessing, where that is known."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What people call each metric; empty in records of before 0.2."""
    models: dict[str, str]
    split_hash: str
    random_state: int
    bootstrap: int
    tau: float | None
    """Up to which Uno's concordance and the Brier score go; None where there is no time."""
    summary: Rows
    differences: Rows
    contributions: Rows
    fold_counts: Rows
    per_fold: Rows
    warnings: tuple[str, ...]
    not_drawn: dict[str, str]
    """By the name of a figure, why it could not be drawn."""
    command: str
    """What was typed; '' when the evaluation was made in Python."""
    versions: dict[str, str]
    sdk_version: str = __version__
    written_at: str
    """UTC, ISO 8601."""
    predictions_sha256: str | None = None
    """Of ``predictions.parquet``; None in what version 0.1.0 wrote."""

    def label(self, metric: str) -> str:
        """Return what people call a metric."""
        return self.labels.get(metric, metric)

    @property
    def verdict(self) -> tuple[str, ...]:
        """What the numbers say, in sentences."""
        return verdict(
            *(pd.DataFrame(rows) for rows in (self.summary, self.differences, self.contributions)),
            models=list(self.models),
            metric=MainMetric(self.main_metric, self.label(self.main_metric), self.chance),
            bootstrap=self.bootstrap,
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record in a folder that ``write_evaluation`` wrote.

        Raises
        ------
        StoreError
            When it, or the predictions beside it, are damaged, of another format, or cannot be
            read.
        """
        require_finished(folder)
        record = read_record(cls, folder / EVALUATION_FILE, ERRORS, version=cls.VERSION)
        if record.predictions_sha256 is not None:
            _require_predictions(folder / PREDICTIONS_FILE, record.predictions_sha256)
        return record


def write_evaluation_record(
    evaluation: Evaluation,
    folder: Path,
    *,
    command: str,
    not_drawn: dict[str, str],
) -> Path:
    """Write ``evaluation.json`` into ``folder``, where the predictions are; return its path.

    Parameters
    ----------
    command, not_drawn
        As in :class:`EvaluationRecord`.
    """
    plan = evaluation.plan
    record = EvaluationRecord(
        kind=evaluation.kind,
        classes=tuple(map(str, evaluation.classes)),
        unit=evaluation.unit,
        main_metric=evaluation.main_metric,
        chance=evaluation.chance,
        labels=evaluation.labels,
        models=evaluation.models,
        split_hash=evaluation.split_hash,
        random_state=evaluation.random_state,
        bootstrap=evaluation.bootstrap,
        tau=None if plan is None else float(plan.tau),
        summary=_rows(evaluation.summary),
        differences=_rows(evaluation.differences),
        contributions=_rows(evaluation.contributions),
        fold_counts=_rows(evaluation.fold_counts.reset_index()),
        per_fold=_rows(evaluation.per_fold),
        warnings=evaluation.warnings,
        not_drawn=not_drawn,
        command=command,
        versions=evaluation.versions,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        predictions_sha256=_sha256(folder / PREDICTIONS_FILE),
    )
    return write_record(folder / EVALUATION_FILE, record)


def _require_predictions(path: Path, sha256: str) -> None:
    try:
        found = _sha256(path)
    except FileNotFoundError as error:
        msg = f"{path} is missing, and belongs to the evaluation. {ERRORS.remedy}"
        raise StoreCorruptError(msg) from error
    if found != sha256:
        msg = f"{path} is not what the evaluation wrote. {ERRORS.remedy}"
        raise StoreCorruptError(msg)


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()


def _rows(table: pd.DataFrame) -> Rows:
    # Through JSON, so that missing values of every kind become None.
    # 15 digits: the default of 10 would change values on their way to a report.
    return tuple(json.loads(table.to_json(orient="records", double_precision=15)))
