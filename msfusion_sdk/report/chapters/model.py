"""A trained model as a chapter: what it learned from, and its card."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from msfusion_sdk.report.html.page_table import PageTable, page_table
from msfusion_sdk.storage.model_folder import CARD_FILE
from msfusion_sdk.study.training_record import TrainingRecord

__all__ = ["ModelChapter", "model_chapter"]


@dataclass(frozen=True)
class ModelChapter:
    """What the template ``model.html`` shows."""

    title: str
    facts: PageTable
    card: str
    """Markdown; '' when the folder has none."""
    template: str = "model.html"


def model_chapter(folder: Path) -> ModelChapter:
    """Return the chapter on the model in ``folder``."""
    record = TrainingRecord.read(folder)
    card = folder / CARD_FILE
    name = folder.resolve().name
    return ModelChapter(
        title=f"Model “{name}”",
        facts=_facts(record, _command(record, name)),
        card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
    )


def _facts(record: TrainingRecord, command: str) -> PageTable:
    having = [f"{name} ({count:,} patients)" for name, count in record.modalities.items()]
    labels = {
        "class": [f"{count:,} {name}" for name, count in (record.classes or {}).items()],
        "survival": [f"{record.events or 0:,} with an event", f"time in {record.unit}"],
        "number": ["each with a number"],
    }[record.kind]
    rows = [
        ("outcome", record.outcome),
        ("patients", f"{record.patients:,}: {', '.join(labels)}"),
        ("modalities", ", ".join(having)),
        ("left out", f"{record.left_out:,} patients with the outcome and without any modality"),
        ("fusion", record.fusion),
        ("slides of a patient", record.slides),
        ("slide model", record.slide_model or "slides were not used"),
        ("seed", str(record.random_state)),
        ("made with", f"msfusion_sdk {record.sdk_version}"),
    ]
    return page_table("What the model learned from", ("what", "value"), rows, command=command)


def _command(record: TrainingRecord, name: str) -> str:
    # The cohort's folder is not recorded: it may name a place on another machine.
    words = ["msfusion", "train", "COHORT", "--outcome", record.outcome]
    for modality in record.modalities:
        words += ["--modalities", modality]
    words += ["--slides", record.slides]
    if record.slide_model:
        words += ["--slide-model", record.slide_model[:12]]
    words += ["--fusion", record.fusion, "--seed", str(record.random_state), "--out", name]
    return shlex.join(words)
