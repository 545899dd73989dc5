"""The test patients of one fold: what was predicted beside what happened."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats, Rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Predictions", "ClassPredictions", "SurvivalPredictions"]


@dataclass(frozen=True, eq=False)
class SurvivalPredictions:
    """The test patients of one fold: what was predicted, and what happened."""

    patient_ids: tuple[str, ...]
    time: Floats
    event: Bools
    risk: Floats
    """Shape (patient,): higher means an earlier event; comparable within the fold only."""
    survival: Floats
    """Shape (patient, time): at the times of the plan."""
    train_time: Floats
    """Shape (training patient,): all of the fold; censoring is estimated from these."""
    train_event: Bools
    train_risk: "pd.Series[float]"
    """By patient_id: for cut-offs and scales, which must not come from test patients."""

    def take(self, rows: Rows) -> Self:
        """Return some of the patients."""
        return replace(
            self,
            patient_ids=tuple(self.patient_ids[row] for row in rows),
            time=self.time[rows],
            event=self.event[rows],
            risk=self.risk[rows],
            survival=self.survival[rows],
        )


@dataclass(frozen=True, eq=False)
class ClassPredictions:
    """The test patients of one fold: predicted probabilities, and the class of each."""

    patient_ids: tuple[str, ...]
    codes: NDArray[np.int64]
    """Shape (patient,): place in ``classes``."""
    proba: Floats
    """Shape (patient, class); rows sum to 1."""
    classes: tuple[Any, ...]

    def take(self, rows: Rows) -> Self:
        """Return some of the patients."""
        ids = tuple(self.patient_ids[row] for row in rows)
        return replace(self, patient_ids=ids, codes=self.codes[rows], proba=self.proba[rows])

    @property
    def present_classes(self) -> tuple[int, ...]:
        """The classes with a one-against-rest metric: all, or of two the positive one."""
        return (1,) if len(self.classes) == 2 else tuple(range(len(self.classes)))


Predictions = SurvivalPredictions | ClassPredictions
