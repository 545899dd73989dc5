"""ROC curves: the mean over folds, with a band from resampled patients."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.resampled_curves import mean_curve
from msfusion_sdk.figures.style import COLOURS, GREY, STYLES, clean, predictions_of

__all__ = ["draw_roc"]

_FALSE_POSITIVE = np.linspace(0, 1, 101)


def draw_roc(evaluation: Evaluation, *, model: str | None = None) -> Figure:
    """Return the ROC curve of each class against the rest; of two, that of the positive one.

    Sensitivity is averaged over folds at each false-positive rate; the band holds 95 % of the
    resamples of patients within folds, classes kept in their share.

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
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    for row, one in enumerate(shown):
        mean, lower, upper = mean_curve(rows, one, evaluation.random_state, _sensitivity)
        colour = COLOURS[row % len(COLOURS)]
        label = f"{one} against the rest" if len(shown) > 1 else str(one)
        style = STYLES[row % len(STYLES)]
        axes.plot([0, *_FALSE_POSITIVE], [0, *mean], color=colour, linestyle=style, label=label)
        axes.fill_between(_FALSE_POSITIVE, lower, upper, color=colour, alpha=0.15, lw=0)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("false-positive rate (1 − specificity)")
    axes.set_ylabel("sensitivity (mean over folds; band: 95 %)")
    axes.set_title(f"{name}: {_area(evaluation, name)}", loc="left", fontsize=11)
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    clean(axes)
    return figure


def _sensitivity(is_in: Bools, score: Floats, weight: Floats) -> Floats:
    false, true, _ = roc_curve(is_in, score, sample_weight=weight)
    return np.asarray(np.interp(_FALSE_POSITIVE, false, true), np.float64)


def _area(evaluation: Evaluation, name: str) -> str:
    summary = evaluation.summary
    row = summary[(summary["model"] == name) & (summary["metric"] == "auroc")].iloc[0]
    limits = "" if pd.isna(row["lower"]) else f" ({row['lower']:.3f} to {row['upper']:.3f})"
    macro = "" if len(evaluation.classes) == 2 else "mean "
    return "no AUROC" if pd.isna(row["mean"]) else f"{macro}AUROC {row['mean']:.3f}{limits}"
