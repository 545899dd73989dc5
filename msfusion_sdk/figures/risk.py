"""Kaplan-Meier curves of patients predicted to be at low and at high risk."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.unit import takes_unit
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.style import COLOURS, GREY, STYLES, clean, predictions_of, with_unit
from msfusion_sdk.survival.metrics.kaplan_meier import KaplanMeier, kaplan_meier_by_group, log_rank

__all__ = ["draw_risk_groups"]

_GROUPS = ("low risk", "high risk")


@takes_unit
def draw_risk_groups(evaluation: Evaluation, *, model: str | None = None) -> Figure:
    """Return curves of patients below and above the cut-off, out of fold, with numbers at risk.

    The cut-off is the median risk of each fold's training patients.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    model : str, optional
        The reference by default.

    Raises
    ------
    DegenerateSplitError
        When a group holds no patient.
    """
    name, rows = predictions_of(evaluation, model)
    time, event, entry = rows["time"].to_numpy(), rows["event"].to_numpy(), rows.get("entry")
    # By the cut-off of each fold: risks of models of two folds have no common scale.
    group = np.where(rows["high_risk"], _GROUPS[1], _GROUPS[0])
    curves = kaplan_meier_by_group(time=time, event=event, group=group, groups=_GROUPS, entry=entry)
    figure = Picture(figsize=(6.4, 5.2), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[6, 1])
    for row, (label, curve) in enumerate(curves.items()):
        events = int(event[group == label].sum())
        _draw_curve(
            axes, curve, f"{label}: {(group == label).sum()} patients, {events} events", row
        )
    axes.set(ylim=(0, 1.02), xlim=(0, float(time.max())), ylabel="share without event")
    axes.legend(loc="upper right", frameon=False, fontsize=9)
    axes.set_title(f"{name}: survival by predicted risk", loc="left", fontsize=11)
    # The test takes everybody to be observed from time 0.
    test = "" if entry is not None else _tested(time, event, group)
    note = (
        f"{test}predicted out of fold; cut-off: median risk of the training patients; bands: 95 %"
    )
    _draw_at_risk(below, curves, axes.get_xticks())
    below.set_xlabel(with_unit("time", evaluation.unit))
    figure.text(0.01, -0.005, note, fontsize=8, color=GREY, va="top")
    clean(axes)
    return figure


def _tested(time: Floats, event: Bools, group: NDArray[np.str_]) -> str:
    p_value = log_rank(time=time, event=event, group=group, groups=_GROUPS).p_value
    shown = "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"
    return f"log-rank {shown} (optimistic: folds share training patients)\n"


def _draw_curve(axes: Axes, curve: KaplanMeier, label: str, row: int) -> None:
    axes.step(
        curve.times,
        curve.survival,
        where="post",
        color=COLOURS[row],
        linestyle=STYLES[row],
        label=label,
    )
    axes.fill_between(
        curve.times, curve.lower, curve.upper, step="post", color=COLOURS[row], alpha=0.15, lw=0
    )


def _draw_at_risk(axes: Axes, curves: dict[str, KaplanMeier], ticks: ArrayLike) -> None:
    inside = np.asarray(ticks, np.float64)
    # Matplotlib may place ticks beyond the limits, where the texts would hang outside.
    inside = inside[(inside >= 0) & (inside <= axes.get_xlim()[1])]
    for row, (_, curve) in enumerate(curves.items()):
        for tick, count in zip(inside, curve.at_risk_at(inside), strict=True):
            axes.text(
                tick, -row, str(count), ha="center", va="center", fontsize=9, color=COLOURS[row]
            )
    axes.set(ylim=(-len(curves) + 0.4, 0.6), yticks=[-row for row in range(len(curves))])
    axes.set_yticklabels(curves, fontsize=9)
    axes.set_title("patients at risk", loc="left", fontsize=9)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=9)
    # The first count stands on the axis itself, half its width to the left.
    axes.tick_params(axis="y", pad=16)
