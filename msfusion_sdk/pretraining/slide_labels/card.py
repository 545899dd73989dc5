"""The model card of a fine-tuned model, written from what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from msfusion_sdk.pretraining.card import filled_card, markdown_table, score_columns
from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig

__all__ = ["LabelsFacts", "labels_card"]

TEMPLATE = Path(__file__).with_name("card.md.j2")


@dataclass(frozen=True)
class LabelsFacts:
    """Everything that the card tells."""

    name: str
    about: str
    start: str
    """Name of the model that the networks started from."""
    train: FineTuneConfig
    classes: Sequence[str]
    slides: dict[str, int]
    """By part."""
    patients: dict[str, int]
    left_out: int
    """Slides that could not be read or have no patch."""
    state: TrainingState
    scores: pd.DataFrame
    """Of the test slides: a row for the networks as they were, and one fine-tuned."""
    is_frozen: bool = False
    """Whether the attention alone was trained."""


def labels_card(facts: LabelsFacts) -> str:
    """Return the model card as Markdown."""
    counts = pd.DataFrame({"patients": facts.patients, "slides": facts.slides})
    columns = ["networks", "balanced_accuracy", "interval", "auroc", "patients", "slides"]
    return filled_card(
        TEMPLATE,
        facts=facts,
        counts=markdown_table(counts.rename_axis("part").reset_index()),
        scores=markdown_table(score_columns(facts.scores)[columns]),
    )
