"""Which modalities patients have: one row for each combination, with how many have it."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.style import COLOURS, GREY, clean

__all__ = ["draw_completeness"]

_ROWS = 12
_LIGHT = "#d0d0d0"


def draw_completeness(patterns: pd.DataFrame) -> Figure:
    """Return a matrix of combinations beside the number of patients with each.

    Parameters
    ----------
    patterns : DataFrame
        From ``Cohort.completeness``: a column of booleans per modality, and ``patients``.
        More than 12 combinations become 11 and one line for all others.
    """
    names = [str(name) for name in patterns.columns if name != "patients"]
    shown = patterns if len(patterns) <= _ROWS else patterns.head(_ROWS - 1)
    others = int(patterns["patients"].sum() - shown["patients"].sum())
    height = 1.5 + 0.34 * (len(shown) + bool(others))
    figure = Picture(figsize=(7.2, height), layout="constrained")
    wide = max(1.0, 0.8 * len(names))
    matrix, bars = figure.subplots(1, 2, sharey=True, width_ratios=[wide, 5])
    _draw_matrix(matrix, shown, names)
    _draw_bars(bars, shown, others, int(patterns["patients"].sum()))
    # Upside down: the first row of the table is on top.
    matrix.set_ylim(len(shown) - 0.4 + bool(others), -0.6)
    return figure


def _draw_matrix(axes: Axes, shown: pd.DataFrame, names: list[str]) -> None:
    for place, row in enumerate(shown[names].to_numpy(bool)):
        there = [column for column, has in enumerate(row) if has]
        if there:
            axes.plot([there[0], there[-1]], [place, place], color=COLOURS[0], linewidth=2)
        axes.scatter(range(len(names)), [place] * len(names), s=70, color=_LIGHT, zorder=2)
        axes.scatter(there, [place] * len(there), s=70, color=COLOURS[0], zorder=3)
    axes.set(xlim=(-0.6, len(names) - 0.4), xticks=range(len(names)), yticks=[])
    axes.set_xticklabels(names, rotation=30, ha="left", fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_bars(axes: Axes, shown: pd.DataFrame, others: int, total: int) -> None:
    counts = [int(count) for count in shown["patients"]]
    colours = [COLOURS[0]] * len(counts)
    if others:
        counts, colours = [*counts, others], [*colours, GREY]
    axes.barh(range(len(counts)), counts, color=colours, height=0.6)
    for place, count in enumerate(counts):
        text = f"{count:,} ({100 * count / max(1, total):.0f} %)"
        is_rest = others and place == len(counts) - 1
        axes.text(
            count, place, f" {text}{', all other combinations' if is_rest else ''}",
            va="center", fontsize=9,
        )  # fmt: skip
    axes.set_xlabel("patients with this combination", fontsize=9)
    axes.margins(x=0.25)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    clean(axes)
