"""An evaluation as a Markdown page: what to read first, with nothing rounded away to a claim."""

from collections.abc import Mapping, Sequence

import pandas as pd

from msfusion_sdk.evaluation.result.tables import models_table, others_table, steps_table

__all__ = ["INTERVALS", "markdown_table", "page"]

INTERVALS = (
    "Intervals hold 95 % of resamples of the judged patients within their folds. Models, folds and "
    "settings stay as they are: an interval says how far a value depends on who was judged, not on "
    "who was learned from, and nothing about patients of another kind."
)


def page(
    verdict: Sequence[str],
    facts: Sequence[str],
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    contributions: pd.DataFrame,
    fold_counts: pd.DataFrame,
    warnings: Sequence[str],
    *,
    labels: Mapping[str, str],
    main: str,
    reference: str,
) -> str:
    """Return the verdict, models, differences, contributions, folds and warnings.

    Parameters
    ----------
    verdict : sequence of str
        What the numbers say.
    facts : sequence of str
        Who was judged, and how.
    summary, differences, contributions, fold_counts, warnings, labels
        Of an :class:`~msfusion_sdk.evaluation.result.evaluation.Evaluation`.
    main : str
        The metric that comes first.
    reference : str
        The model from which the others are subtracted in ``differences``.
    """
    sections = {
        "Models (mean over folds, 95 % interval)": models_table(summary, main, labels),
        "All folds together": others_table(summary, main, labels),
        f"{labels[main]}: {reference!r} minus each other model": steps_table(differences, main),
        f"{labels[main]}: contribution of each table": steps_table(contributions, main),
        "Patients per fold": fold_counts.reset_index().astype(str),
    }
    parts = ["# Evaluation", " ".join(verdict), f"{'; '.join(facts)}. {INTERVALS}"]
    parts += [
        f"## {title}\n\n{markdown_table(rows)}" for title, rows in sections.items() if len(rows)
    ]
    if warnings:
        parts.append("## Warnings\n\n" + "\n".join(f"- {text}" for text in warnings))
    return "\n\n".join(parts) + "\n"


def markdown_table(rows: pd.DataFrame) -> str:
    """Return a table as Markdown, its cells as they are."""
    lines = [list(map(str, rows.columns)), ["---"] * rows.shape[1], *rows.to_numpy().tolist()]
    return "\n".join(_line(cells) for cells in lines)


def _line(cells: Sequence[str]) -> str:
    # A bar inside a cell would end it.
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"
