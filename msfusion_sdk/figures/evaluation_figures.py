"""Pictures of an evaluation: models side by side, survival by risk, calibration and ROC.

All show predictions of patients that the model was not fitted on.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.unit import takes_unit
from msfusion_sdk.figures.calibration import draw_calibration
from msfusion_sdk.figures.contributions import draw_contributions
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.precision_recall import draw_precision_recall
from msfusion_sdk.figures.risk import draw_risk_groups
from msfusion_sdk.figures.roc import draw_roc
from msfusion_sdk.figures.style import COLOURS, DPI, GREY, clean
from msfusion_sdk.files import made_folder, storing

__all__ = [
    "draw_calibration",
    "draw_contributions",
    "draw_forest",
    "draw_precision_recall",
    "draw_risk_groups",
    "draw_roc",
    "write_figures",
]


@takes_unit
def write_figures(evaluation: Evaluation, folder: str | Path) -> dict[str, Path | str]:
    """Write the figures that suit the outcome into ``folder``, as PNG files.

    ``forest.png``, ``calibration.png`` and, with several modalities, ``contributions.png``;
    ``risk_groups.png`` for survival, ``roc.png`` and ``precision_recall.png`` for classes.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    folder : path
        Where the files go; it is made where it is not there.

    Returns
    -------
    dict
        From the name of each figure to its path, or to the reason why it cannot be drawn.
    """
    folder = Path(folder)
    made_folder(folder)
    draws: dict[str, Callable[[], Figure]] = {
        "forest.png": lambda: draw_forest(evaluation),
        "calibration.png": lambda: draw_calibration(evaluation),
    }
    if evaluation.kind == "class":
        draws["roc.png"] = lambda: draw_roc(evaluation)
        draws["precision_recall.png"] = lambda: draw_precision_recall(evaluation)
    if evaluation.kind == "survival":
        draws["risk_groups.png"] = lambda: draw_risk_groups(evaluation)
    if len(evaluation.contributions):
        draws["contributions.png"] = lambda: draw_contributions(evaluation)
    return {name: _written(draw, folder / name) for name, draw in draws.items()}


def draw_forest(evaluation: Evaluation, *, metric: str | None = None) -> Figure:
    """Return every model and baseline with its 95 % interval, models first.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    metric : str, optional
        A metric of the summary; the main one by default.

    Raises
    ------
    KeyError
        When the summary has no such metric.
    """
    metric = metric or evaluation.main_metric
    rows = evaluation.summary[evaluation.summary["metric"] == metric].reset_index(drop=True)
    if rows.empty:
        known = ", ".join(evaluation.summary["metric"].unique())
        msg = f"No metric {metric!r} was computed (known: {known})."
        raise KeyError(msg)
    figure = Picture(figsize=(7.2, 1.3 + 0.32 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    if metric == evaluation.main_metric and evaluation.chance is not None:
        axes.axvline(evaluation.chance, color=GREY, linewidth=1, linestyle=":")
        axes.text(evaluation.chance, -0.75, "chance", color=GREY, fontsize=8, ha="center")
    for place, row in rows.iterrows():
        is_model = row["model"] in evaluation.models
        _draw_row(axes, int(str(place)), row, is_model=is_model)
    axes.set(ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels([f"{r['model']} (n = {r['patients']})" for _, r in rows.iterrows()])
    name = evaluation.labels[metric]
    axes.set_xlabel(f"{name}, mean over folds with 95 % interval (bootstrap of patients)")
    clean(axes)
    return figure


def _draw_row(axes: Axes, place: int, row: "pd.Series[Any]", *, is_model: bool) -> None:
    if pd.isna(row["mean"]):
        text = "no value"
    else:
        colour, marker = (COLOURS[0], "o") if is_model else (COLOURS[1], "s")
        axes.plot(row["mean"], place, color=colour, marker=marker, markersize=6)
        text = f"{row['mean']:.3f}"
        if pd.notna(row["lower"]):
            axes.hlines(place, row["lower"], row["upper"], color=colour, linewidth=1.5)
            text += f" ({row['lower']:.3f} to {row['upper']:.3f})"
    # Right of the axes, at the height of the row.
    where = axes.get_yaxis_transform()
    axes.text(1.02, place, text, transform=where, fontsize=9, va="center")


def _written(draw: Callable[[], Figure], path: Path) -> Path | str:
    try:
        figure = draw()
    # These patients do not allow the figure; the others are drawn all the same.
    except DegenerateSplitError as error:
        return str(error)
    with storing(path) as temporary:
        # Texts stand beside the axes, beyond the edge of the figure.
        figure.savefig(temporary, dpi=DPI, bbox_inches="tight")
    return path
