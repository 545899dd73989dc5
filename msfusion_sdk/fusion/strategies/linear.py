"""Early fusion by one ridge model over all columns; also the expert of a single modality."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.design import Design
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.fusion.inputs.relevance import Relevance, prior_groups
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.strategies.fuser import Arrays, Fuser, fold_numbers

__all__ = ["LinearFuser"]

FOLDS = 3
MANY_FOLDS = 20
"""Where columns are many for the patients: models of two thirds of them would be much poorer."""
MANY_COLUMNS = 0.1
"""Columns per patient from which on that is so."""
FITS = 1_800_000
"""Squared patients times folds that cost little: no more of both."""


class LinearFuser(Fuser):
    """A ridge Cox model or a ridge logistic regression of all modalities side by side.

    Parameters
    ----------
    kinds : length modality
        See :func:`~msfusion_sdk.fusion.inputs.design.prior_variances`.
    seed : int
        Decides the folds of the out-of-fold scores, and no coefficient.
    """

    def __init__(self, kinds: Sequence[str], seed: int) -> None:
        self._kinds, self._seed = tuple(kinds), seed

    def fit(self, modalities: Modalities, target: Target) -> Floats:
        """Learn means, scales and coefficients; return scores by models of the other folds.

        With one event, or one patient of a class, there are no folds, and those scores are 0.
        """
        target.outcome.require(f"A linear model of {' and '.join(modalities.names)}", 1)
        folds = fold_numbers(target.outcome, _folds(modalities, target), self._seed)
        held_out = np.zeros((len(folds), target.outputs))
        # Which columns of wide tables stand for all is found once: it knows no outcome.
        matrix = Design.learn(modalities, self._kinds).matrix(modalities)
        relevance = Relevance.of(matrix, prior_groups(modalities, self._kinds))
        # All zero is a single fold, without anybody to learn from.
        for fold in range(folds.max() + 1 if folds.any() else 0):
            held, rest = folds == fold, folds != fold
            self._learn(modalities.rows(rest), target.rows(rest), relevance.rows(rest))
            held_out[held] = self.scores(modalities.rows(held))
        # Last, from everybody: the models of folds are gone after their scores.
        self._learn(modalities, target, relevance)
        return held_out

    def scores(self, modalities: Modalities) -> Floats:
        """Return log-hazards, or logits less the logarithm of each class's share."""
        return np.asarray(self._design.matrix(modalities) @ self._coef + self._offset)

    def arrays(self) -> Arrays:
        """Return means, scales and coefficients."""
        return {
            "centre": self._design.centre,
            "scale": self._design.scale,
            "coef": self._coef,
            "offset": self._offset,
        }

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``arrays`` describes."""
        self._design = Design(arrays["centre"], arrays["scale"])
        self._coef, self._offset = arrays["coef"], arrays["offset"]
        return self

    def _learn(self, modalities: Modalities, target: Target, relevance: Relevance) -> None:
        factors = relevance.factors(target.marginal)
        self._design = Design.learn(modalities, self._kinds).with_factors(factors)
        self._coef, self._offset = target.fit_linear(self._design.matrix(modalities))


def _folds(modalities: Modalities, target: Target) -> int:
    """Return how many folds; only survival curves are scaled by what they give."""
    patients = len(modalities.patient_ids)
    is_wide = sum(modalities.widths) > MANY_COLUMNS * patients
    if target.outcome.kind != "survival" or not is_wide:
        return FOLDS
    return max(FOLDS, min(MANY_FOLDS, FITS // patients**2))
