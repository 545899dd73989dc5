"""Survival from several modalities: tables in, risks and survival curves out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import IdMismatchError
from msfusion_sdk.fusion.estimators.base import FusionEstimator, wrong_kind
from msfusion_sdk.fusion.estimators.survival_curves import SurvivalCurves
from msfusion_sdk.fusion.inputs.inputs import Tables
from msfusion_sdk.fusion.inputs.targets import SurvivalTarget
from msfusion_sdk.fusion.strategies.fuser import Arrays
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome, survival_outcome
from msfusion_sdk.survival.checks import require_horizons
from msfusion_sdk.survival.metrics.concordance import concordance_index

__all__ = ["FusionSurvival"]

_INSTEAD = {"class": "FusionClassifier", "number": "FusionRegressor"}


class FusionSurvival(FusionEstimator):
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

    def predict(self, X: Tables) -> "pd.Series[float]":  # noqa: N803
        """Return what :meth:`predict_risk` does: higher = earlier event."""
        return self.predict_risk(X)

    def score(self, X: Tables, y: Any) -> float:  # noqa: N803
        """Return Harrell's concordance of the risks with what happened: 0.5 is chance, 1 the best.

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
            When no two patients can be compared.
        """
        risk, outcome = self._predicted_for(X, y)
        assert isinstance(outcome, SurvivalOutcome)
        return concordance_index(**outcome.arrays, risk=risk)

    def predict_survival(self, X: Tables, times: ArrayLike) -> pd.DataFrame:  # noqa: N803
        """Return the chance of no event up to each time: a row per patient, a column per time.

        Parameters
        ----------
        X : mapping of table name to DataFrame indexed by patient_id
            Any of the tables of training.
        times : shape (time,), ascending, or one number
            In the unit of training.

        Raises
        ------
        ShapeError
            When times are none, not finite or do not ascend.
        TableError
            When a table is new, or has other columns than in training.
        MissingModalityError
            When a patient has no modality; the message names them.
        """
        check_is_fitted(self)
        horizons = require_horizons(times)
        ids, scores = self.fitted_.scores(X)
        columns = pd.Index(horizons, name="time")
        return pd.DataFrame(self.curves_.survival(scores, horizons), index=ids, columns=columns)

    def modality_contributions(self, X: Tables) -> pd.DataFrame:  # noqa: N803
        """Return what each table adds to the risk: a row per patient, a column per table.

        The risk minus the risk of the same patient without the table; the risk itself where it is
        the patient's only one; NaN where the patient lacks it.
        """
        check_is_fitted(self)
        ids, added = self.fitted_.contributions(X)
        return pd.DataFrame(added[:, :, 0], index=ids, columns=pd.Index(self.fitted_.adapters))

    def _target(self, tables: Tables, y: Any) -> SurvivalTarget:
        # A structured array has no ids, so its rows have to be those of the tables.
        if isinstance(y, np.ndarray) and y.dtype.names:
            y = survival_outcome(y, _ids_of_rows(tables, len(y)))
        outcome = read_outcome(y)
        if not isinstance(outcome, SurvivalOutcome):
            raise wrong_kind(outcome, _INSTEAD, "a DataFrame with 'time' and 'event'")
        return SurvivalTarget(outcome)

    def _beside(self, held_out: Floats, target: SurvivalTarget) -> tuple[Arrays, dict[str, Any]]:
        return SurvivalCurves.learn(held_out, target).arrays(), {}

    def _rescaled(self, scores: Floats, target: SurvivalTarget) -> Arrays:
        return SurvivalCurves.learn(scores, target).arrays()

    def _become(self, arrays: Mapping[str, Any], learned: Mapping[str, Any]) -> None:
        self.curves_ = SurvivalCurves.from_arrays(arrays)


def _ids_of_rows(tables: Tables, rows: int) -> tuple[str, ...]:
    """Return the patient ids that the rows of a structured array belong to."""
    orders = {tuple(table.index) for table in tables.values()}
    if len(orders) != 1 or len(next(iter(orders))) != rows:
        found = ", ".join(f"{name} {len(table)}" for name, table in tables.items())
        msg = (
            f"An array of {rows} outcomes without ids needs tables of the same {rows} patients in "
            f"the same order (found rows: {found or 'none'}). Give y as a DataFrame indexed by "
            "patient_id."
        )
        raise IdMismatchError(msg)
    return next(iter(orders))
