"""The contract of a fusion strategy, and folds for what it learns out of fold."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.outcomes.outcome import Outcome

__all__ = ["Arrays", "Fuser", "fold_numbers", "under"]

Arrays = dict[str, NDArray[Any]]


class Fuser(ABC):
    """Turns the modalities of a patient into a score (see ``targets``), whatever is missing."""

    @abstractmethod
    def fit(self, modalities: Modalities, target: Target) -> Floats:
        """Learn from these patients, and forget what was learned before.

        Returns
        -------
        float64, shape (patient, output)
            Scores of the same patients by parts that did not learn from them.
        """

    @abstractmethod
    def scores(self, modalities: Modalities) -> Floats:
        """Return the scores, shape (patient, output); every patient has some modality."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Return everything ``fit`` learned."""

    @abstractmethod
    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``arrays`` describes."""


def fold_numbers(outcome: Outcome, folds: int, seed: int) -> NDArray[np.intp]:
    """Return the fold of each patient, shape (patient,): equally many of each stratum in all.

    There are as many folds as the scarcest stratum allows, at most ``folds``.
    """
    rng = np.random.default_rng(seed)
    used = min(folds, outcome.scarcest)
    strata = outcome.strata
    numbers = np.empty(len(strata), np.intp)
    start = 0
    for stratum in np.unique(strata):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        # Going on where the last stratum ended keeps the folds equally large.
        numbers[rows] = (start + np.arange(len(rows))) % used
        start += len(rows)
    return numbers


def under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Arrays:
    """Return the arrays whose names begin with ``prefix``, without it."""
    return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}
