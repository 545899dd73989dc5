"""Predictions and contributions as tables for people and for Parquet."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from msfusion_sdk.evaluation.crossfit.baselines import Baseline
from msfusion_sdk.evaluation.metrics.predictions import Predictions, SurvivalPredictions

__all__ = ["contributions_table", "predictions_table"]


def predictions_table(out_of_fold: Mapping[str, Sequence[Predictions | str]]) -> pd.DataFrame:
    """Return a row per model and test patient, with fold, outcome and prediction."""
    parts = [
        _rows(one).assign(model=name, fold=number)
        for name, entries in out_of_fold.items()
        for number, one in enumerate(entries)
        if not isinstance(one, str)
    ]
    table = pd.concat(parts, ignore_index=True)
    first = ["model", "fold", "patient_id"]
    return table[[*first, *table.columns.drop(first)]]


def contributions_table(differences: pd.DataFrame, baselines: Sequence[Baseline]) -> pd.DataFrame:
    """Return what is lost per table when the model is refitted without it."""
    dropped = {baseline.name: baseline.dropped for baseline in baselines if baseline.dropped}
    rows = differences[differences["model"].isin(dropped)]
    table = rows.assign(table=rows["model"].map(dropped)).drop(columns=["reference", "model"])
    return table[["table", *table.columns.drop("table")]].reset_index(drop=True)


def _rows(out_of_fold: Predictions) -> pd.DataFrame:
    if isinstance(out_of_fold, SurvivalPredictions):
        columns = {
            "patient_id": out_of_fold.patient_ids,
            "time": out_of_fold.time,
            "event": out_of_fold.event,
            "risk": out_of_fold.risk,
            "high_risk": out_of_fold.risk > np.median(out_of_fold.train_risk),
            "survival": list(out_of_fold.survival),
        }
        return pd.DataFrame(columns)
    chances = {
        f"proba_{name}": out_of_fold.proba[:, k] for k, name in enumerate(out_of_fold.classes)
    }
    labels = [out_of_fold.classes[code] for code in out_of_fold.codes]
    return pd.DataFrame({"patient_id": out_of_fold.patient_ids, "class": labels, **chances})
