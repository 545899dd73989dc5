"""Pictures of an external validation: calibration and decision curves."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msfusion_sdk.figures.style import COLOURS, DPI, GREY, STYLES, clean
from msfusion_sdk.files import storing

if TYPE_CHECKING:
    import pandas as pd

    from msfusion_sdk.validation.result import ExternalValidation

__all__ = ["draw_decision_curves", "draw_validation_calibration", "write_validation_figures"]

MARKERS = ("o", "s", "D", "^", "v", "P")
SIDE = 4.2


def draw_validation_calibration(found: "ExternalValidation") -> Figure:
    """Return predicted against observed chances, in groups, with 95 % limits."""
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="as predicted")
    for row, (name, group) in enumerate(found.groups.groupby("view", sort=False)):
        colour = COLOURS[row % len(COLOURS)]
        x, y = group["predicted"], group["observed"]
        axes.vlines(x, group["lower"], group["upper"], color=colour, linewidth=1, alpha=0.7)
        marker = MARKERS[row % len(MARKERS)]
        axes.plot(x, y, color=colour, marker=marker, label=str(name), markersize=5)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel("predicted chance (mean of a group)")
    axes.set_ylabel("observed share (95 % limits)")
    patients = found.counts["patients"]
    axes.set_title(f"Calibration in {patients} other patients", loc="left", fontsize=11)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    clean(axes)
    return figure


def draw_decision_curves(found: "ExternalValidation") -> Figure:
    """Return net benefit by threshold, a panel per horizon or class."""
    views = list(dict.fromkeys(found.decision["view"]))
    figure = Figure(figsize=(SIDE * max(1, len(views)), 4), layout="constrained")
    panels = figure.subplots(1, max(1, len(views)), squeeze=False)[0]
    for axes, view in zip(panels, views, strict=False):
        _draw_decision(axes, found.decision[found.decision["view"] == view], str(view))
    return figure


def write_validation_figures(found: "ExternalValidation", folder: Path) -> dict[str, Path]:
    """Write ``calibration.png`` and ``decision_curve.png`` and return their paths."""
    figures = {
        "calibration.png": draw_validation_calibration(found),
        "decision_curve.png": draw_decision_curves(found),
    }
    for name, figure in figures.items():
        with storing(folder / name) as temporary:
            figure.savefig(temporary, dpi=DPI, bbox_inches="tight")
    return {name: folder / name for name in figures}


def _draw_decision(axes: Axes, rows: "pd.DataFrame", view: str) -> None:
    named = {"model": "model", "all": "treat everybody", "none": "treat nobody"}
    for place, (column, label) in enumerate(named.items()):
        colour = GREY if column == "none" else COLOURS[place]
        style = STYLES[place % len(STYLES)]
        axes.plot(rows["threshold"], rows[column], color=colour, linestyle=style, label=label)
    top = float(np.nanmax(rows[["model", "all"]].to_numpy(np.float64), initial=0.05))
    shown = rows.loc[(rows["model"] > 0) | (rows["all"] > 0), "threshold"]
    right = float(shown.max()) if len(shown) else 1.0
    axes.set(ylim=(-0.15 * top, 1.1 * top), xlim=(0, min(1.0, right + 0.05)))
    axes.set_xlabel("threshold: chance from which one would act")
    axes.set_ylabel("net benefit per patient")
    axes.set_title(view, loc="left", fontsize=11)
    axes.legend(frameon=False, fontsize=8)
    clean(axes)
