"""What each modality contributes: the model minus the same model refitted without it."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.style import COLOURS, GREY, clean

__all__ = ["draw_contributions"]


def draw_contributions(evaluation: Evaluation) -> Figure:
    """Return the contribution of each modality to the main metric, with its 95 % interval.

    Right of the line the model is better with the modality; an interval that crosses the line
    does not show a contribution.

    Raises
    ------
    DegenerateSplitError
        When no model could be refitted without a modality.
    """
    table, metric = evaluation.contributions, evaluation.main_metric
    rows = table[(table["metric"] == metric) & table["difference"].notna()]
    if rows.empty:
        msg = "No model was refitted without a modality: there is one only, or no baselines."
        raise DegenerateSplitError(msg)
    figure = Picture(figsize=(7.2, 1.3 + 0.4 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=GREY, linewidth=1, linestyle=":")
    for place, (_, row) in enumerate(rows.iterrows()):
        if pd.notna(row["lower"]):
            axes.hlines(place, row["lower"], row["upper"], color=COLOURS[0], linewidth=1.5)
        axes.plot(row["difference"], place, color=COLOURS[0], marker="o", markersize=6)
        where = axes.get_yaxis_transform()
        axes.text(1.02, place, _text(row), transform=where, fontsize=9, va="center")
    axes.set(ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels(list(rows["table"]))
    name = evaluation.labels[metric]
    axes.set_xlabel(f"{name} with the modality minus without it (95 % interval)")
    clean(axes)
    return figure


def _text(row: "pd.Series[Any]") -> str:
    text = f"{row['difference']:+.3f}"
    if pd.isna(row["lower"]):
        return text
    return f"{text} ({row['lower']:+.3f} to {row['upper']:+.3f})"
