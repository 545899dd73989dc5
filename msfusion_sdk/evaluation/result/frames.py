"""Predictions and contributions as tables for people and for Parquet."""

from collections.abc import Mapping, Sequence

import pandas as pd

from msfusion_sdk.evaluation.crossfit.baselines import Baseline
from msfusion_sdk.evaluation.metrics.predictions import Predictions

__all__ = ["contributions_table", "predictions_table"]


def predictions_table(out_of_fold: Mapping[str, Sequence[Predictions | str]]) -> pd.DataFrame:
    """Return a row per model and test patient, with fold, outcome and prediction."""
    parts = [
        pd.DataFrame({"patient_id": one.patient_ids, **one.columns()}).assign(
            model=name, fold=number
        )
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
