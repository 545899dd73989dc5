"""The tables of an evaluation as people read them: a cell is a value with its interval."""

from collections.abc import Mapping

import pandas as pd

__all__ = ["NONE", "cell", "models_table", "others_table", "steps_table"]

NONE = "–"
_ARROWS = {"high": "↑", "low": "↓", "one": "→ 1"}


def models_table(summary: pd.DataFrame, main: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per model: every metric that has intervals, and the main one pooled."""
    shown = summary[_is_first(summary, main)]
    pooled = shown.loc[shown["metric"] == main, "pooled"]
    cells = [NONE if pd.isna(value) else f"{value:.3f}" for value in pooled]
    return _wide(shown, "mean", labels).assign(**{f"{labels[main]}, pooled": cells})


def others_table(summary: pd.DataFrame, main: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per model: what is judged over all folds together."""
    return _wide(summary[~_is_first(summary, main)], "pooled", labels)


def steps_table(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return differences of one metric, or contributions, with their intervals."""
    shown = table[table["metric"] == metric]
    kind = "table" if "table" in table.columns else "model"
    limits = shown[["difference", "lower", "upper"]].to_numpy(object)
    return pd.DataFrame(
        {
            kind: shown[kind].to_numpy(),
            "difference": [cell(*row, signed=True) for row in limits],
            "folds": shown["folds"].astype(str).to_numpy(),
            "patients": shown["patients"].astype(str).to_numpy(),
        }
    )


def cell(value: float, lower: float, upper: float, *, signed: bool = False) -> str:
    """Return a value with its limits in brackets, where it has any."""
    if pd.isna(value):
        return NONE
    sign = "+" if signed else ""
    if pd.isna(lower):
        return f"{value:{sign}.3f}"
    return f"{value:{sign}.3f} ({lower:{sign}.3f} to {upper:{sign}.3f})"


def _is_first(summary: pd.DataFrame, main: str) -> "pd.Series[bool]":
    """Return which rows are of metrics that folds have, and not all folds together alone."""
    # The main metric counts even if no fold could decide it.
    of_folds = summary.loc[summary["mean"].notna(), "metric"]
    return summary["metric"].isin({main, *of_folds})


def _wide(summary: pd.DataFrame, column: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per model and a column per metric."""
    if summary.empty:
        return pd.DataFrame()
    shown = summary[[column, "lower", "upper"]].to_numpy(object)
    long = summary[["model", "metric"]].assign(cell=[cell(*row) for row in shown])
    order = list(dict.fromkeys(long["metric"]))
    wide = long.pivot_table(index="model", columns="metric", values="cell", aggfunc="first")
    arrow = summary.drop_duplicates("metric").set_index("metric")["best"].map(_ARROWS)
    rows = wide.reindex(index=list(dict.fromkeys(long["model"])), columns=order)
    rows.columns = pd.Index([f"{labels[metric]} {arrow[metric]}" for metric in order])
    patients = summary.groupby("model")["patients"].first()
    rows.insert(0, "patients", patients.astype(str))
    return rows.reset_index()
