"""What was predicted beside what was observed, in groups of patients of similar prediction."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.unit import takes_unit
from msfusion_sdk.figures.number_calibration import draw_numbers
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.style import COLOURS, GREY, clean, predictions_of
from msfusion_sdk.survival.metrics.kaplan_meier import kaplan_meier

__all__ = ["draw_calibration", "wilson_limits"]

_GROUPS = 5
_MARKERS = ("o", "s", "D", "^", "v", "P")
# 97.5 % point of the normal distribution.
_Z = 1.959964

Group = tuple[float, float, float, float]
"""Mean prediction, observed share, and its lower and upper 95 % limit."""


@takes_unit
def draw_calibration(evaluation: Evaluation, *, model: str | None = None) -> Figure:
    """Return what was predicted against what was observed, out of fold, all folds together.

    For survival: of an event by each horizon, observed as one minus Kaplan-Meier.  For two
    classes: of the positive one; for more: of each class.  For numbers: the numbers, with a dot
    per patient.  Five groups of equal size, fewer where predictions are tied; bars are 95 % limits.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    model : str, optional
        The reference by default.
    """
    name, rows = predictions_of(evaluation, model)
    figure = Picture(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    if evaluation.kind == "number":
        draw_numbers(axes, rows)
    else:
        curves = _survival(evaluation, rows) if evaluation.plan else _classes(evaluation, rows)
        _draw_chances(axes, curves)
    axes.set_title(f"{name}: calibration, {len(rows)} patients", loc="left", fontsize=11)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    clean(axes)
    return figure


def _draw_chances(axes: Axes, curves: dict[str, list[Group]]) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="as predicted")
    for row, (label, groups) in enumerate(curves.items()):
        _draw(axes, label, groups, row)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel("predicted chance (mean of a group)")
    axes.set_ylabel("observed share (95 % limits)")


def wilson_limits(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % limits of a share.

    Notes
    -----
    Source: Wilson, JASA 22 (1927) 209-212.
    """
    share, spread = found / of, _Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * np.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return float(middle - half), float(middle + half)


def _survival(evaluation: Evaluation, rows: pd.DataFrame) -> dict[str, list[Group]]:
    plan, unit = evaluation.plan, evaluation.unit
    horizons = plan.horizons if plan else ()
    curves = np.stack(rows["survival"].to_list())
    return {
        f"event by {horizon:g}{f' {unit}' if unit else ''}": _groups(
            1 - curves[:, evaluation.times.index(horizon)],
            partial(_observed_by, rows, horizon),
        )
        for horizon in horizons
    }


def _classes(evaluation: Evaluation, rows: pd.DataFrame) -> dict[str, list[Group]]:
    shown = evaluation.classes[1:] if len(evaluation.classes) == 2 else evaluation.classes
    return {
        f"class {name}": _groups(
            rows[f"proba_{name}"].to_numpy(),
            partial(_observed_share, rows["class"] == name),
        )
        for name in shown
    }


def _groups(chance: Floats, observe: Callable[[Bools], tuple[float, float, float]]) -> list[Group]:
    # Tied predictions repeat an edge, and between two equal ones a group would be empty.
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, _GROUPS + 1)[1:-1]))
    place = np.searchsorted(edges, chance, side="left")
    parts = [place == number for number in np.unique(place)]
    return [(float(chance[part].mean()), *observe(part)) for part in parts]


def _observed_by(rows: pd.DataFrame, horizon: float, part: Bools) -> tuple[float, float, float]:
    mine = rows[part]
    curve = kaplan_meier(time=mine["time"], event=mine["event"], entry=mine.get("entry"))
    step = int(np.searchsorted(curve.times, horizon, side="right")) - 1
    # Of the event, one minus survival: the lower limit of the one is the upper of the other.
    survival, upper, lower = curve.survival[step], curve.lower[step], curve.upper[step]
    return float(1 - survival), float(1 - lower), float(1 - upper)


def _observed_share(is_class: "pd.Series[bool]", part: Bools) -> tuple[float, float, float]:
    found, of = int(is_class.to_numpy()[part].sum()), int(part.sum())
    return (found / of, *wilson_limits(found, of))


def _draw(axes: Axes, label: str, groups: list[Group], row: int) -> None:
    predicted, observed, lower, upper = np.array(groups).T
    colour = COLOURS[row % len(COLOURS)]
    axes.vlines(predicted, lower, upper, color=colour, linewidth=1, alpha=0.7)
    axes.plot(
        predicted, observed, color=colour, marker=_MARKERS[row % len(_MARKERS)], label=label, ms=5
    )
