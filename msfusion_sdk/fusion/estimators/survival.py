"""Survival from several modalities: tables in, risks and survival curves out."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.errors import IdMismatchError
from msfusion_sdk.fusion.estimators.fitted import FittedFusion, fit_fusion, shown_weights
from msfusion_sdk.fusion.estimators.saving import load_estimator, save_estimator
from msfusion_sdk.fusion.estimators.survival_curves import SurvivalCurves
from msfusion_sdk.fusion.inputs.inputs import AdapterChoice, Tables
from msfusion_sdk.fusion.inputs.targets import SurvivalTarget
from msfusion_sdk.fusion.strategies.strategies import Base, Strategy
from msfusion_sdk.outcomes.survival import survival_outcome
from msfusion_sdk.tables.frames import patient_table

__all__ = ["FusionSurvival"]


class FusionSurvival(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Risk of an event from several tables, any of which a patient may lack.

    Parameters
    ----------
    fusion : str
        Decision level, one expert per table: ``"average"``, ``"stacking"``,
        ``"product_of_experts"`` (see :mod:`~msfusion_sdk.fusion.strategies.decision`).  Before
        the decision: ``"concat"``, ``"gated"``, ``"low_rank"``, ``"attention"``
        (see :mod:`~msfusion_sdk.fusion.networks.layers`).
    base : {"linear", "mlp"}
        Ridge Cox models and embeddings of one layer, or networks of two layers.
    adapters : mapping of table name to adapter, optional
        The registered name of an adapter, or an adapter with settings of its own.  A table that
        is not named here uses the adapter registered under its own name, else ``table``.
    random_state : int
        Equal ones give equal results on one machine.

    Attributes
    ----------
    training_ids_ : list of str
        Patients that were learned from; scores of theirs flatter the model.
    weights_ : Series by table, or None
        By which the log-hazards of decision-level experts are multiplied.

    Notes
    -----
    The defaults were chosen by nested validation: five inner folds in the training part of each of
    the five published folds of TCGA-BRCA, GBMLGG, LUAD, KIRC and KIRP (age, sex, tumour code,
    expression, copy number, mutations), with one setting for all.  Mean concordance there: one
    ridge model of all columns 0.745; the sum of a clinical and an omics model 0.738, both stacked
    0.736; one model per table, stacked 0.735, added 0.719.  Keeping 50 principal components lost
    0.008, and choosing the penalty by cross-validation in each fit lost 0.009.

    On the published folds the default reached 0.758 over the five cohorts; with the published
    slide risks 0.725 over the first three.  ``python benchmarks/tcga_late_fusion.py --data DATA``
    prints every strategy beside published figures.  Genes came from
    ``GenomicsAdapter(n_components=None, clip=2.0)``: the ridge model wants all columns.
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

    def fit(self, X: Tables, y: pd.DataFrame | NDArray[np.void]) -> Self:  # noqa: N803
        """Learn from the patients in ``y``; other rows of the tables are not looked at.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
        y : DataFrame indexed by patient_id, or structured array
            ``time`` (at least 0) and ``event`` (True = observed).  The rows of an array belong to
            those of the tables, which must then all hold the same patients in the same order.

        Raises
        ------
        TableError
            When tables or outcomes cannot be used; the subclass says why.
        MissingModalityError
            When a table has none of the patients, or a patient is in no table.
        DegenerateSplitError
            When there are too few events.
        """
        labels = survival_outcome(y)
        ids = (
            _ids_of_rows(X, len(labels.time)) if labels.patient_ids is None else labels.patient_ids
        )
        columns = {"time": labels.time, "event": labels.event}
        outcome = pd.DataFrame(columns, index=pd.Index(ids, name="patient_id")).sort_index()
        target = SurvivalTarget(
            outcome["time"].to_numpy(copy=True), outcome["event"].to_numpy(copy=True)
        )
        fitted, held_out = fit_fusion(
            X,
            outcome,
            target,
            strategy=self.fusion,
            base=self.base,
            choice=self.adapters,
            seed=self.random_state,
        )
        return self._set_fitted(fitted, SurvivalCurves.learn(held_out, target), list(outcome.index))

    def predict_risk(self, X: Tables) -> "pd.Series[float]":  # noqa: N803
        """Return the log-hazard of every patient in ``X``; higher = earlier event.

        Raises
        ------
        TableError
            When a table is new, or has other columns than in training.
        MissingModalityError
            When a patient has no modality; the message names them.
        """
        check_is_fitted(self)
        ids, scores = self.fitted_.scores(X)
        return pd.Series(scores[:, 0], index=ids, name="risk")

    def predict_survival(self, X: Tables, times: ArrayLike) -> pd.DataFrame:  # noqa: N803
        """Return the chance of no event up to each time: a row per patient, a column per time.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
            Any of the tables of training.
        times : shape (time,), ascending
            In the unit of training.

        Raises
        ------
        TableError
            When a table is new, or has other columns than in training.
        MissingModalityError
            When a patient has no modality; the message names them.
        """
        check_is_fitted(self)
        ids, scores = self.fitted_.scores(X)
        columns = pd.Index(np.asarray(times, np.float64), name="time")
        return pd.DataFrame(self.curves_.survival(scores, times), index=ids, columns=columns)

    def modality_contributions(self, X: Tables) -> pd.DataFrame:  # noqa: N803
        """Return what each table adds to the risk: a row per patient, a column per table.

        The risk minus the risk of the same patient without the table; the risk itself where it is
        the patient's only one; NaN where the patient lacks it.
        """
        check_is_fitted(self)
        ids, added = self.fitted_.contributions(X)
        return pd.DataFrame(added[:, :, 0], index=ids, columns=pd.Index(self.fitted_.adapters))

    def save(self, folder: str | Path) -> Path:
        """Write ``config.json`` and ``model.safetensors`` to ``folder`` and return it; no pickle.

        Raises
        ------
        StoreError
            When the folder cannot be written.
        """
        check_is_fitted(self)
        learned = {"training_ids": self.training_ids_}
        return save_estimator(Path(folder), self, self.fitted_, self.curves_.arrays(), learned)

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
        return estimator._set_fitted(
            fitted, SurvivalCurves.from_arrays(arrays), learned["training_ids"]
        )

    def _set_fitted(self, fitted: FittedFusion, curves: SurvivalCurves, ids: list[str]) -> Self:
        self.fitted_, self.curves_, self.training_ids_ = fitted, curves, ids
        self.weights_ = shown_weights(fitted)
        return self


def _ids_of_rows(tables: Tables, rows: int) -> tuple[str, ...]:
    """Return the patient ids that the rows of a structured array belong to."""
    orders = {tuple(patient_table(table).index) for table in tables.values()}
    if len(orders) != 1 or len(next(iter(orders))) != rows:
        found = ", ".join(f"{name} {len(table)}" for name, table in tables.items())
        msg = (
            f"An array of {rows} outcomes without ids needs tables of the same {rows} patients in "
            f"the same order (found rows: {found or 'none'}). Give y as a DataFrame indexed by "
            "patient_id."
        )
        raise IdMismatchError(msg)
    return next(iter(orders))
