"""Predictions as chances of something that happened or not: a class, or an event by a time."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.predictions import (
    ClassPredictions,
    Predictions,
    SurvivalPredictions,
)
from msfusion_sdk.figures.calibration import wilson_limits
from msfusion_sdk.survival.metrics.kaplan_meier import kaplan_meier
from msfusion_sdk.validation.measures.decision_curve import (
    decision_curve_of_classes,
    decision_curve_of_survival,
)
from msfusion_sdk.validation.measures.large import (
    InTheLarge,
    classes_in_the_large,
    survival_in_the_large,
)

__all__ = ["View", "calibration_groups", "views_of"]

GROUPS = 5

Observed = tuple[float, float, float]
"""A share and its 95 % limits."""


class View(NamedTuple):
    """One question that predictions answer with a chance, and how it is looked at."""

    name: str
    chance: Callable[[Predictions], Floats]
    in_the_large: Callable[[Predictions], InTheLarge]
    decision: Callable[[Predictions], pd.DataFrame]
    observed: Callable[[Predictions, Bools], Observed]
    """Of some of the patients."""


def views_of(
    classes: Sequence[object], plan: TimePlan | None, unit: str | None = None
) -> tuple[View, ...]:
    """Return a view per horizon; of two classes the positive one; of more, each."""
    if plan is not None:
        return tuple(_by_horizon(plan, horizon, unit) for horizon in plan.horizons)
    shown = range(1, 2) if len(classes) == 2 else range(len(classes))
    return tuple(_by_class(code, classes[code]) for code in shown)


def calibration_groups(view: View, predictions: Predictions) -> pd.DataFrame:
    """Return predicted beside observed in groups of about equal size of similar prediction."""
    chance = view.chance(predictions)
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, GROUPS + 1)[1:-1]))
    place = np.searchsorted(edges, chance, side="left")
    rows = []
    for number in np.unique(place):
        part = place == number
        try:
            observed, lower, upper = view.observed(predictions, part)
        except DegenerateSplitError:
            continue
        rows.append((view.name, int(part.sum()), chance[part].mean(), observed, lower, upper))
    columns = ["view", "patients", "predicted", "observed", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns)


def _by_class(code: int, name: object) -> View:
    def chance(predictions: Predictions) -> Floats:
        assert isinstance(predictions, ClassPredictions)
        return predictions.proba[:, code]

    def cases(predictions: Predictions) -> Bools:
        assert isinstance(predictions, ClassPredictions)
        is_case: Bools = predictions.outcome.codes == code
        return is_case

    def observed(predictions: Predictions, part: Bools) -> Observed:
        found, of = int(cases(predictions)[part].sum()), int(part.sum())
        return (found / of, *wilson_limits(found, of))

    return View(
        f"class {name}",
        chance,
        lambda p: classes_in_the_large(chance(p), cases(p)),
        lambda p: decision_curve_of_classes(chance(p), cases(p)),
        observed,
    )


def _by_horizon(plan: TimePlan, horizon: float, unit: str | None) -> View:
    (column,) = plan.columns(horizon)

    def survival(predictions: Predictions) -> Floats:
        assert isinstance(predictions, SurvivalPredictions)
        return predictions.survival[:, column]

    def arrays(predictions: Predictions) -> dict[str, Floats | Bools]:
        assert isinstance(predictions, SurvivalPredictions)
        return predictions.outcome.arrays

    def observed(predictions: Predictions, part: Bools) -> Observed:
        of_part = {name: values[part] for name, values in arrays(predictions).items()}
        if of_part["time"].max() < horizon:
            msg = f"Nobody of the group is followed up to {horizon:g}."
            raise DegenerateSplitError(msg)
        curve = kaplan_meier(**of_part)
        step = int(np.searchsorted(curve.times, horizon, side="right")) - 1
        free, upper, lower = curve.survival[step], curve.lower[step], curve.upper[step]
        return float(1 - free), float(1 - lower), float(1 - upper)

    return View(
        f"event by {horizon:g}{f' {unit}' if unit else ''}",
        lambda p: 1 - survival(p),
        lambda p: survival_in_the_large(horizon, **arrays(p), survival=survival(p)),  # type: ignore[arg-type]
        lambda p: decision_curve_of_survival(horizon, **arrays(p), survival=survival(p)),  # type: ignore[arg-type]
        observed,
    )
