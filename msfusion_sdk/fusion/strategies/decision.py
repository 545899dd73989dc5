"""Decision-level fusion: one expert per modality, and a rule that combines their scores.

``product_of_experts``
    The sum of the scores: log-hazards add, and so do log-odds beyond the shares of the classes.
``average``
    The mean over the modalities that a patient has: of log-hazards, or of class probabilities.
    Each expert's scores are multiplied by one number, fitted out of fold, that calibrates them.
``stacking``
    The weighted sum, with weights of at least 0 fitted together, out of fold.

An expert whose modality a patient lacks takes no part; a mask says so, and no value does.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.strategies.expert_weights import fit_weights
from msfusion_sdk.fusion.strategies.fuser import Arrays, Fuser, under

__all__ = ["DecisionFuser", "Rule"]

Rule = Literal["average", "stacking", "product_of_experts"]


class DecisionFuser(Fuser):
    """One expert per modality, each learned from the patients who have it.

    Parameters
    ----------
    rule : 'average', 'stacking' or 'product_of_experts'
    make_expert : function of the place of a modality
        Makes an unfitted fuser for that modality alone.
    """

    def __init__(self, rule: Rule, make_expert: Callable[[int], Fuser]) -> None:
        self._rule, self._make_expert = rule, make_expert

    @property
    def weights(self) -> Floats:
        """By which the scores of each expert are multiplied, shape (modality,)."""
        return self._weights

    def fit(self, modalities: Modalities, target: Target) -> Floats:
        """Learn the experts, then weights from their out-of-fold scores; return these combined."""
        self._log_prior = target.log_prior
        self._experts = [self._make_expert(place) for place in range(len(modalities.names))]
        present = modalities.present
        held_out = np.zeros((len(self._experts), len(present), target.outputs))
        for place, expert in enumerate(self._experts):
            having = target.rows(present[:, place])
            # The other rules fit weights out of fold, for which two folds need an event or a class
            # each.
            least = 1 if self._rule == "product_of_experts" else 2
            having.outcome.require(f"The expert of {modalities.names[place]!r}", least)
            held_out[place, present[:, place]] = expert.fit(modalities.only(place), having)
        self._weights = self._fitted_weights(held_out, present, target)
        return self._combined(held_out, present)

    def scores(self, modalities: Modalities) -> Floats:
        """Return the combined scores."""
        each = [
            _spread_out(expert.scores(modalities.only(place)), modalities.present[:, place])
            for place, expert in enumerate(self._experts)
        ]
        return self._combined(np.stack(each), modalities.present)

    def arrays(self) -> Arrays:
        """Return the weights and what each expert learned."""
        arrays: Arrays = {"weights": self._weights, "log_prior": self._log_prior}
        for place, expert in enumerate(self._experts):
            arrays.update({f"{place}/{name}": value for name, value in expert.arrays().items()})
        return arrays

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``arrays`` describes."""
        self._weights, self._log_prior = arrays["weights"], arrays["log_prior"]
        self._experts = [
            self._make_expert(place).load(under(arrays, f"{place}/"))
            for place in range(len(self._weights))
        ]
        return self

    def _fitted_weights(self, held_out: Floats, present: Bools, target: Target) -> Floats:
        if self._rule == "stacking":
            return fit_weights(held_out, target.total_loss)
        # A product of experts takes every score as it is.
        weights = np.ones(len(held_out))
        if self._rule == "average":
            for place, having in enumerate(present.T):
                own = target.rows(having)
                weights[place] = fit_weights(held_out[[place]][:, having], own.total_loss)[0]
        return weights

    def _combined(self, each: Floats, present: Bools) -> Floats:
        """Return the scores of all experts as one; ``each`` is (modality, patient, output)."""
        weighted = each * self._weights[:, None, None]
        if self._rule != "average":
            return np.asarray(weighted.sum(axis=0))
        share = present / present.sum(axis=1, keepdims=True)
        if not len(self._log_prior):
            return np.asarray((weighted * share.T[:, :, None]).sum(axis=0))
        logits = weighted + self._log_prior
        log_chances = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
        # An absent expert has share 0, whose logarithm takes it out of the sum.
        with np.errstate(divide="ignore"):
            log_share = np.log(share.T)[:, :, None]
        return np.asarray(np.logaddexp.reduce(log_chances + log_share, axis=0) - self._log_prior)


def _spread_out(scores: Floats, present: Bools) -> Floats:
    """Return rows for all patients, 0 where an expert is absent."""
    spread = np.zeros((len(present), scores.shape[1]))
    spread[present] = scores
    return spread
