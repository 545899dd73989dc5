"""Classes from several modalities: tables in, probabilities out."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError, TableError
from msfusion_sdk.fusion.estimators.base import FusionEstimator, wrong_kind
from msfusion_sdk.fusion.estimators.recalibration import fit_recalibration
from msfusion_sdk.fusion.inputs.inputs import Tables, rows_of_all
from msfusion_sdk.fusion.inputs.targets import ClassTarget
from msfusion_sdk.fusion.strategies.fuser import Arrays
from msfusion_sdk.outcomes.classes import ClassOutcome, class_column
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.by_name import check_tables

__all__ = ["FusionClassifier"]


_INSTEAD = {
    "survival": "FusionSurvival",
    "number": "FusionRegressor (or y.astype(int) where whole numbers stand for classes)",
}


class FusionClassifier(ClassifierMixin, FusionEstimator):  # type: ignore[misc]  # untyped
    """Class probabilities from several tables, any of which a patient may lack.

    Parameters
    ----------
    fusion, base, adapters, random_state
        As in :class:`~msfusion_sdk.fusion.estimators.survival.FusionSurvival`, with ridge logistic
        regressions in place of ridge Cox models.

    Attributes
    ----------
    classes_ : array of str, int or bool
        Sorted; the columns of ``predict_proba``.
    training_ids_ : list of str
        Patients that were learned from.
    weights_ : Series by table, or None
        By which the log-odds of decision-level experts are multiplied.
    slope_ : float
        By which all log-odds are multiplied: 1 unless the model was recalibrated.

    Notes
    -----
    Classes count as often as they occur in training; nothing is reweighted, so that the
    probabilities have the prevalence of the training patients.
    """

    def predict_proba(self, X: Tables) -> pd.DataFrame:  # noqa: N803
        """Return the probability of each class: a row per patient, a column per class.

        Raises
        ------
        TableError
            When a table is new, or has other columns than in training.
        MissingModalityError
            When a patient has no modality; the message names them.
        """
        check_is_fitted(self)
        ids, scores = self.fitted_.scores(X)
        # Scores are beyond the shares of the classes in training: here these come back.
        logits = self.slope_ * scores + self.log_prior_
        chances = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        return pd.DataFrame(chances, index=ids, columns=pd.Index(self.classes_, name="class"))

    def predict(self, X: Tables) -> "pd.Series[Any]":  # noqa: N803
        """Return the most probable class of every patient in ``X``."""
        chances = self.predict_proba(X)
        likeliest = self.classes_[chances.to_numpy().argmax(axis=1)]
        return pd.Series(likeliest, index=chances.index, name="class")

    def score(self, X: Tables, y: Any) -> float:  # noqa: N803
        """Return the accuracy: the share of the patients in ``y`` whose class is predicted.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
            Patients who are not in ``y`` are not looked at.
        y : as in :meth:`fit`
            Each of its patients must be in a table.  One class may be all there is.

        Raises
        ------
        MissingModalityError
            When a patient of ``y`` is in no table.
        TableError
            When a class was not there in training: it may be spelt otherwise, or be ``"1"`` for 1.
        """
        check_is_fitted(self)
        tables = check_tables(X, known=self.fitted_.adapters)
        truth = known_classes(y, self.classes_.tolist())
        predicted = self.predict(rows_of_all(tables, list(truth.index))).loc[truth.index]
        return float(np.mean(predicted.to_numpy(object) == truth.to_numpy(object)))

    def modality_contributions(self, X: Tables) -> pd.DataFrame:  # noqa: N803
        """Return what each table adds to the score: columns (table, class), a row per patient.

        The score of a class is its log-probability less the logarithm of its share in training,
        up to a number that is the same for all classes.  A contribution is the score minus that
        of the same patient without the table; the score itself where it is the patient's only
        one; NaN where the patient lacks it.
        """
        check_is_fitted(self)
        ids, added = self.fitted_.contributions(X)
        names = pd.MultiIndex.from_product(
            [list(self.fitted_.adapters), self.classes_.tolist()], names=["table", "class"]
        )
        # Only differences between classes mean anything; the level is free.
        centred = added - added.mean(axis=2, keepdims=True)
        return pd.DataFrame(centred.reshape(len(ids), -1), index=ids, columns=names)

    def _target(self, tables: Tables, y: Any) -> ClassTarget:
        outcome = read_outcome(y)
        if not isinstance(outcome, ClassOutcome):
            raise wrong_kind(outcome, _INSTEAD, "a Series of classes")
        return ClassTarget(outcome)

    def _beside(self, held_out: Floats, target: ClassTarget) -> tuple[Arrays, dict[str, Any]]:
        return {"log_prior": target.log_prior}, {"classes": list(target.outcome.classes)}

    def _become(self, arrays: Mapping[str, Any], learned: Mapping[str, Any]) -> None:
        self.classes_, self.log_prior_ = np.array(learned["classes"]), arrays["log_prior"]
        self.slope_ = float(arrays["slope"][0]) if "slope" in arrays else 1.0

    def _rescaled(self, scores: Floats, target: ClassTarget) -> Arrays:
        if target.outcome.classes != tuple(self.classes_.tolist()):
            msg = (
                f"Recalibration needs every class of training ({first_few(self.classes_, 10)}), "
                f"and y holds {first_few(target.outcome.classes, 10)}. Give patients of each."
            )
            raise DegenerateSplitError(msg)
        logits = self.slope_ * scores + self.log_prior_
        slope, offsets = fit_recalibration(logits, target.outcome.codes)
        return {
            "log_prior": slope * self.log_prior_ + offsets,
            "slope": np.array([slope * self.slope_]),
        }


def known_classes(y: Any, known: Collection[Any]) -> "pd.Series[Any]":
    """Return the classes in ``y`` by patient_id, all of them among ``known``.

    Raises
    ------
    TableError
        When one is not.
    """
    # Not as an outcome, which needs two classes to be learned from: one can be judged.
    is_column = isinstance(y, pd.Series) and not pd.api.types.is_float_dtype(y)
    outcome = None if is_column else read_outcome(y)
    if outcome is not None and not isinstance(outcome, ClassOutcome):
        raise wrong_kind(outcome, _INSTEAD, "a Series of classes")
    truth = class_column(y) if outcome is None else outcome.labels()
    if truth.empty:
        msg = "y holds no patient, so there is nothing to judge. Give patients with a class."
        raise DegenerateSplitError(msg)
    unknown = [name for name in truth.unique() if name not in known]
    if unknown:
        msg = (
            f"y holds classes that the model does not know: {first_few(unknown)} (known: "
            f"{first_few(known, 10)}). Write them as in training."
        )
        raise TableError(msg)
    return truth
