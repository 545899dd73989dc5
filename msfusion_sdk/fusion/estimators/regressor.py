"""Numbers from several modalities: tables in, a number per patient out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.estimators.base import FusionEstimator, wrong_kind
from msfusion_sdk.fusion.inputs.inputs import Tables
from msfusion_sdk.fusion.inputs.targets import NumberTarget
from msfusion_sdk.fusion.strategies.fuser import Arrays
from msfusion_sdk.outcomes.numbers import NumberOutcome, number_outcome
from msfusion_sdk.outcomes.reading import read_outcome

__all__ = ["FusionRegressor"]

_INSTEAD = {
    "survival": "FusionSurvival",
    "class": "FusionClassifier (or y.astype(float) where classes are written as numbers)",
}


class FusionRegressor(RegressorMixin, FusionEstimator):  # type: ignore[misc]  # untyped
    """A number per patient from several tables, any of which a patient may lack.

    Parameters
    ----------
    fusion, base, adapters, random_state
        As in :class:`~msfusion_sdk.fusion.estimators.survival.FusionSurvival`, with ridge
        regressions in place of ridge Cox models, whose penalty is the likeliest noise.

    Attributes
    ----------
    centre_, spread_ : float
        Mean and standard deviation of the training patients' numbers: a score of 0 is the mean.
    training_ids_ : list of str
        Patients that were learned from; predictions of theirs flatter the model.
    weights_ : Series by table, or None
        By which the scores of decision-level experts are multiplied.
    """

    def predict(self, X: Tables) -> "pd.Series[float]":  # noqa: N803
        """Return the number of every patient in ``X``, in the unit of training.

        Raises
        ------
        TableError
            When a table is new, or has other columns than in training.
        MissingModalityError
            When a patient has no modality; the message names them.
        """
        check_is_fitted(self)
        ids, scores = self.fitted_.scores(X)
        return pd.Series(self.centre_ + self.spread_ * scores[:, 0], index=ids, name="number")

    def score(self, X: Tables, y: Any) -> float:  # noqa: N803
        """Return R², the share of the variance of ``y`` that is predicted: 1 is the best.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
            Patients who are not in ``y`` are not looked at.
        y : as in :meth:`fit`
            Each of its patients must be in a table.

        Raises
        ------
        MissingModalityError
            When a patient of ``y`` is in no table.
        DegenerateSplitError
            When all numbers are the same.
        """
        predicted, outcome = self._predicted_for(X, y)
        assert isinstance(outcome, NumberOutcome)
        return float(r2_score(outcome.values, predicted))

    def modality_contributions(self, X: Tables) -> pd.DataFrame:  # noqa: N803
        """Return what each table adds to the number: a row per patient, a column per table.

        The number minus that of the same patient without the table; the distance from the mean of
        training where it is the patient's only one; NaN where the patient lacks it.
        """
        check_is_fitted(self)
        ids, added = self.fitted_.contributions(X)
        columns = pd.Index(self.fitted_.adapters)
        return pd.DataFrame(self.spread_ * added[:, :, 0], index=ids, columns=columns)

    def _target(self, tables: Tables, y: Any) -> NumberTarget:
        # Whole numbers are classes to everybody else; whoever fits this means numbers.
        is_whole = isinstance(y, pd.Series) and pd.api.types.is_integer_dtype(y)
        outcome = number_outcome(y) if is_whole else read_outcome(y)
        if not isinstance(outcome, NumberOutcome):
            raise wrong_kind(outcome, _INSTEAD, "a Series of numbers")
        return NumberTarget.of(outcome)

    def _beside(self, held_out: Floats, target: NumberTarget) -> tuple[Arrays, dict[str, Any]]:
        return {"scale": np.array([target.centre, target.spread])}, {}

    def _rescaled(self, scores: Floats, target: NumberTarget) -> Arrays:
        values, score = target.outcome.values, scores[:, 0]
        spread = float(score.var())
        # At least 0, as for classes: who has the larger number stays.
        slope = max(0.0, float(np.cov(score, values, bias=True)[0, 1]) / spread) if spread else 0.0
        return {"scale": np.array([values.mean() - slope * score.mean(), slope])}

    def _become(self, arrays: Mapping[str, Any], learned: Mapping[str, Any]) -> None:
        self.centre_, self.spread_ = map(float, arrays["scale"])
