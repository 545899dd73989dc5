"""The model card of a pretrained model, written from what was measured."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.index import TileIndex
from msfusion_sdk.pretraining.train_config import TrainConfig

__all__ = ["CardFacts", "filled_card", "markdown_table", "model_card", "score_columns"]

TEMPLATE = Path(__file__).with_name("card.md.j2")


@dataclass(frozen=True)
class CardFacts:
    """Everything that the card tells."""

    name: str
    about: str
    index: TileIndex
    train: TrainConfig
    states: dict[str, TrainingState]
    scores: pd.DataFrame
    floor: float
    slides: str = ""
    """Markdown on the annotated slides; '' for a folder of tiles."""
    start: str | None = None
    """Name of the model whose weights the networks started from; None for random ones."""


def model_card(facts: CardFacts) -> str:
    """Return the model card as Markdown."""
    columns = ["network", "condition", "balanced_accuracy", "interval", "auroc", "groups", "tiles"]
    return filled_card(
        TEMPLATE,
        name=facts.name,
        about=facts.about.strip(),
        classes=facts.index.classes,
        train=facts.train,
        counts=markdown_table(facts.index.counts()),
        states=facts.states,
        scores=markdown_table(score_columns(facts.scores)[columns]),
        floor=facts.floor,
        slides=facts.slides.strip(),
        start=facts.start,
        follows=any("attention_loss" in row for s in facts.states.values() for row in s.history),
    )


def filled_card(template: Path, **facts: object) -> str:
    """Return a card's template with these facts in it; one that it lacks is an error."""
    # Markdown, not HTML: nothing is to be escaped.
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(template.read_text(encoding="utf-8")).render(facts)


def score_columns(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``summarise`` as text, the limits together as ``interval``."""
    return scores.assign(
        balanced_accuracy=scores["balanced_accuracy"].map("{:.3f}".format),
        interval=[
            f"{low:.3f} to {high:.3f}"
            for low, high in zip(scores["low"], scores["high"], strict=True)
        ],
        auroc=scores["auroc"].map("{:.3f}".format),
    )


def markdown_table(frame: pd.DataFrame) -> str:
    """Return a data frame as a Markdown table."""
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.astype(str).to_numpy()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
