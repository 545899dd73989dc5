"""What judging one kind of outcome takes: which methods, which predictions, which metrics."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike

from msfusion_sdk.evaluation.crossfit.inputs import Tables
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.metric import Metric
from msfusion_sdk.evaluation.metrics.predictions import Predictions
from msfusion_sdk.outcomes.outcome import Outcome

__all__ = ["Task"]


class Task(ABC):
    """How one kind of outcome is predicted and judged."""

    methods: ClassVar[tuple[str, ...]]
    """Of a model, beside ``fit``."""
    estimator: ClassVar[str]
    """One of ours that has them, for messages."""
    predictions: ClassVar[type[Predictions]]
    outcome: Outcome
    """Of everybody."""
    plan: TimePlan | None = None
    """When survival is judged; None where there is no time."""
    classes: tuple[Any, ...] = ()
    """Empty where there are none."""

    @classmethod
    @abstractmethod
    def of(
        cls,
        outcome: Any,
        folds: Sequence[Fold],
        horizons: ArrayLike | None = None,
        tau: float | None = None,
    ) -> Self:
        """Return the task for these folds."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric[Any], ...]:
        """What is measured, the main metric first."""

    @abstractmethod
    def predict(
        self, model: Any, train: Tables, train_ids: Sequence[str], test: Tables, fold: Fold
    ) -> Predictions:
        """Return what a fitted model says about the patients of ``test``.

        Parameters
        ----------
        model : estimator
            Fitted on ``train``.
        train_ids : sequence of str
            The patients of ``train``.
        fold : Fold
            Its test patients are those of ``test``; of its training patients some may lack every
            table of ``train``.

        Raises
        ------
        IdMismatchError, NonFiniteError, SurvivalLabelError
            When the model leaves out patients or predicts what is no number or no probability.
        """
