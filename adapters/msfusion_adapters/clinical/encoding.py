"""Tidy clinical columns to numbers by scikit-learn, and back from a file without pickle."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from msfusion_adapters.clinical.plan import MISSING, ColumnPlan

__all__ = ["encoder_arrays", "make_encoder", "restore_encoder"]

# What fitting puts into the parts, by group, step and attribute.
_LEARNED = (
    ("numbers", "fill", "statistics_"),
    ("numbers", "scale", "mean_"),
    ("numbers", "scale", "scale_"),
    ("levels", "centre", "mean_"),
    ("gaps", "centre", "mean_"),
)


def make_encoder(plans: Sequence[ColumnPlan]) -> ColumnTransformer:
    """Return an unfitted transformer for tidy tables of these columns.

    Numbers, stages and other ordinals are filled with the median and standardised.  Levels
    become 0 or 1, a pair of levels one column, and like the marks of gaps are centred but
    not scaled: a rare level would otherwise weigh more than a common one.
    """
    levels = [plan for plan in plans if plan.role == "categorical"]
    numbers = [plan.name for plan in plans if plan.role != "categorical"]
    gaps = [f"{p.name}={MISSING}" for p in plans if p.role != "categorical" and p.has_gaps]
    one_hot = OneHotEncoder(
        categories=[np.array(plan.levels, dtype=object) for plan in levels],
        drop="if_binary",
        sparse_output=False,
        feature_name_combiner=_level_name,
    )
    fill, scale = SimpleImputer(strategy="median"), StandardScaler()
    groups = [
        ("numbers", [("fill", fill), ("scale", scale)], numbers),
        ("levels", [("one_hot", one_hot), ("centre", _centre())], [plan.name for plan in levels]),
        ("gaps", [("centre", _centre())], gaps),
    ]
    return ColumnTransformer(
        [(name, Pipeline(steps), columns) for name, steps, columns in groups if columns],
        verbose_feature_names_out=False,
    )


def encoder_arrays(encoder: ColumnTransformer) -> dict[str, NDArray[np.float64]]:
    """Return what the parts of a fitted transformer learned, by ``group_attribute``."""
    groups = encoder.named_transformers_
    return {
        f"{group}_{attribute}": getattr(groups[group].named_steps[step], attribute)
        for group, step, attribute in _LEARNED
        if group in groups
    }


def restore_encoder(
    plans: Sequence[ColumnPlan], arrays: Mapping[str, NDArray[np.float64]]
) -> ColumnTransformer:
    """Return the fitted transformer that ``encoder_arrays`` described."""
    # Fitting on two rows lays the wires between the parts; their numbers then come from the file.
    columns: dict[str, Any] = {}
    for plan in plans:
        if plan.role == "categorical":
            columns[plan.name] = [plan.levels[0], plan.levels[1]]
        else:
            columns[plan.name] = [0.0, 1.0]
            columns[f"{plan.name}={MISSING}"] = [0.0, 1.0]
    encoder = make_encoder(plans).fit(pd.DataFrame(columns))
    for group, step, attribute in _LEARNED:
        if group in encoder.named_transformers_:
            part = encoder.named_transformers_[group].named_steps[step]
            setattr(part, attribute, np.array(arrays[f"{group}_{attribute}"]))
    return encoder


def _centre() -> StandardScaler:
    return StandardScaler(with_std=False)


def _level_name(column: str, level: str) -> str:
    return f"{column}={level}"
