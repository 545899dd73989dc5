"""An external validation as a Markdown page: what to read first, limits beside every number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from msfusion_sdk.evaluation.result.markdown import markdown_table

if TYPE_CHECKING:
    from msfusion_sdk.validation.result import ExternalValidation

__all__ = ["headline", "validation_page", "with_limits"]

NONE = "–"
BEST = {"high": "higher is better", "low": "lower is better", "one": "1 is best"}
SHOWN_THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
NOT_FOLLOWED = "nobody whom the model selects here is followed so long"
LEFT_OUT = {
    "without_outcome": "have no outcome",
    "without_modality": "have no modality of the model",
    "in_training": "were in training",
}


def validation_page(found: "ExternalValidation") -> str:
    """Return headline, performance, calibration, net benefit, groups, inputs and warnings."""
    sections = {
        "Performance (95 % interval by bootstrap of patients)": performance_rows(found),
        "Calibration in the large (observed over expected: 1 is right)": large_rows(found),
        "Net benefit (true positives per 100 patients, less the harm of false ones)": (
            decision_rows(found)
        ),
        f"{found.main_label} in groups": group_rows(found),
        "Who has what": availability_rows(found),
        "Unlike training": found.shifts[["table", "kind", "text"]],
    }
    parts = [f"# External validation of {found.record.outcome}\n\n{headline(found)}"]
    parts += [
        f"## {title}\n\n{markdown_table(rows)}" for title, rows in sections.items() if len(rows)
    ]
    if found.warnings:
        parts.append("## Warnings\n\n" + "\n".join(f"- {text}" for text in found.warnings))
    return "\n\n".join(parts) + "\n"


def headline(found: "ExternalValidation") -> str:
    """Return who was judged and who was left out, in a sentence or two."""
    extra = ("patients", *LEFT_OUT)
    counts = {name: n for name, n in found.counts.items() if name not in extra}
    listed = ", ".join(f"{n:,} {name}" for name, n in counts.items())
    time = f"; time in {found.unit}" if found.unit else ""
    left = [f"{found.counts[k]:,} {text}" for k, text in LEFT_OUT.items() if found.counts[k]]
    text = f"{found.counts['patients']:,} patients ({listed}{time})."
    return f"{text} Left out: {', '.join(left)}." if left else text


def with_limits(row: "pd.Series[Any]", name: str = "value", *, digits: int = 3) -> str:
    """Return a value with its limits, as ``0.712 (0.64 to 0.78)``."""
    if pd.isna(row[name]):
        return NONE
    lower, upper = (row[end if name == "value" else f"{name}_{end}"] for end in ("lower", "upper"))
    text = f"{row[name]:.{digits}f}"
    return text if pd.isna(lower) else f"{text} ({lower:.{digits}f} to {upper:.{digits}f})"


def performance_rows(found: "ExternalValidation") -> pd.DataFrame:
    """Return a line per metric."""
    rows = [
        (r["label"], with_limits(r), BEST[r["best"]], r["reason"])
        for _, r in found.performance.iterrows()
    ]
    return pd.DataFrame(rows, columns=["metric", "value", "", "why not"])


def large_rows(found: "ExternalValidation") -> pd.DataFrame:
    """Return a line per horizon or class."""
    rows = [
        (
            r["view"],
            _share(r["observed"]),
            _share(r["expected"]),
            with_limits(r, "ratio", digits=2),
            with_limits(r, "intercept", digits=2),
            r["reason"],
        )
        for _, r in found.in_the_large.iterrows()
    ]
    columns = ["of", "observed", "expected", "observed / expected", "intercept", "why not"]
    return _without_empty(pd.DataFrame(rows, columns=columns))


def decision_rows(
    found: "ExternalValidation", thresholds: Sequence[float] = SHOWN_THRESHOLDS
) -> pd.DataFrame:
    """Return net benefit per 100 patients at a few thresholds."""
    shown = found.decision[found.decision["threshold"].round(4).isin(thresholds)]
    rows = [
        (
            r["view"],
            f"{r['threshold']:.0%}",
            *(_per_100(r[name]) for name in ("model", "all")),
            NOT_FOLLOWED if pd.isna(r["model"]) else "",
        )
        for _, r in shown.iterrows()
    ]
    columns = ["of", "threshold", "by the model", "treating everybody", "why not"]
    return _without_empty(pd.DataFrame(rows, columns=columns))


def group_rows(found: "ExternalValidation") -> pd.DataFrame:
    """Return a line per group."""
    rows = [
        (
            r["column"],
            r["group"],
            str(r["patients"]),
            str(r["events"]),
            with_limits(r),
            NONE if pd.isna(r["ratio"]) else f"{r['ratio']:.2f}",
            r["reason"],
        )
        for _, r in found.subgroups.iterrows()
    ]
    scarce = "events" if found.unit else "of the rarest class"
    columns = ["column", "group", "patients", scarce, "value", "observed / expected", "why not"]
    return _without_empty(pd.DataFrame(rows, columns=columns))


def availability_rows(found: "ExternalValidation") -> pd.DataFrame:
    """Return a line per modality."""
    rows = [
        (r["modality"], str(r["patients"]), _share(r["share"]), _share(r["share_training"]))
        for _, r in found.availability.iterrows()
    ]
    return pd.DataFrame(rows, columns=["modality", "patients", "share", "share in training"])


def _without_empty(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table without columns that say nothing in any row."""
    return rows[[c for c in rows.columns if not rows[c].isin(["", NONE]).all()]]


def _share(value: float) -> str:
    return NONE if pd.isna(value) else f"{value:.1%}"


def _per_100(value: float) -> str:
    return NONE if pd.isna(value) else f"{100 * value:.1f}"
