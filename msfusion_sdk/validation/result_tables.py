"""The tables of an external validation, each from predictions and views."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.crossfit.inputs import with_values
from msfusion_sdk.evaluation.metrics.intervals import Interval
from msfusion_sdk.evaluation.metrics.metric import Metric
from msfusion_sdk.evaluation.metrics.predictions import Predictions
from msfusion_sdk.shift.compare import find_shifts
from msfusion_sdk.study.training_record import TrainingRecord
from msfusion_sdk.validation.measures.draws import Draws, measured, value_with_interval
from msfusion_sdk.validation.subgroups import LEAST_IN_GROUP, groups_of
from msfusion_sdk.validation.views import View, calibration_groups

__all__ = [
    "availability_table",
    "decision_table",
    "group_table",
    "large_table",
    "performance_table",
    "shift_table",
    "subgroup_table",
]

NO_VALUE = Interval(float("nan"), None, None)


def performance_table(
    metrics: Sequence[Metric[Any]], predictions: Predictions, draws: Draws
) -> pd.DataFrame:
    """Return a row per metric with its interval, or the reason why it has no value."""
    rows = []
    for metric in metrics:
        found, reason = NO_VALUE, ""
        try:
            found = measured(metric, predictions, draws)
        except DegenerateSplitError as error:
            reason = str(error)
        rows.append((metric.name, metric.label, metric.best, *found, reason))
    columns = ["metric", "label", "best", "value", "lower", "upper", "reason"]
    return pd.DataFrame(rows, columns=columns)


def large_table(views: Sequence[View], predictions: Predictions, draws: Draws) -> pd.DataFrame:
    """Return calibration in the large of each view."""
    rows = []
    for view in views:
        row: dict[str, Any] = {"view": view.name}
        try:
            found = view.in_the_large(predictions)
        except DegenerateSplitError as error:
            rows.append(row | {"reason": str(error)})
            continue
        row |= {"observed": found.observed, "expected": found.expected}
        row |= _limits("ratio", lambda p, v=view: v.in_the_large(p).ratio, predictions, draws)
        if found.intercept is not None:
            row |= _limits("intercept", lambda p, v=view: _intercept(v, p), predictions, draws)
        rows.append(row | {"reason": ""})
    names = ("ratio", "intercept")
    limits = [f"{name}{end}" for name in names for end in ("", "_lower", "_upper")]
    return pd.DataFrame(rows, columns=["view", "observed", "expected", *limits, "reason"])


def group_table(views: Sequence[View], predictions: Predictions) -> pd.DataFrame:
    """Return the groups of similar prediction of all views."""
    return pd.concat([calibration_groups(view, predictions) for view in views], ignore_index=True)


def decision_table(views: Sequence[View], predictions: Predictions) -> pd.DataFrame:
    """Return the decision curves of all views that have one."""
    found = []
    for view in views:
        try:
            curve = view.decision(predictions)
        except DegenerateSplitError:
            continue
        curve.insert(0, "view", view.name)
        found.append(curve)
    columns = ["view", "threshold", "model", "all", "none"]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)


def subgroup_table(
    columns: Mapping[str, "pd.Series[Any]"],
    metric: Metric[Any],
    view: View,
    predictions: Predictions,
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Return a row per group: how many, the main metric, and observed over expected."""
    rows = []
    for name, column in columns.items():
        values = column.reindex(predictions.outcome.index)
        for group, mask in groups_of(values).items():
            part = predictions.take(np.flatnonzero(mask))
            counts = np.bincount(part.outcome.strata, minlength=len(part.outcome.stratum_names))
            scarcest = int(counts[list(part.outcome.needed)].min())
            row = {"column": name, "group": group, "patients": int(mask.sum()), "events": scarcest}
            rows.append(row | _in_group(metric, view, part, scarcest, bootstrap, seed))
    names = ["column", "group", "patients", "events", "value", "lower", "upper", "ratio", "reason"]
    return pd.DataFrame(rows, columns=names)


def availability_table(
    record: TrainingRecord, tables: Mapping[str, pd.DataFrame], patients: int
) -> pd.DataFrame:
    """Return who has which modality, here and in training."""
    rows = []
    for name, count in record.modalities.items():
        here = len(with_values(tables[name])) if name in tables else 0
        rows.append((name, here, here / patients, count / record.patients))
    return pd.DataFrame(rows, columns=["modality", "patients", "share", "share_training"])


def shift_table(profile: pd.DataFrame | None, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return in which ways the tables are unlike training; no row when that is not known."""
    found = [] if profile is None else find_shifts(profile, tables)
    rows = [(s.table, s.kind, ", ".join(s.columns), s.text) for s in found]
    return pd.DataFrame(rows, columns=["table", "kind", "columns", "text"])


def _in_group(
    metric: Metric[Any], view: View, part: Predictions, scarcest: int, bootstrap: int, seed: int
) -> dict[str, Any]:
    if scarcest < LEAST_IN_GROUP:
        return {"reason": f"fewer than {LEAST_IN_GROUP} {part.outcome.counted}"}
    try:
        found = measured(metric, part, Draws(part.outcome.strata, bootstrap, seed))
        row: dict[str, Any] = {"value": found.value, "lower": found.lower, "upper": found.upper}
        row["ratio"] = view.in_the_large(part).ratio
    except DegenerateSplitError as error:
        return {"reason": str(error)}
    return row | {"reason": ""}


def _limits(name: str, value: Any, predictions: Predictions, draws: Draws) -> dict[str, Any]:
    found = value_with_interval(value, predictions, draws)
    return {name: found.value, f"{name}_lower": found.lower, f"{name}_upper": found.upper}


def _intercept(view: View, predictions: Predictions) -> float:
    found = view.in_the_large(predictions).intercept
    assert found is not None
    return found
