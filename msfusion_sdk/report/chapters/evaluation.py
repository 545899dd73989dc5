"""An evaluation as a chapter: the main number beside its baselines first, then all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msfusion_sdk.report.html.page_table import NONE, PageTable, number, page_table
from msfusion_sdk.report.html.render import png_uri
from msfusion_sdk.study.evaluation_record import EvaluationRecord

__all__ = ["EvaluationChapter", "evaluation_chapter"]

Row = dict[str, Any]

_IN_PYTHON = "evaluate(…) and write_evaluation(…) in Python"
_ARROWS = {"high": "higher is better", "low": "lower is better", "one": "1 is best"}
_FIGURES = {
    "forest.png": "Models and baselines with 95 % intervals",
    "contributions.png": "What each modality contributes, with 95 % intervals",
    "risk_groups.png": "Kaplan-Meier curves by predicted risk, numbers at risk, log-rank test",
    "roc.png": "ROC curves, mean over folds, with 95 % bands",
    "precision_recall.png": "Precision and recall, mean over folds, with 95 % bands",
    "calibration.png": "Calibration: predicted chances beside what was observed",
}


@dataclass(frozen=True)
class EvaluationFigure:
    """A picture, or the reason why there is none."""

    title: str
    uri: str
    reason: str


@dataclass(frozen=True)
class EvaluationChapter:
    """What the template ``evaluation.html`` shows."""

    title: str
    verdicts: tuple[str, ...]
    warnings: tuple[str, ...]
    facts: PageTable
    figures: tuple[EvaluationFigure, ...]
    models: PageTable
    others: PageTable
    differences: PageTable
    contributions: PageTable
    folds: PageTable
    template: str = "evaluation.html"


def evaluation_chapter(folder: Path) -> EvaluationChapter:
    """Return the chapter on the evaluation in ``folder``."""
    record = EvaluationRecord.read(folder)
    command = record.command or _IN_PYTHON
    of_folds = {row["metric"] for row in record.summary if row["mean"] is not None}
    of_folds.add(record.main_metric)
    first = [row for row in record.summary if row["metric"] in of_folds]
    rest = [row for row in record.summary if row["metric"] not in of_folds]
    return EvaluationChapter(
        title=f"Evaluation “{folder.resolve().name}”",
        verdicts=record.verdict,
        warnings=record.warnings,
        facts=_facts(record, command),
        figures=_figures(record, folder),
        models=_wide(record, "Models, mean over folds (95 % interval)", first, "mean", command),
        others=_wide(record, "All folds together", rest, "pooled", command),
        differences=_steps(record, record.differences, "model", command),
        contributions=_steps(record, record.contributions, "table", command),
        folds=_folds(record, command),
    )


def _facts(record: EvaluationRecord, command: str) -> PageTable:
    counts = record.fold_counts
    rows = [("patients judged", f"{sum(row['test'] for row in counts):,} in {len(counts)} folds")]
    if record.kind == "survival":
        events = sum(row["test event"] for row in counts)
        unit = f" {record.unit}" if record.unit else ""
        rows += [("events", f"{events:,}"), ("up to", f"{record.tau:g}{unit} (tau)")]
    if record.kind == "class":
        positive = f"; {record.classes[1]} is the positive one" if len(record.classes) == 2 else ""
        rows.append(("classes", ", ".join(record.classes) + positive))
    rows += [
        ("intervals", f"{record.bootstrap:,} resamples of patients, seed {record.random_state}"),
        ("split", record.split_hash),
        ("models", "; ".join(f"{name}: {text}" for name, text in record.models.items())),
        ("when", f"{record.written_at[:16].replace('T', ' ')} UTC"),
        ("versions", ", ".join(f"{name} {v}" for name, v in record.versions.items())),
    ]
    return page_table("How it was judged", ("what", "value"), rows, command=command)


def _figures(record: EvaluationRecord, folder: Path) -> tuple[EvaluationFigure, ...]:
    found = []
    for name, title in _FIGURES.items():
        path, reason = folder / name, record.not_drawn.get(name, "")
        # With a reason, a picture there is one of an earlier evaluation.
        if path.is_file() and not reason:
            found.append(EvaluationFigure(title, png_uri(path.read_bytes()), ""))
        elif reason:
            found.append(EvaluationFigure(title, "", reason))
    return tuple(found)


def _wide(
    record: EvaluationRecord, caption: str, rows: Sequence[Row], column: str, command: str
) -> PageTable:
    """Return a row per model and a column per metric."""
    metrics = {row["metric"]: _ARROWS.get(row["best"], "") for row in rows}
    cells = {(row["model"], row["metric"]): _value(row, column) for row in rows}
    patients = {row["model"]: row["patients"] for row in rows}
    heads = [f"{record.label(name)} ({best})" for name, best in metrics.items()]
    lines = [
        (model, n, *(cells.get((model, metric), NONE) for metric in metrics))
        for model, n in patients.items()
    ]
    return page_table(caption, ("model", "patients", *heads), lines, command=command)


def _steps(record: EvaluationRecord, rows: Sequence[Row], kind: str, command: str) -> PageTable:
    name = record.label(record.main_metric)
    reference = next(iter(record.models))
    what = "each other model" if kind == "model" else "the same model without each table"
    lines = [
        (row[kind], _value(row, "difference", sign="+"), row["folds"], row["patients"])
        for row in rows
        if row["metric"] == record.main_metric
    ]
    columns = (kind, "difference (95 % interval)", "folds", "patients")
    return page_table(f"{name} of {reference} minus {what}", columns, lines, command=command)


def _folds(record: EvaluationRecord, command: str) -> PageTable:
    reference = next(iter(record.models))
    values = {
        row["fold"]: row["value"]
        for row in record.per_fold
        if (row["model"], row["metric"]) == (reference, record.main_metric)
    }
    counts = [name for name in record.fold_counts[0] if name != "fold"]
    name = record.label(record.main_metric)
    lines = [
        (str(row["fold"]), *(row[one] for one in counts), number(values.get(row["fold"]), 3))
        for row in record.fold_counts
    ]
    return page_table("Folds", ("fold", *counts, f"{name} of {reference}"), lines, command=command)


def _value(row: Row, key: str = "mean", *, sign: str = "") -> str:
    if row[key] is None:
        return NONE
    text = f"{row[key]:{sign}.3f}"
    if row["lower"] is None:
        return text
    # Spaces that do not break, so that an interval stays on a line.
    limits = f"({row['lower']:{sign}.3f} to {row['upper']:{sign}.3f})".replace(" ", "\u00a0")
    return f"{text} {limits}"
