"""Log-hazards to survival curves."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.targets import SurvivalTarget
from msfusion_sdk.fusion.strategies.expert_weights import fit_weights
from msfusion_sdk.fusion.strategies.fuser import Arrays
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.survival.cox.cox import CoxFit, CurveWarning
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
        """Return the slope and the baseline of scores of shape (patient, 1).

        Warns
        -----
        CurveWarning
            When the slope is 0: every patient has the same curve.
        """
        slope = fit_weights(held_out[None], target.total_loss)
        ones, known = np.ones(len(held_out)), target.outcome
        if slope[0] == 0:
            warnings.warn(_same_for_all(known), CurveWarning, stacklevel=5)
        problem = cox_problem(held_out, known.time, known.event, ones, "efron", known.entry)
        return cls(slope, *cumulative_hazard(problem, slope))

    def survival(self, scores: Floats, times: ArrayLike) -> Floats:
        """Return the chance of no event up to each of ``times``, shape (patient, time).

        After the last training event a curve stays as it is.

        Parameters
        ----------
        scores : shape (patient, 1)
        times : shape (time,), ascending

        Warns
        -----
        CurveWarning
            When a time lies after the last training event.
        """
        late = np.asarray(times, np.float64)
        late = late[late > self.times[-1]]
        if len(late):
            warnings.warn(_beyond(late, self.times[-1]), CurveWarning, stacklevel=3)
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


def _same_for_all(known: SurvivalOutcome) -> str:
    return (
        f"Survival curves are the same for everybody: models of the other folds did not order the "
        f"{int(known.event.sum())} events of these {len(known.event)} patients better than chance "
        "does, so risks have no slope. What predict_risk() returns differs between patients, and "
        "nothing shows that it means anything. Judge the model with evaluate()."
    )


def _beyond(late: Floats, last: float) -> str:
    asked = first_few([float(f"{time:g}") for time in late])
    return (
        f"Survival at {asked} is not known: the last event of the training patients was at "
        f"{last:g}, and curves stay there as they were then. Ask for earlier times."
    )
