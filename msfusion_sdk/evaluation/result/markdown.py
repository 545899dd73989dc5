"""An evaluation as a Markdown page: what to read first, with nothing rounded away to a claim."""

from collections.abc import Sequence

import pandas as pd

__all__ = ["page"]

_NONE = "–"
_ARROWS = {"high": "↑", "low": "↓", "one": "→ 1"}


def page(
    facts: Sequence[str],
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    contributions: pd.DataFrame,
    fold_counts: pd.DataFrame,
    warnings: Sequence[str],
    *,
    main: str,
    reference: str,
) -> str:
    """Return the headline, models, differences, contributions, folds and warnings.

    Parameters
    ----------
    facts : sequence of str
        The headline: who was judged, and how.
    summary, differences, contributions, fold_counts, warnings
        Of an :class:`~msfusion_sdk.evaluation.result.evaluation.Evaluation`.
    main : str
        The metric that comes first.
    reference : str
        The model from which the others are subtracted in ``differences``.
    """
    with_limits = summary.loc[summary["lower"].notna(), "metric"]
    is_first = summary["metric"].isin({main, *with_limits})
    sections = {
        "Models (mean over folds, 95 % interval by bootstrap of patients)": _models(
            summary[is_first], main
        ),
        "Calibration and the rest (mean over folds; pooled)": _wide(summary[~is_first]),
        f"{main}: {reference!r} minus each other model": _steps(differences, main),
        f"{main}: contribution of each table": _steps(contributions, main),
        "Patients per fold": fold_counts.reset_index().astype(str),
    }
    parts = [f"# Evaluation\n\n{'; '.join(facts)}."]
    parts += [f"## {title}\n\n{_table(rows)}" for title, rows in sections.items() if len(rows)]
    if warnings:
        parts.append("## Warnings\n\n" + "\n".join(f"- {text}" for text in warnings))
    return "\n\n".join(parts) + "\n"


def _models(summary: pd.DataFrame, main: str) -> pd.DataFrame:
    """Return the table of models, with the pooled value of the main metric at its end."""
    pooled = summary.loc[summary["metric"] == main, "pooled"]
    cells = [_NONE if pd.isna(value) else f"{value:.3f}" for value in pooled]
    return _wide(summary).assign(**{f"{main}, pooled": cells})


def _wide(summary: pd.DataFrame) -> pd.DataFrame:
    """Return a row per model and a column per metric."""
    if summary.empty:
        return pd.DataFrame()
    cells = [_cell(*row) for row in summary[["mean", "lower", "upper", "pooled"]].to_numpy(object)]
    long = summary[["model", "metric"]].assign(cell=cells)
    order = list(dict.fromkeys(long["metric"]))
    wide = long.pivot_table(index="model", columns="metric", values="cell", aggfunc="first")
    arrow = summary.drop_duplicates("metric").set_index("metric")["best"].map(_ARROWS)
    rows = wide.reindex(index=list(dict.fromkeys(long["model"])), columns=order)
    rows.columns = pd.Index([f"{metric} {arrow[metric]}" for metric in order])
    patients = summary.groupby("model")["patients"].first()
    rows.insert(0, "patients", patients.astype(str))
    return rows.reset_index()


def _steps(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    shown = table[table["metric"] == metric]
    kind = "table" if "table" in table.columns else "model"
    limits = shown[["difference", "lower", "upper"]].to_numpy(object)
    return pd.DataFrame(
        {
            kind: shown[kind].to_numpy(),
            "difference": [_cell(*row, signed=True) for row in limits],
            "folds": shown["folds"].astype(str).to_numpy(),
            "patients": shown["patients"].astype(str).to_numpy(),
        }
    )


def _cell(
    value: float, lower: float, upper: float, pooled: float | None = None, *, signed: bool = False
) -> str:
    if pd.isna(value):
        return _NONE
    sign = "+" if signed else ""
    if pd.notna(lower):
        return f"{value:{sign}.3f} ({lower:{sign}.3f} to {upper:{sign}.3f})"
    return f"{value:{sign}.3f}" + ("" if pd.isna(pooled) else f"; {pooled:.3f}")


def _table(rows: pd.DataFrame) -> str:
    lines = [list(map(str, rows.columns)), ["---"] * rows.shape[1], *rows.to_numpy().tolist()]
    return "\n".join(_line(cells) for cells in lines)


def _line(cells: Sequence[str]) -> str:
    # A bar inside a cell would end it.
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"
