"""An external validation: its tables, and what limits them."""

from dataclasses import dataclass

import pandas as pd

from msfusion_sdk.evaluation.result.tables import cell
from msfusion_sdk.phrases import one_line
from msfusion_sdk.study.training_record import TrainingRecord

__all__ = ["ExternalValidation"]


@dataclass(frozen=True, eq=False)
class ExternalValidation:
    """How good a trained model is on patients of elsewhere.

    Intervals are of a bootstrap of patients: 2.5th to 97.5th percentile; they say nothing of who
    was trained on.
    """

    record: TrainingRecord
    """What the model learned from."""
    outcome: str
    """In the new cohort."""
    unit: str | None
    """Of time; None for classes."""
    counts: dict[str, int]
    """``patients`` judged; ``events``, or a number per class; ``without_outcome``,
    ``without_modality`` and ``in_training``, who were left out."""
    horizons: tuple[float, ...]
    """Of survival; empty for classes."""
    performance: pd.DataFrame
    """``metric``, ``label`` (for people), ``best`` (high, low or one), ``value``, ``lower``,
    ``upper``, ``reason`` where there is no value.  The main one first."""
    in_the_large: pd.DataFrame
    """``view`` (a horizon or a class), ``observed``, ``expected``, and ``ratio`` and
    ``intercept``, each with ``…_lower`` and ``…_upper``; ``reason``."""
    groups: pd.DataFrame
    """``view``, ``patients``, ``predicted``, ``observed``, ``lower``, ``upper``: in groups of
    similar prediction."""
    decision: pd.DataFrame
    """``view``, ``threshold``, ``model``, ``all``, ``none``: net benefit."""
    subgroups: pd.DataFrame
    """``column``, ``group``, ``patients``, ``events`` (or patients of the rarest class),
    ``value``, ``lower``, ``upper`` of the main metric, ``ratio`` (observed over expected),
    ``reason``."""
    availability: pd.DataFrame
    """``modality``, ``patients`` who have it here, ``share``, and ``share_training``."""
    shifts: pd.DataFrame
    """``table``, ``kind``, ``columns``, ``text``."""
    predictions: pd.DataFrame
    """By patient_id: what the model says, and what happened."""
    warnings: tuple[str, ...]
    bootstrap: int
    random_state: int

    def __repr__(self) -> str:
        main = self.performance.iloc[0]
        value = cell(main["value"], main["lower"], main["upper"])
        facts = (
            f"{self.outcome} of {self.counts['patients']} patients",
            f"{main['label']} {value}",
        )
        warned = f"{len(self.warnings)} warnings" if self.warnings else ""
        return one_line("ExternalValidation", [*facts, warned])

    @property
    def main_metric(self) -> str:
        """The first metric: concordance, or the area under the ROC curve."""
        return str(self.performance["metric"].iloc[0])

    @property
    def main_label(self) -> str:
        """What people call it."""
        return str(self.performance["label"].iloc[0])
