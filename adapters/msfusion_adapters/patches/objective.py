"""What a head is trained for: classes, numbers, or times by a Cox or a discrete-time likelihood."""

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from msfusion_sdk.fusion.inputs.targets import ClassTarget, SurvivalTarget, Target
from msfusion_sdk.survival.cox.losses import discrete_nll, event_bins

__all__ = ["Objective", "SurvivalLoss", "make_objective"]

SurvivalLoss = Literal["cox", "discrete"]
BINS = 8


class Objective(nn.Module, ABC):
    """A loss of scores of whole batches of bags, the outcomes inside."""

    @abstractmethod
    def forward(self, scores: Tensor, target: Target) -> Tensor:
        """Return the loss per patient; ``scores`` has shape (patient, output)."""


class _Likelihood(Objective):
    """The negative log-likelihood of the target's own model."""

    def forward(self, scores: Tensor, target: Target) -> Tensor:
        return target.total_loss(scores) / len(scores)


class _DiscreteTime(Objective):
    """Hazards of time bins, each bin with a level of its own that all patients share.

    The score is added to the level of every bin, so that one number orders the patients, as a
    log-hazard does.
    """

    def __init__(self, target: SurvivalTarget) -> None:
        super().__init__()
        time, event = target.outcome.time, target.outcome.event
        self.edges = event_bins(time=time, event=event, n_bins=BINS)
        own = np.searchsorted(self.edges[1:-1], time, side="right")
        bins = len(self.edges) - 1
        died = np.bincount(own[event], minlength=bins)
        # Half an event more and a patient more: a bin without either has a finite level.
        at_risk = np.bincount(own, minlength=bins)[::-1].cumsum()[::-1]
        if target.outcome.entry is not None:
            came = np.searchsorted(self.edges[1:-1], target.outcome.entry, side="right")
            # Less those who come in a later bin.
            at_risk = at_risk - (len(time) - np.bincount(came, minlength=bins).cumsum())
        hazard = (died + 0.5) / (at_risk + 1)
        start = np.log(hazard / (1 - hazard))
        self.levels = nn.Parameter(torch.from_numpy(start).float())

    def forward(self, scores: Tensor, target: Target) -> Tensor:
        assert isinstance(target, SurvivalTarget)
        known = {name: torch.from_numpy(array) for name, array in target.outcome.arrays.items()}
        # One number for every patient, (patient, 1), beside one for every bin.
        logits = scores + self.levels
        return discrete_nll(logits=logits, edges=self.edges, **known)


def make_objective(target: Target, loss: SurvivalLoss) -> Objective:
    """Return what the heads are trained for.

    Parameters
    ----------
    loss : 'cox' or 'discrete'
        For survival; other outcomes have one loss.

    Raises
    ------
    ValueError
        When there is no such loss.
    """
    if loss not in ("cox", "discrete"):
        msg = f"loss must be 'cox' or 'discrete', and is {loss!r}."
        raise ValueError(msg)
    if loss == "discrete" and isinstance(target, SurvivalTarget):
        return _DiscreteTime(target)
    return _Likelihood()


def codes_of(target: Target) -> Tensor | None:
    """Return the classes of the patients, None where there are none."""
    return torch.from_numpy(target.outcome.codes) if isinstance(target, ClassTarget) else None
