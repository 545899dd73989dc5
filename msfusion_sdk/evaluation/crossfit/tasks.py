"""The tasks of survival, of classes and of numbers."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import IdMismatchError, SurvivalLabelError
from msfusion_sdk.evaluation.crossfit.answers import require_probabilities, require_rows
from msfusion_sdk.evaluation.crossfit.inputs import Tables
from msfusion_sdk.evaluation.crossfit.task import Task
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.class_metrics import class_metrics
from msfusion_sdk.evaluation.metrics.horizons import TimePlan, plan_times
from msfusion_sdk.evaluation.metrics.metric import Metric
from msfusion_sdk.evaluation.metrics.number_metrics import number_metrics
from msfusion_sdk.evaluation.metrics.predictions import (
    ClassPredictions,
    NumberPredictions,
    Predictions,
    SurvivalPredictions,
)
from msfusion_sdk.evaluation.metrics.survival_metrics import survival_metrics
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.numbers import NumberOutcome
from msfusion_sdk.outcomes.outcome import Kind
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.survival.cox.cox import CurveWarning

__all__ = ["TASKS", "ClassTask", "NumberTask", "SurvivalTask"]


@dataclass(frozen=True, eq=False)
class SurvivalTask(Task):
    """Risks and survival curves."""

    methods: ClassVar[tuple[str, ...]] = ("predict_risk", "predict_survival")
    estimator: ClassVar[str] = "FusionSurvival"
    predictions: ClassVar[type[Predictions]] = SurvivalPredictions

    outcome: SurvivalOutcome
    plan: TimePlan

    @classmethod
    def of(
        cls,
        outcome: SurvivalOutcome,
        folds: Sequence[Fold],
        horizons: ArrayLike | None = None,
        tau: float | None = None,
    ) -> Self:
        """Return the task with tau and horizons that suit these folds."""
        return cls(outcome, plan_times(outcome, folds, horizons, tau))

    @property
    def metrics(self) -> tuple[Metric[Any], ...]:
        """Harrell's C first."""
        has_entry = self.outcome.entry is not None
        return survival_metrics(self.plan, self.outcome.unit, has_entry=has_entry)

    def predict(
        self, model: Any, train: Tables, train_ids: Sequence[str], test: Tables, fold: Fold
    ) -> SurvivalPredictions:
        """Return risks and curves; censoring is that of the whole fold, alike for all models."""
        ids, times = fold.test_ids, self.plan.times
        with warnings.catch_warnings():
            # The plan says how late it is; these times are none that somebody asked for.
            warnings.simplefilter("ignore", CurveWarning)
            curves = model.predict_survival(test, times)
        survival = require_rows("predict_survival", curves, ids)
        risk = require_rows("predict_risk", model.predict_risk(test), ids)
        train_risk = require_rows("predict_risk", model.predict_risk(train), train_ids)
        return SurvivalPredictions(
            outcome=self.outcome.of(ids),
            risk=risk.to_numpy(np.float64),
            survival=require_probabilities(survival),
            # Of the whole fold, not of those with a table: baselines are weighted by the same
            # censoring.
            train=self.outcome.of(fold.train_ids),
            train_risk=train_risk.astype(np.float64),
        )


@dataclass(frozen=True, eq=False)
class ClassTask(Task):
    """Probabilities of classes."""

    methods: ClassVar[tuple[str, ...]] = ("predict_proba",)
    estimator: ClassVar[str] = "FusionClassifier"
    predictions: ClassVar[type[Predictions]] = ClassPredictions

    outcome: ClassOutcome
    classes: tuple[Any, ...]

    @classmethod
    def of(
        cls,
        outcome: ClassOutcome,
        folds: Sequence[Fold],
        horizons: ArrayLike | None = None,
        tau: float | None = None,
    ) -> Self:
        """Return the task; folds and times do not matter."""
        return cls(outcome, outcome.classes)

    @property
    def metrics(self) -> tuple[Metric[Any], ...]:
        """AUROC first."""
        return class_metrics(self.classes)

    def predict(
        self, model: Any, train: Tables, train_ids: Sequence[str], test: Tables, fold: Fold
    ) -> ClassPredictions:
        """Return the probability of each class."""
        proba = require_rows("predict_proba", model.predict_proba(test), fold.test_ids)
        return ClassPredictions(self.outcome.of(fold.test_ids), _by_class(proba, self.classes))


@dataclass(frozen=True, eq=False)
class NumberTask(Task):
    """Numbers."""

    methods: ClassVar[tuple[str, ...]] = ("predict",)
    estimator: ClassVar[str] = "FusionRegressor"
    predictions: ClassVar[type[Predictions]] = NumberPredictions

    outcome: NumberOutcome

    @classmethod
    def of(
        cls,
        outcome: NumberOutcome,
        folds: Sequence[Fold],
        horizons: ArrayLike | None = None,
        tau: float | None = None,
    ) -> Self:
        """Return the task; folds and times do not matter."""
        return cls(outcome)

    @property
    def metrics(self) -> tuple[Metric[Any], ...]:
        """R² first."""
        return number_metrics()

    def predict(
        self, model: Any, train: Tables, train_ids: Sequence[str], test: Tables, fold: Fold
    ) -> NumberPredictions:
        """Return the number of each patient."""
        found = require_rows("predict", model.predict(test), fold.test_ids)
        return NumberPredictions(self.outcome.of(fold.test_ids), found.to_numpy(np.float64))


TASKS: dict[Kind, type[Task]] = {
    "survival": SurvivalTask,
    "class": ClassTask,
    "number": NumberTask,
}


def _by_class(proba: pd.DataFrame, classes: tuple[Any, ...]) -> Floats:
    """Return the chances, a column per class in the order of ``classes``."""
    if set(proba.columns) != set(classes):
        msg = (
            f"predict_proba() has the columns {first_few(proba.columns, 5)}, and the classes are "
            f"{first_few(classes, 5)}. It has to return one column per class, by name."
        )
        raise IdMismatchError(msg)
    # Not proba[[False, True]], which would choose rows.
    chances = require_probabilities(proba.reindex(columns=list(classes)))
    total = chances.sum(axis=1, keepdims=True)
    if (np.abs(total - 1) > 1e-4).any():
        msg = f"predict_proba() has rows that sum to {total.min():g}, and each must sum to 1."
        raise SurvivalLabelError(msg)
    # A model may count in float32, whose sums are off by more than scikit-learn tolerates.
    scaled: Floats = chances / total
    return scaled
