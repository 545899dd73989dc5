"""What is predicted: times to an event, or classes, behind one interface.

A *score* has shape (patient, output).  For survival there is one output, the log-hazard.  For
classes there is one per class, and the chance of a class is proportional to its share among the
training patients times ``exp(score)``: scores of 0 say nothing.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import cross_entropy

from msfusion_sdk.arrays import Bools, Floats, Rows
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.cox.losses import cox_loss

__all__ = ["ClassTarget", "SurvivalTarget", "Target"]

Places = Rows | Bools


class Target(ABC):
    """Outcomes of training patients, and what can be learned from them."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers in a score."""

    @property
    @abstractmethod
    def strata(self) -> NDArray[np.intp]:
        """What folds are balanced by, shape (patient,): whether an event was seen, or the class."""

    @property
    @abstractmethod
    def scarcest(self) -> int:
        """How many events there are, or patients of the rarest class."""

    @abstractmethod
    def rows(self, rows: Places) -> Self:
        """Return the outcomes of these patients."""

    @abstractmethod
    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return coefficients (feature, output) and offset (output,) of the ridge model.

        Each coefficient has a normal prior of mean 0 and variance 1.
        """

    @abstractmethod
    def total_loss(self, scores: Tensor) -> Tensor:
        """Return the negative log-likelihood, summed over patients (events for survival)."""

    @abstractmethod
    def centred(self, scores: Floats) -> Floats:
        """Return scores without the part that is the same for everybody."""

    def require(self, what: str, least: int) -> None:
        """Refuse outcomes with fewer than ``least`` events or patients of a class.

        Raises
        ------
        DegenerateSplitError
            Saying whose outcomes they are.
        """
        if self.scarcest < least:
            kind = "events" if isinstance(self, SurvivalTarget) else "patients of each class"
            msg = (
                f"{what} needs at least {least} {kind} and has {self.scarcest} among "
                f"{len(self.strata)} patients. Use more patients, or a strategy with fewer parts."
            )
            raise DegenerateSplitError(msg)


@dataclass(frozen=True, eq=False)
class SurvivalTarget(Target):
    """Times and events; ``event`` True = observed."""

    time: Floats
    event: Bools

    @property
    def outputs(self) -> int:
        """One: the log-hazard."""
        return 1

    @property
    def strata(self) -> NDArray[np.intp]:
        """Whether the event was seen, as 0 and 1."""
        return self.event.astype(np.intp)

    @property
    def scarcest(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    def rows(self, rows: Places) -> Self:
        """Return the outcomes of these patients."""
        return type(self)(self.time[rows], self.event[rows])

    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return a ridge Cox model with Efron ties; mean log-hazard 0 over these patients."""
        # fit_cox divides the likelihood by the number of patients, the prior does not.
        fit = fit_cox(values, time=self.time, event=self.event, penalty=1 / len(self.time))
        return fit.coef[:, None], np.array([-fit.mean @ fit.coef])

    def total_loss(self, scores: Tensor) -> Tensor:
        """Return minus the log partial likelihood, Efron ties."""
        time, event = torch.from_numpy(self.time), torch.from_numpy(self.event)
        return cox_loss(risk=scores[:, 0], time=time, event=event) * self.scarcest

    def centred(self, scores: Floats) -> Floats:
        """Return ``scores`` with mean 0 over the patients."""
        return np.asarray(scores - scores.mean(axis=0))


@dataclass(frozen=True, eq=False)
class ClassTarget(Target):
    """Places of the patients' classes in the list of ``classes`` classes."""

    codes: NDArray[np.intp]
    classes: int

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return self.classes

    @property
    def strata(self) -> NDArray[np.intp]:
        """The classes themselves."""
        return self.codes

    @property
    def scarcest(self) -> int:
        """Patients of the rarest class."""
        return int(np.bincount(self.codes, minlength=self.classes).min())

    @property
    def log_prior(self) -> Floats:
        """Logarithm of the share of each class."""
        counts = np.bincount(self.codes, minlength=self.classes)
        return np.asarray(np.log(counts / counts.sum()))

    def rows(self, rows: Places) -> Self:
        """Return the classes of these patients."""
        return type(self)(self.codes[rows], self.classes)

    def fit_linear(self, values: Floats) -> tuple[Floats, Floats]:
        """Return a ridge logistic regression; its intercept is not penalised."""
        model = LogisticRegression(C=1.0, max_iter=2000, tol=1e-6).fit(values, self.codes)
        coef, offset = model.coef_.T, model.intercept_
        if self.classes == 2:  # scikit-learn gives one column, the log-odds of the second class
            coef, offset = np.hstack([-coef, coef]) / 2, np.append(-offset, offset) / 2
        return np.asarray(coef), np.asarray(offset - self.log_prior)

    def total_loss(self, scores: Tensor) -> Tensor:
        """Return the cross-entropy."""
        logits = scores + torch.from_numpy(self.log_prior).to(scores.dtype)
        return cross_entropy(logits, torch.from_numpy(self.codes), reduction="sum")

    def centred(self, scores: Floats) -> Floats:
        """Return ``scores`` with mean 0 over the classes."""
        return np.asarray(scores - scores.mean(axis=1, keepdims=True))
