"""One look for all figures of an evaluation.

Colours are those of Okabe and Ito, which people with any kind of colour vision can tell
apart; lines differ in style as well, for print.
"""

import pandas as pd
from matplotlib.axes import Axes

from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.phrases import first_few

__all__ = [
    "COLOURS",
    "DPI",
    "GREEN",
    "GREY",
    "STYLES",
    "clean",
    "predictions_of",
    "with_unit",
]

DPI = 130
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", (0, (1, 1)))
GREEN = "#00863d"
GREY = "#595959"


def clean(axes: Axes) -> None:
    """Remove what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def with_unit(text: str, unit: str | None) -> str:
    """Return a label with its unit in brackets, when the unit is known."""
    return f"{text} ({unit})" if unit else text


def predictions_of(evaluation: Evaluation, model: str | None) -> tuple[str, pd.DataFrame]:
    """Return the name and the predictions of ``model``, by default the reference.

    Raises
    ------
    KeyError
        When no such model was evaluated.
    """
    name = model or next(iter(evaluation.models))
    rows = evaluation.predictions[evaluation.predictions["model"] == name]
    if rows.empty:
        known = first_few(evaluation.predictions["model"].unique(), 20)
        msg = f"No model {name!r} was evaluated (known: {known})."
        raise KeyError(msg)
    return name, rows
