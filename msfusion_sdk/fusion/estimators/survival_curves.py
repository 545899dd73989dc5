"""Log-hazards to survival curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.targets import SurvivalTarget
from msfusion_sdk.fusion.strategies.expert_weights import fit_weights
from msfusion_sdk.fusion.strategies.fuser import Arrays
from msfusion_sdk.survival.cox.cox import CoxFit
from msfusion_sdk.survival.cox.newton import cox_problem, cumulative_hazard

__all__ = ["SurvivalCurves"]


@dataclass(frozen=True, eq=False)
class SurvivalCurves:
    """A Cox model of the score alone, learned from out-of-fold scores.

    Scores of the patients that a model learned from order their events too well, and curves made
    with them would promise too much; these know only scores of models that did not.

    Parameters
    ----------
    slope : float64, shape (1,), at least 0
        Log-hazard per unit of score.
    times, hazard : float64, shape (step,)
        Cumulative hazard of score 0, up to and including each time of an event.
    """

    slope: Floats
    times: Floats
    hazard: Floats

    @classmethod
    def learn(cls, held_out: Floats, target: SurvivalTarget) -> Self:
        """Return the slope and the baseline of scores of shape (patient, 1)."""
        slope = fit_weights(held_out[None], target.total_loss)
        ones, known = np.ones(len(held_out)), target.outcome
        problem = cox_problem(held_out, known.time, known.event, ones, "efron", known.entry)
        return cls(slope, *cumulative_hazard(problem, slope))

    def survival(self, scores: Floats, times: ArrayLike) -> Floats:
        """Return the chance of no event up to each of ``times``, shape (patient, time).

        After the last training event a curve stays as it is.

        Parameters
        ----------
        scores : shape (patient, 1)
        times : shape (time,), ascending
        """
        steps, unused = self.times, np.nan
        # As a Cox model of one feature; likelihood, steps and penalty are not asked of it.
        model = CoxFit(self.slope, np.zeros(1), steps, self.hazard, unused, 0, unused)
        return model.predict_survival(scores, times)

    def arrays(self) -> Arrays:
        """Return everything ``learn`` learned."""
        return {"slope": self.slope, "times": self.times, "hazard": self.hazard}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the curves that ``arrays`` described."""
        return cls(arrays["slope"], arrays["times"], arrays["hazard"])
