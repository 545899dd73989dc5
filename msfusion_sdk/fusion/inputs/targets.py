"""What can be learned from outcomes: the mathematics of a model around each kind.

A *score* has shape (patient, output).  For survival there is one output, the log-hazard.  For
classes there is one per class, and the chance of a class is proportional to its share among the
training patients times ``exp(score)``.  For numbers there is one, the distance from the mean of the
training patients in their standard deviations.  Scores of 0 say nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import cross_entropy

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.fusion.inputs.marginal import Marginal, class_marginal, cox_marginal
from msfusion_sdk.fusion.inputs.ridge import fit_ridge, ridge_marginal
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.numbers import NumberOutcome
from msfusion_sdk.outcomes.outcome import Kind, Outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.cox.losses import cox_loss

__all__ = ["ClassTarget", "NumberTarget", "SurvivalTarget", "Target", "target_of"]


class Target(ABC):
    """Outcomes of training patients, and what can be learned from them."""

    outcome: Outcome

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers in a score."""

    @property
    @abstractmethod
    def log_prior(self) -> Floats:
        """What is added to a score of classes to make a logit; empty where there are none."""

    @abstractmethod
    def rows(self, rows: Rows | Bools) -> Self:
        """Return the outcomes of these patients."""

    @abstractmethod
    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return coefficients (feature, output) and offset (output,) of the ridge model.

        Each coefficient has a normal prior of mean 0 and variance 1.
        """

    @abstractmethod
    def marginal(self, values: Floats, start: Floats) -> Marginal:
        """Return how likely the outcomes are under the prior of ``fit_linear``.

        Parameters
        ----------
        values : shape (patient, feature)
        start : shape (feature,)
            Near the likeliest coefficients, where that is known.
        """

    @abstractmethod
    def total_loss(self, scores: Tensor) -> Tensor:
        """Return the negative log-likelihood, summed over patients (events for survival)."""

    @abstractmethod
    def centred(self, scores: Floats) -> Floats:
        """Return scores without the part that is the same for everybody."""


@dataclass(frozen=True, eq=False)
class SurvivalTarget(Target):
    """The Cox model of times and events."""

    outcome: SurvivalOutcome

    @property
    def outputs(self) -> int:
        """One: the log-hazard."""
        return 1

    @property
    def log_prior(self) -> Floats:
        """Empty."""
        return np.zeros(0)

    def rows(self, rows: Rows | Bools) -> Self:
        """Return the outcomes of these patients."""
        return type(self)(self.outcome.take(rows))

    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return a ridge Cox model with Efron ties; mean log-hazard 0 over these patients."""
        # fit_cox divides the likelihood by the number of patients, the prior does not.
        fit = fit_cox(values, **self.outcome.arrays, penalty=1 / len(values))
        # The Cox model subtracts the mean from the features; here that is the offset.
        return fit.coef[:, None], np.array([-fit.mean @ fit.coef])

    def marginal(self, values: Floats, start: Floats) -> Marginal:
        """Return the marginal likelihood of the ridge Cox model."""
        return cox_marginal(values, **self.outcome.arrays, start=start)

    def total_loss(self, scores: Tensor) -> Tensor:
        """Return minus the log partial likelihood, Efron ties."""
        known = {name: torch.from_numpy(array) for name, array in self.outcome.arrays.items()}
        loss = cox_loss(
            risk=scores[:, 0], time=known["time"], event=known["event"], entry=known.get("entry")
        )
        # ``cox_loss`` is per event; of survival the needed stratum is that of the events.
        return loss * self.outcome.scarcest

    def centred(self, scores: Floats) -> Floats:
        """Return ``scores`` with mean 0 over the patients."""
        return np.asarray(scores - scores.mean(axis=0))


@dataclass(frozen=True, eq=False)
class ClassTarget(Target):
    """The logistic model of classes."""

    outcome: ClassOutcome

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return len(self.outcome.classes)

    @property
    def log_prior(self) -> Floats:
        """Logarithm of the share of each class."""
        return self.outcome.log_shares

    def rows(self, rows: Rows | Bools) -> Self:
        """Return the classes of these patients."""
        return type(self)(self.outcome.take(rows))

    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return a ridge logistic regression; its intercept is not penalised."""
        # C is one over the penalty of the summed loss: a prior of variance 1, as for survival.
        model = LogisticRegression(C=1.0, max_iter=2000, tol=1e-6).fit(values, self.outcome.codes)
        coef, offset = model.coef_.T, model.intercept_
        if self.outputs == 2:  # scikit-learn gives one column, the log-odds of the second class
            coef, offset = np.hstack([-coef, coef]) / 2, np.append(-offset, offset) / 2
        return np.asarray(coef), np.asarray(offset - self.log_prior)

    def marginal(self, values: Floats, start: Floats) -> Marginal:
        """Return the marginal likelihood of the logistic model."""
        return class_marginal(values, self.outcome.codes, self.outputs)

    def total_loss(self, scores: Tensor) -> Tensor:
        """Return the cross-entropy."""
        logits = scores + torch.from_numpy(self.log_prior).to(scores.dtype)
        return cross_entropy(logits, torch.from_numpy(self.outcome.codes), reduction="sum")

    def centred(self, scores: Floats) -> Floats:
        """Return ``scores`` with mean 0 over the classes."""
        return np.asarray(scores - scores.mean(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class NumberTarget(Target):
    """The linear model of numbers, with normal noise.

    Parameters
    ----------
    outcome : NumberOutcome
    centre, spread : float
        Mean and standard deviation of all training patients: parts of them are counted alike.
    """

    outcome: NumberOutcome
    centre: float
    spread: float

    @classmethod
    def of(cls, outcome: NumberOutcome) -> Self:
        """Return the target of all training patients."""
        return cls(outcome, float(outcome.values.mean()), float(outcome.values.std()))

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def log_prior(self) -> Floats:
        """Empty."""
        return np.zeros(0)

    @property
    def standard(self) -> Floats:
        """The numbers as scores, shape (patient,)."""
        return np.asarray((self.outcome.values - self.centre) / self.spread)

    def rows(self, rows: Rows | Bools) -> Self:
        """Return the numbers of these patients, counted as they were."""
        return type(self)(self.outcome.take(rows), self.centre, self.spread)

    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return a ridge regression whose penalty is the likeliest noise."""
        coef, offset = fit_ridge(values, self.standard)
        return coef[:, None], np.array([offset])

    def marginal(self, values: Floats, start: Floats) -> Marginal:
        """Return the marginal likelihood of the ridge regression."""
        return ridge_marginal(values, self.standard)

    def total_loss(self, scores: Tensor) -> Tensor:
        """Return half the squared errors, counted in standard deviations."""
        truth = torch.from_numpy(self.standard).to(scores.dtype)
        return ((scores[:, 0] - truth) ** 2).sum() / 2

    def centred(self, scores: Floats) -> Floats:
        """Return ``scores``: their level means something."""
        return scores


_TARGETS: dict[Kind, Callable[[Any], Target]] = {
    "survival": SurvivalTarget,
    "class": ClassTarget,
    "number": NumberTarget.of,
}


def target_of(outcome: Outcome) -> Target:
    """Return the model of outcomes of this kind."""
    return _TARGETS[outcome.kind](outcome)
