"""The model card of a pretrained model, written from what was measured."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.config import TrainConfig
from msfusion_sdk.pretraining.index import TileIndex

__all__ = ["CardFacts", "model_card"]

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
    # Markdown, not HTML: nothing is to be escaped.
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    scores = facts.scores.assign(
        balanced_accuracy=facts.scores["balanced_accuracy"].map("{:.3f}".format),
        interval=[
            f"{low:.3f} to {high:.3f}"
            for low, high in zip(facts.scores["low"], facts.scores["high"], strict=True)
        ],
        auroc=facts.scores["auroc"].map("{:.3f}".format),
    )[["network", "condition", "balanced_accuracy", "interval", "auroc", "groups", "tiles"]]
    return template.render(
        name=facts.name,
        about=facts.about.strip(),
        classes=facts.index.classes,
        train=facts.train,
        counts=_table(facts.index.counts()),
        states=facts.states,
        scores=_table(scores),
        floor=facts.floor,
        slides=facts.slides.strip(),
        start=facts.start,
    )


def _table(frame: pd.DataFrame) -> str:
    """Return a data frame as a Markdown table."""
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.astype(str).to_numpy()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
