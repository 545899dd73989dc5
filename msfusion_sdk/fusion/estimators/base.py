"""What the estimators share: fitting, contributions, saving and loading."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.arrays import Floats
from msfusion_sdk.bags.learned import LearnedAttention
from msfusion_sdk.errors import TableError
from msfusion_sdk.fusion.estimators.fitted import FittedFusion, fit_fusion, shown_weights
from msfusion_sdk.fusion.estimators.patch_shares import attention_of
from msfusion_sdk.fusion.estimators.saving import load_estimator, save_estimator
from msfusion_sdk.fusion.inputs.inputs import AdapterChoice, Tables, rows_of_all
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.strategies.fuser import Arrays
from msfusion_sdk.fusion.strategies.strategies import Base, Strategy
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.tables.by_name import check_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FusionEstimator", "wrong_kind"]

LEAST_TO_RECALIBRATE = 10


class FusionEstimator(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """Several tables, any of which a patient may lack, and one outcome."""

    fitted_: FittedFusion
    arrays_: Mapping[str, Any]
    learned_: Mapping[str, Any]
    training_ids_: list[str]
    weights_: "pd.Series[float] | None"

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

    def fit(self, X: Tables, y: "pd.DataFrame | pd.Series[Any] | Outcome") -> Self:  # noqa: N803
        """Learn from the patients in ``y``; other rows of the tables are not looked at.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
        y : DataFrame or Series indexed by patient_id
            For survival ``time`` (at least 0) and ``event`` (True = observed), which may also come
            in a structured array; its rows belong to those of the tables, which must then all hold
            the same patients in the same order.  Otherwise the class of each patient (text, whole
            numbers or booleans), or a number each.

        Raises
        ------
        InputTypeError
            When ``X`` is not a mapping of DataFrames; the message has the right call.
        TableError
            When tables or outcomes cannot be used; the subclass says why.
        MissingModalityError
            When a table has none of the patients, or a patient is in no table.
        DegenerateSplitError
            When there are too few events, one class only, or too few patients of a class.
        """
        tables = check_tables(X)
        target = self._target(tables, y)
        fitted, held_out = fit_fusion(
            tables,
            target,
            strategy=self.fusion,
            base=self.base,
            choice=self.adapters,
            seed=self.random_state,
        )
        # From out-of-fold scores: those of patients that were learned from flatter the model.
        arrays, learned = self._beside(held_out, target)
        ids = list(target.outcome.patient_ids)
        return self._set_fitted(fitted, arrays, {"training_ids": ids, **learned})

    @property
    def attention_(self) -> LearnedAttention:
        """The attention over patches that ``fit`` learned, for ``SlideEncoder.with_attention``.

        Raises
        ------
        TableError
            When no table of patches was learned from.
        """
        check_is_fitted(self)
        return attention_of(self.fitted_)[1]

    def recalibrated(self, X: Tables, y: "pd.DataFrame | pd.Series[Any] | Outcome") -> Self:  # noqa: N803
        """Return a copy whose predictions are as frequent as ``y`` says; who comes first stays.

        Survival gets a new baseline and slope, classes a new slope and offsets.  The patients in
        ``y`` are among the ``training_ids_`` of the copy: its calibration is judged on others.

        Parameters
        ----------
        X, y
            As in :meth:`fit`, of new patients; for classes each class of training must be there.

        Raises
        ------
        DegenerateSplitError
            When there are fewer than 10 events, or patients of a class.
        TableError, MissingModalityError
            As :meth:`fit` does.
        """
        check_is_fitted(self)
        tables = check_tables(X, known=self.fitted_.adapters)
        target = self._target(tables, y)
        target.outcome.require("Recalibration", LEAST_TO_RECALIBRATE)
        ids, scores = self.fitted_.scores(rows_of_all(tables, target.outcome.patient_ids))
        rows = ids.get_indexer(target.outcome.index)
        arrays = {**self.arrays_, **self._rescaled(scores[rows], target)}
        both = [*self.training_ids_, *target.outcome.patient_ids]
        learned = {**self.learned_, "training_ids": list(dict.fromkeys(both))}
        # Not clone(), whose adapters would be of no use.
        made = type(self)(**self.get_params(deep=False))
        return made._set_fitted(self.fitted_, arrays, learned)

    def save(self, folder: str | Path) -> Path:
        """Write ``config.json`` and ``model.safetensors`` to ``folder`` and return it; no pickle.

        Raises
        ------
        StoreError
            When the folder cannot be written.
        """
        check_is_fitted(self)
        return save_estimator(Path(folder), self, self.fitted_, self.arrays_, self.learned_)

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
        return estimator._set_fitted(fitted, arrays, learned)

    def _predicted_for(self, X: Tables, y: Any) -> "tuple[pd.Series[Any], Outcome]":  # noqa: N803
        """Return what ``predict`` says of the patients in ``y``, in the order of their outcome."""
        check_is_fitted(self)
        tables = check_tables(X, known=self.fitted_.adapters)
        outcome = self._target(tables, y).outcome
        # By id: the rows of tables and outcomes have orders of their own.
        predicted = self.predict(rows_of_all(tables, outcome.patient_ids))
        return predicted.loc[list(outcome.patient_ids)], outcome

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.dict, tags.input_tags.two_d_array = True, False
        return tags

    @abstractmethod
    def predict(self, X: Tables) -> "pd.Series[Any]":  # noqa: N803
        """Return one prediction for every patient in ``X``: a risk, a class or a number."""

    @abstractmethod
    def score(self, X: Tables, y: Any) -> float:  # noqa: N803
        """Return how good ``predict`` is on the patients in ``y``; higher is better.

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
        """

    @abstractmethod
    def _target(self, tables: Tables, y: Any) -> Target:
        """Return what can be learned from ``y``, or refuse it."""

    @abstractmethod
    def _beside(self, held_out: Floats, target: Any) -> tuple[Arrays, dict[str, Any]]:
        """Return what out-of-fold scores tell beside the fuser: arrays, and plain JSON."""

    @abstractmethod
    def _rescaled(self, scores: Floats, target: Any) -> Arrays:
        """Return what of ``_beside`` recalibration changes, learned from scores of new patients."""

    @abstractmethod
    def _become(self, arrays: Mapping[str, Any], learned: Mapping[str, Any]) -> None:
        """Set the attributes that ``_beside`` describes."""

    def _set_fitted(
        self, fitted: FittedFusion, arrays: Mapping[str, Any], learned: Mapping[str, Any]
    ) -> Self:
        self.fitted_, self.arrays_, self.learned_ = fitted, arrays, learned
        self.training_ids_, self.weights_ = list(learned["training_ids"]), shown_weights(fitted)
        self._become(arrays, learned)
        return self


def wrong_kind(found: Outcome, instead: Mapping[str, str], wanted: str) -> TableError:
    """Return the error of an estimator that was given outcomes of another kind.

    Parameters
    ----------
    found : Outcome
    instead : mapping of kind to estimator
        That takes such outcomes.
    wanted : str
        What this one takes.
    """
    return TableError(f"y holds {found.holds}. Use {instead[found.kind]}, or give {wanted}.")
