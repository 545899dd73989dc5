"""Classes from several modalities: tables in, probabilities out."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.errors import DegenerateSplitError, TableError
from msfusion_sdk.fusion.estimators.fitted import FittedFusion, fit_fusion, shown_weights
from msfusion_sdk.fusion.estimators.saving import load_estimator, save_estimator
from msfusion_sdk.fusion.inputs.inputs import AdapterChoice, Tables
from msfusion_sdk.fusion.inputs.targets import ClassTarget
from msfusion_sdk.fusion.strategies.strategies import Base, Strategy
from msfusion_sdk.tables.frames import patient_table

__all__ = ["FusionClassifier"]


class FusionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # untyped
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

    Notes
    -----
    Classes count as often as they occur in training; nothing is reweighted, so that the
    probabilities have the prevalence of the training patients.
    """

    def __init__(
        self,
        *,
        fusion: Strategy = "concat",
        base: Base = "linear",
        adapters: AdapterChoice | None = None,
        random_state: int = 0,
    ) -> None:
        self.fusion = fusion
        self.base = base
        self.adapters = adapters
        self.random_state = random_state

    def fit(self, X: Tables, y: "pd.Series[Any]") -> Self:  # noqa: N803
        """Learn from the patients in ``y``; other rows of the tables are not looked at.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
        y : Series indexed by patient_id
            The class of each patient: text, whole numbers or booleans.

        Raises
        ------
        TableError
            When tables or classes cannot be used; the subclass says why.
        MissingModalityError
            When a table has none of the patients, or a patient is in no table.
        DegenerateSplitError
            When there is one class only, or a class has too few patients.
        """
        labels = _require_classes(y)
        classes, codes = np.unique(labels.to_numpy(), return_inverse=True)
        if len(classes) < 2:
            msg = (
                f"A classifier needs two classes or more, and all {len(labels)} patients are "
                f"{classes.tolist()}. Give more patients, or other folds."
            )
            raise DegenerateSplitError(msg)
        target = ClassTarget(codes.astype(np.intp), len(classes))
        fitted, _ = fit_fusion(
            X,
            labels,
            target,
            strategy=self.fusion,
            base=self.base,
            choice=self.adapters,
            seed=self.random_state,
        )
        return self._set_fitted(fitted, classes, target.log_prior, list(labels.index))

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
        logits = scores + self.log_prior_
        chances = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        return pd.DataFrame(chances, index=ids, columns=pd.Index(self.classes_, name="class"))

    def predict(self, X: Tables) -> "pd.Series[Any]":  # noqa: N803
        """Return the most probable class of every patient in ``X``."""
        chances = self.predict_proba(X)
        likeliest = self.classes_[chances.to_numpy().argmax(axis=1)]
        return pd.Series(likeliest, index=chances.index, name="class")

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
        centred = added - added.mean(axis=2, keepdims=True)
        return pd.DataFrame(centred.reshape(len(ids), -1), index=ids, columns=names)

    def save(self, folder: str | Path) -> Path:
        """Write ``config.json`` and ``model.safetensors`` to ``folder`` and return it; no pickle.

        Raises
        ------
        StoreError
            When the folder cannot be written.
        """
        check_is_fitted(self)
        learned = {"training_ids": self.training_ids_, "classes": self.classes_.tolist()}
        arrays = {"log_prior": self.log_prior_}
        return save_estimator(Path(folder), self, self.fitted_, arrays, learned)

    @classmethod
    def load(cls, folder: str | Path, *, adapters: AdapterChoice | None = None) -> Self:
        """Return the estimator that ``save`` wrote.

        Parameters
        ----------
        folder : path
            That ``save`` wrote.
        adapters : mapping of table name to adapter, optional
            For tables whose adapters are not registered on this machine.

        Raises
        ------
        WeightsError
            One of its subclasses, when the folder is damaged or holds something else.
        PluginError
            When an adapter is not registered.
        """
        estimator, fitted, arrays, learned = load_estimator(cls, Path(folder), adapters)
        classes, ids = np.array(learned["classes"]), learned["training_ids"]
        return estimator._set_fitted(fitted, classes, arrays["log_prior"], ids)

    def _set_fitted(
        self, fitted: FittedFusion, classes: Any, log_prior: Any, ids: list[str]
    ) -> Self:
        self.fitted_, self.classes_, self.log_prior_ = fitted, classes, log_prior
        self.training_ids_, self.weights_ = ids, shown_weights(fitted)
        return self


def _require_classes(y: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the classes sorted by patient id, text as text."""
    labels = patient_table(y.rename("class").to_frame())["class"].sort_index()
    missing = labels.index[labels.isna()]
    if len(missing):
        msg = (
            f"{len(missing)} of {len(labels)} patients have no class (first: "
            f"{', '.join(missing[:3])}). Leave them out of y."
        )
        raise TableError(msg)
    values = labels.to_list()
    kinds = sorted({type(value).__name__ for value in values})
    if len(kinds) > 1 or not isinstance(values[0], str | int | bool):
        msg = (
            f"Classes must all be text, whole numbers or booleans, and are {', '.join(kinds)} "
            f"(first: {values[:3]}). Convert them, for example with y.astype(str)."
        )
        raise TableError(msg)
    return pd.Series(values, index=labels.index, name="class")
