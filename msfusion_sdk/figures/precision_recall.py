"""Precision and recall: the mean over folds, with a band from resampled patients."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.resampled_curves import mean_curve
from msfusion_sdk.figures.style import COLOURS, STYLES, clean, predictions_of

__all__ = ["draw_precision_recall"]

_RECALL = np.linspace(0, 1, 101)


def draw_precision_recall(evaluation: Evaluation, *, model: str | None = None) -> Figure:
    """Return precision by recall of each class against the rest; of two, of the positive one.

    Precision is averaged over folds at each recall; the band holds 95 % of the resamples of
    patients within folds, classes kept in their share.  A dotted line is the share of the
    class: the precision of guessing.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    model : str, optional
        The reference by default.

    Raises
    ------
    DegenerateSplitError
        When a class is in no test fold together with another one.
    """
    name, rows = predictions_of(evaluation, model)
    shown = evaluation.classes[1:] if len(evaluation.classes) == 2 else evaluation.classes
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    for row, one in enumerate(shown):
        mean, lower, upper = mean_curve(rows, one, evaluation.random_state, _precision)
        colour, style = COLOURS[row % len(COLOURS)], STYLES[row % len(STYLES)]
        share = float((rows["class"] == one).mean())
        axes.axhline(share, color=colour, linewidth=1, linestyle=":")
        label = f"{one} ({100 * share:.0f} % of patients)"
        axes.plot(_RECALL, mean, color=colour, linestyle=style, label=label)
        axes.fill_between(_RECALL, lower, upper, color=colour, alpha=0.15, lw=0)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("recall (sensitivity)")
    axes.set_ylabel("precision (mean over folds; band: 95 %)")
    axes.set_title(f"{name}: {_area(evaluation, name)}", loc="left", fontsize=11)
    axes.legend(loc="lower left", frameon=False, fontsize=9)
    clean(axes)
    return figure


def _precision(is_in: Bools, score: Floats, weight: Floats) -> Floats:
    """Return the precision at each recall: of the first threshold that reaches it."""
    precision, recall, _ = precision_recall_curve(is_in, score, sample_weight=weight)
    precision, recall = precision[::-1], recall[::-1]
    # Not a line between points, which would promise precision that no threshold has.
    place = np.searchsorted(recall, _RECALL - 1e-12, side="left")
    return np.asarray(precision[np.minimum(np.maximum(place, 1), len(precision) - 1)], np.float64)


def _area(evaluation: Evaluation, name: str) -> str:
    summary = evaluation.summary
    rows = summary[(summary["model"] == name) & (summary["metric"] == "auprc")]
    if rows.empty or pd.isna(rows.iloc[0]["mean"]):
        return "precision and recall"
    row = rows.iloc[0]
    limits = "" if pd.isna(row["lower"]) else f" ({row['lower']:.3f} to {row['upper']:.3f})"
    return f"AUPRC {row['mean']:.3f}{limits}"
