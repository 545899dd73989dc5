"""An external validation as a chapter: what was judged, how well, and the items of TRIPOD+AI."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msfusion_sdk.report.html.page_table import NONE, PageTable, number, page_table
from msfusion_sdk.report.html.render import png_uri
from msfusion_sdk.validation.record import ValidationRecord

__all__ = ["ValidationChapter", "validation_chapter"]

_IN_PYTHON = "validate_model(…) and write_validation(…) in Python"
_BEST = {"high": "higher is better", "low": "lower is better", "one": "1 is best"}
_FIGURES = {
    "calibration.png": "Calibration: predicted chances beside what was observed",
    "decision_curve.png": "Net benefit by the threshold from which one would act",
}
_YOURS = "to be written by the authors"

Row = dict[str, Any]


@dataclass(frozen=True)
class ValidationFigure:
    """A picture of the chapter."""

    title: str
    uri: str


@dataclass(frozen=True)
class ValidationChapter:
    """What the template ``validation.html`` shows."""

    title: str
    verdicts: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: tuple[ValidationFigure, ...]
    performance: PageTable
    in_the_large: PageTable
    subgroups: PageTable
    availability: PageTable
    shifts: PageTable
    facts: PageTable
    tripod: PageTable
    template: str = "validation.html"


def validation_chapter(folder: Path) -> ValidationChapter:
    """Return what is to be said about the validation in ``folder``."""
    record = ValidationRecord.read(folder)
    command = record.command or _IN_PYTHON
    return ValidationChapter(
        title=f"External validation “{folder.resolve().name}”",
        verdicts=_verdicts(record),
        warnings=record.warnings,
        figures=tuple(
            ValidationFigure(title, png_uri((folder / name).read_bytes()))
            for name, title in _FIGURES.items()
            if (folder / name).is_file()
        ),
        performance=_performance(record, command),
        in_the_large=_in_the_large(record, command),
        subgroups=_subgroups(record, command),
        availability=_availability(record, command),
        shifts=page_table(
            "Inputs unlike training",
            ("table", "what", "found"),
            [(row["table"], row["kind"].replace("_", " "), row["text"]) for row in record.shifts],
            command=command,
            is_stacked=True,
        ),
        facts=_facts(record, command),
        tripod=page_table(
            "TRIPOD+AI, item by item",
            ("item", "asks for", "on this page"),
            [(i["number"], i["asks_for"], i["answer"] or _YOURS) for i in record.tripod],
            command=command,
            is_stacked=True,
        ),
    )


def _verdicts(record: ValidationRecord) -> tuple[str, ...]:
    main = record.performance[0]
    found = [record.headline, f"{main['label']}: {_limits(main)}."]
    found += [
        f"{row['view']}: {row['observed']:.1%} observed, {row['expected']:.1%} predicted "
        f"(ratio {_limits(row, 'ratio')})."
        for row in record.in_the_large
        if row["observed"] is not None
    ]
    if record.shifts:
        found.append(f"Inputs differ from training in {len(record.shifts)} ways.")
    return tuple(found)


def _limits(row: Row, name: str = "value") -> str:
    if row[name] is None:
        return NONE
    ends = ("lower", "upper") if name == "value" else (f"{name}_lower", f"{name}_upper")
    lower, upper = (row[end] for end in ends)
    text = f"{row[name]:.3f}"
    if lower is None:
        return text
    return f"{text} ({lower:.3f} to {upper:.3f})".replace(" ", "\u00a0")


def _performance(record: ValidationRecord, command: str) -> PageTable:
    rows = [
        (
            row["label"],
            _limits(row),
            _BEST[row["best"]],
            row["reason"],
        )
        for row in record.performance
    ]
    caption = "Performance (95 % interval)"
    return page_table(caption, ("metric", "value", "good is", "why not"), rows, command=command)


def _in_the_large(record: ValidationRecord, command: str) -> PageTable:
    rows = [
        (
            row["view"],
            number(row["observed"], 3),
            number(row["expected"], 3),
            _limits(row, "ratio"),
            _limits(row, "intercept"),
            row["reason"],
        )
        for row in record.in_the_large
    ]
    columns = ("of", "observed", "predicted", "observed / predicted", "intercept", "why not")
    return page_table("Calibration in the large", columns, rows, command=command)


def _subgroups(record: ValidationRecord, command: str) -> PageTable:
    rows = [
        (
            row["column"],
            row["group"],
            row["patients"],
            row["events"],
            _limits(row),
            number(row["ratio"], 2),
            row["reason"],
        )
        for row in record.subgroups
    ]
    scarce = "events" if record.kind == "survival" else "of the rarest class"
    value = record.performance[0]["label"]
    columns = ("column", "group", "patients", scarce, value, "observed / predicted", "why not")
    return page_table("Groups of patients", columns, rows, command=command)


def _availability(record: ValidationRecord, command: str) -> PageTable:
    rows = [
        (r["modality"], r["patients"], f"{r['share']:.1%}", f"{r['share_training']:.1%}")
        for r in record.availability
    ]
    columns = ("modality", "patients", "share", "share in training")
    return page_table("Who has what", columns, rows, command=command)


def _facts(record: ValidationRecord, command: str) -> PageTable:
    training = record.training
    rows: Sequence[tuple[str, str]] = [
        ("model", f"{training.outcome}, from {training.patients:,} patients"),
        ("modalities", ", ".join(training.modalities)),
        ("outcome here", record.outcome),
        ("intervals", f"{record.bootstrap:,} resamples of patients, seed {record.random_state}"),
        ("recalibrated model", record.recalibrated or "none was asked for"),
        ("when", f"{record.written_at[:16].replace('T', ' ')} UTC"),
        ("made with", f"msfusion_sdk {record.sdk_version}"),
    ]
    return page_table("How it was judged", ("what", "value"), rows, command=command)
