"""An evaluation as a Markdown page: what to read first, with nothing rounded away to a claim."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from msfusion_sdk.evaluation.result.evaluation import Evaluation

__all__ = ["page"]

_NONE = "–"
_ARROWS = {"high": "↑", "low": "↓", "one": "→ 1"}


def page(evaluation: "Evaluation") -> str:
    """Return the headline, models, differences, contributions, folds and warnings."""
    main, summary = evaluation.main_metric, evaluation.summary
    with_limits = summary.loc[summary["lower"].notna(), "metric"]
    is_first = summary["metric"].isin({main, *with_limits})
    reference = next(iter(evaluation.models))
    sections = {
        "Models (mean over folds, 95 % interval by bootstrap of patients)": _models(
            summary[is_first], main
        ),
        "Calibration and the rest (mean over folds; pooled)": _wide(summary[~is_first]),
        f"{main}: {reference!r} minus each other model": _steps(evaluation.differences, main),
        f"{main}: contribution of each table": _steps(evaluation.contributions, main),
        "Patients per fold": evaluation.fold_counts.reset_index().astype(str),
    }
    parts = [_headline(evaluation)]
    parts += [f"## {title}\n\n{_table(rows)}" for title, rows in sections.items() if len(rows)]
    if evaluation.warnings:
        parts.append("## Warnings\n\n" + "\n".join(f"- {text}" for text in evaluation.warnings))
    return "\n\n".join(parts) + "\n"


def _headline(evaluation: "Evaluation") -> str:
    counts = evaluation.fold_counts
    patients = int(counts["test"].sum())
    facts = [f"{patients} patients in {len(counts)} folds (split {evaluation.split_hash[:12]})"]
    if evaluation.plan is None:
        facts.append(f"classes {', '.join(map(str, evaluation.classes))}")
        if len(evaluation.classes) == 2:
            facts.append(f"{evaluation.classes[1]} is the positive one")
    else:
        facts.append(f"{int(counts['test event'].sum())} events")
        facts.append(f"Uno's C and the Brier score up to tau = {evaluation.plan.tau:g}")
    facts.append(f"{evaluation.bootstrap} resamples, random_state {evaluation.random_state}")
    return "# Evaluation\n\n" + "; ".join(facts) + "."


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
