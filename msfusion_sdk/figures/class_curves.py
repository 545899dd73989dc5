"""Curves of a class against the rest, drawn alike: ROC, and precision by recall."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.resampled_curves import Curve, mean_curve
from msfusion_sdk.figures.style import COLOURS, GREY, STYLES, clean, predictions_of

__all__ = ["GRID", "CurveKind", "draw_class_curves"]

GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class CurveKind:
    """What one kind of curve shows."""

    curve: Curve
    """Values on ``GRID``."""
    metric: str
    """Whose value stands in the title."""
    x_label: str
    y_label: str
    legend: Literal["lower left", "lower right"]
    """Where its legend lies."""
    begins_at_zero: bool
    """Whether the line starts in the corner, and a diagonal stands for guessing; else a line at
    the share of each class does."""


def draw_class_curves(evaluation: Evaluation, model: str | None, kind: CurveKind) -> Figure:
    """Return the curve of each class against the rest; of two, that of the positive one.

    Raises
    ------
    DegenerateSplitError
        When a class is in no test fold together with another one.
    """
    name, rows = predictions_of(evaluation, model)
    shown = evaluation.classes[1:] if len(evaluation.classes) == 2 else evaluation.classes
    figure = Picture(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    if kind.begins_at_zero:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    for row, one in enumerate(shown):
        label = f"{one} against the rest" if len(shown) > 1 else str(one)
        _draw(axes, kind, rows, one, label, evaluation.random_state, row)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel(kind.x_label)
    axes.set_ylabel(f"{kind.y_label} (mean over folds; band: 95 %)")
    axes.set_title(f"{name}: {_area(evaluation, name, kind.metric)}", loc="left", fontsize=11)
    axes.legend(loc=kind.legend, frameon=False, fontsize=9)
    clean(axes)
    return figure


def _draw(
    axes: Axes, kind: CurveKind, rows: pd.DataFrame, one: Any, label: str, seed: int, place: int
) -> None:
    mean, lower, upper = mean_curve(rows, one, seed, kind.curve)
    colour, style = COLOURS[place % len(COLOURS)], STYLES[place % len(STYLES)]
    x, y = GRID, mean
    if kind.begins_at_zero:
        # At a false-positive rate of 0 the mean may be high already: the line starts lower.
        x, y = np.append(0, GRID), np.append(0, mean)
    else:
        share = float((rows["class"] == one).mean())
        axes.axhline(share, color=colour, linewidth=1, linestyle=":")
        label = f"{one} ({100 * share:.0f} % of patients)"
    axes.plot(x, y, color=colour, linestyle=style, label=label)
    axes.fill_between(GRID, lower, upper, color=colour, alpha=0.15, lw=0)


def _area(evaluation: Evaluation, name: str, metric: str) -> str:
    summary, shown = evaluation.summary, evaluation.labels[metric]
    # Of several classes the summary has one area, the mean over them.
    rows = summary[(summary["model"] == name) & (summary["metric"] == metric)]
    if rows.empty or pd.isna(rows.iloc[0]["mean"]):
        return f"no {shown}"
    row = rows.iloc[0]
    limits = "" if pd.isna(row["lower"]) else f" ({row['lower']:.3f} to {row['upper']:.3f})"
    return f"{'' if len(evaluation.classes) == 2 else 'mean '}{shown} {row['mean']:.3f}{limits}"
