"""Predictions and contributions as tables for people and for Parquet."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from msfusion_sdk.evaluation.crossfit.baselines import Baseline
from msfusion_sdk.evaluation.metrics.predictions import Judged, JudgedSurvival

__all__ = ["contributions_table", "predictions_table"]


def predictions_table(judged: Mapping[str, Sequence[Judged | str]]) -> pd.DataFrame:
    """Return a row per model and test patient, with fold, outcome and prediction."""
    parts = [
        _rows(one).assign(model=name, fold=number)
        for name, entries in judged.items()
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


def _rows(judged: Judged) -> pd.DataFrame:
    if isinstance(judged, JudgedSurvival):
        columns = {
            "patient_id": judged.patient_ids,
            "time": judged.time,
            "event": judged.event,
            "risk": judged.risk,
            "high_risk": judged.risk > np.median(judged.train_risk),
            "survival": list(judged.survival),
        }
        return pd.DataFrame(columns)
    chances = {f"proba_{name}": judged.proba[:, k] for k, name in enumerate(judged.classes)}
    labels = [judged.classes[code] for code in judged.codes]
    return pd.DataFrame({"patient_id": judged.patient_ids, "class": labels, **chances})
