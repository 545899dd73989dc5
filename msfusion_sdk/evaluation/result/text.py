"""An evaluation for a terminal: the verdict, a row per model, the warnings, in 80 columns."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from msfusion_sdk.evaluation.result.tables import cell

__all__ = ["plain_text"]


def plain_text(
    verdict: Sequence[str],
    facts: Sequence[str],
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    warnings: Sequence[str],
    *,
    labels: Mapping[str, str],
    main: str,
    reference: str,
    width: int = 80,
) -> str:
    """Return the same in plain text; what is left out is on the Markdown page.

    Parameters
    ----------
    verdict, facts, summary, differences, warnings, labels, main, reference
        As of :func:`~msfusion_sdk.evaluation.result.markdown.page`.
    width : int
        No line is longer.
    """
    rows = summary[summary["metric"] == main]
    shown = differences[differences["metric"] == main]
    steps = {row["model"]: _cell(row, "difference", signed=True) for _, row in shown.iterrows()}
    head = ("", "patients", labels[main], f"{reference} minus it")
    table = [head]
    for _, row in rows.iterrows():
        name = str(row["model"])
        table.append((name, str(row["patients"]), _cell(row, "mean"), steps.get(name, "")))
    parts = [_wrapped(" ".join(verdict), width), _aligned(table, width)]
    parts.append(_wrapped("; ".join(facts) + ".", width))
    parts += [_wrapped(text, width, "warning: ") for text in warnings]
    return "\n\n".join(parts[:3]) + "".join(f"\n{text}" for text in ["", *parts[3:]] if parts[3:])


def _cell(row: "pd.Series[Any]", column: str, *, signed: bool = False) -> str:
    return cell(row[column], row["lower"], row["upper"], signed=signed)


def _wrapped(text: str, width: int, first: str = "") -> str:
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=" " * min(len(first), 2)
    )


def _aligned(table: Sequence[Sequence[str]], width: int) -> str:
    """Return columns side by side; the last one goes when it does not fit, then names are cut."""
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    kept = len(widths)
    # Long names first: 24 letters tell models apart, and a number cut short is wrong.
    while kept > 2 and sum(widths[:kept]) + 2 * (kept - 1) > width:
        if widths[0] > 24:
            widths[0] = max(24, widths[0] - (sum(widths[:kept]) + 2 * (kept - 1) - width))
        else:
            kept -= 1
    lines = [
        "  ".join(_cut(row[place], widths[place]) for place in range(kept)).rstrip()
        for row in table
    ]
    return "\n".join(lines)


def _cut(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)
