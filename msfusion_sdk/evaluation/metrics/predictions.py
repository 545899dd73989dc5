"""The test patients of one fold: what was predicted beside what happened."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.numbers import NumberOutcome
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome

__all__ = ["ClassPredictions", "NumberPredictions", "Predictions", "SurvivalPredictions"]


class Predictions(ABC):
    """What happened to the test patients of one fold, and what a model predicted."""

    outcome: Outcome

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Who was judged."""
        return self.outcome.patient_ids

    @abstractmethod
    def take(self, rows: Rows) -> Self:
        """Return some of the patients."""

    @abstractmethod
    def columns(self) -> dict[str, Any]:
        """Return the columns of a table of them, besides the ids."""

    @classmethod
    @abstractmethod
    def average(cls, parts: Sequence[Any], outcome: Any) -> Self:
        """Return the equal-weight average of models of single tables, in one fold.

        A patient gets the average of the tables they have.

        Parameters
        ----------
        parts : sequence of predictions
            Of the patients who have each table.
        outcome : Outcome
            Of all patients who are in any of ``parts``.
        """


@dataclass(frozen=True, eq=False)
class SurvivalPredictions(Predictions):
    """Predicted risks and survival curves."""

    outcome: SurvivalOutcome
    risk: Floats
    """Shape (patient,): higher means an earlier event; comparable within the fold only."""
    survival: Floats
    """Shape (patient, time): at the times of the plan."""
    train: SurvivalOutcome
    """Of all training patients of the fold; censoring is estimated from these."""
    train_risk: "pd.Series[float]"
    """By patient_id: for cut-offs and scales, which must not come from test patients."""

    def take(self, rows: Rows) -> Self:
        """Return some of the patients."""
        outcome, risk = self.outcome.take(rows), self.risk[rows]
        return type(self)(outcome, risk, self.survival[rows], self.train, self.train_risk)

    def columns(self) -> dict[str, Any]:
        """Return times, events, risks, who is above the median of training, and curves."""
        return {
            **self.outcome.arrays,
            "risk": self.risk,
            "high_risk": self.risk > np.median(self.train_risk),
            "survival": list(self.survival),
        }

    @classmethod
    def average(cls, parts: Sequence["SurvivalPredictions"], outcome: SurvivalOutcome) -> Self:
        """Average curves as they are, and risks in units of their training patients' spread."""
        ids, scales = outcome.patient_ids, [_scale(one.train_risk) for one in parts]
        risks = [
            (one.patient_ids, ((one.risk - mean) / spread)[:, None])
            for one, (mean, spread) in zip(parts, scales, strict=True)
        ]
        trained = [
            (one.train_risk - mean) / spread
            for one, (mean, spread) in zip(parts, scales, strict=True)
        ]
        return cls(
            outcome,
            # Log-hazards of different models have no common unit until they are standardised.
            risk=_average(ids, risks)[:, 0],
            survival=_average(ids, [(one.patient_ids, one.survival) for one in parts]),
            train=parts[0].train,
            train_risk=pd.concat(trained, axis=1).mean(axis=1).sort_index(),
        )


@dataclass(frozen=True, eq=False)
class ClassPredictions(Predictions):
    """Predicted probabilities of classes."""

    outcome: ClassOutcome
    proba: Floats
    """Shape (patient, class); rows sum to 1."""

    def take(self, rows: Rows) -> Self:
        """Return some of the patients."""
        return type(self)(self.outcome.take(rows), self.proba[rows])

    def columns(self) -> dict[str, Any]:
        """Return the class of each patient, and a column of chances per class."""
        classes = self.outcome.classes
        chances = {f"proba_{name}": self.proba[:, k] for k, name in enumerate(classes)}
        return {"class": [classes[code] for code in self.outcome.codes], **chances}

    @classmethod
    def average(cls, parts: Sequence["ClassPredictions"], outcome: ClassOutcome) -> Self:
        """Average the probabilities."""
        each = [(one.patient_ids, one.proba) for one in parts]
        return cls(outcome, _average(outcome.patient_ids, each))

    @property
    def present_classes(self) -> tuple[int, ...]:
        """The classes with a one-against-rest metric: all, or of two the positive one."""
        classes = len(self.outcome.classes)
        return (1,) if classes == 2 else tuple(range(classes))


@dataclass(frozen=True, eq=False)
class NumberPredictions(Predictions):
    """Predicted numbers."""

    outcome: NumberOutcome
    predicted: Floats
    """Shape (patient,)."""

    def take(self, rows: Rows) -> Self:
        """Return some of the patients."""
        return type(self)(self.outcome.take(rows), self.predicted[rows])

    def columns(self) -> dict[str, Any]:
        """Return the number of each patient, and the one that was predicted."""
        return {"number": self.outcome.values, "predicted": self.predicted}

    @classmethod
    def average(cls, parts: Sequence["NumberPredictions"], outcome: NumberOutcome) -> Self:
        """Average the numbers."""
        each = [(one.patient_ids, one.predicted[:, None]) for one in parts]
        return cls(outcome, _average(outcome.patient_ids, each)[:, 0])


def _scale(train_risk: "pd.Series[float]") -> tuple[float, float]:
    """Return mean and standard deviation; 1 for a model that calls all patients alike."""
    # From training patients: the spread of test patients is not known when one is judged.
    return float(train_risk.mean()), float(train_risk.std(ddof=0)) or 1.0


def _average(
    patient_ids: tuple[str, ...], parts: Sequence[tuple[tuple[str, ...], Floats]]
) -> Floats:
    total = np.zeros((len(patient_ids), parts[0][1].shape[1]))
    count = np.zeros((len(patient_ids), 1))
    place = {patient: row for row, patient in enumerate(patient_ids)}
    for ids, values in parts:
        rows = [place[patient] for patient in ids]
        total[rows] += values
        count[rows] += 1
    mean: Floats = total / count
    return mean
