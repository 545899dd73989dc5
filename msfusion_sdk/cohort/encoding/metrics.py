"""A run as an OpenMetrics text, for the textfile collector of a Prometheus node exporter."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msfusion_sdk.cohort.encoding.run_report import RunReport

__all__ = ["METRIC", "metrics_text"]

METRIC = b"# TYPE msfusion_"
"""Stands in every such file."""


def metrics_text(report: "RunReport") -> str:
    """Return the gauges of a run, each with its help and type, ended by ``# EOF``.

    Notes
    -----
    Source: OpenMetrics 1.0 text format (openmetrics.io).
    """
    names = {"model": report.fingerprint[:12], "shard": report.shard or ""}
    updated = datetime.fromisoformat(report.updated_at).timestamp()
    lines = _family("slides", "Slides of the run by status.")
    for status, count in report.statuses.items():
        lines.append(_sample("slides", count, {**names, "status": status}))
    for name, text, value in (
        ("slides_asked_for", "Slides that the run was asked for.", report.total),
        ("slides_failed", "Slides that failed in this run.", report.failed),
        ("slides_in_hand", "Slides that workers have in hand.", len(report.in_hand)),
        ("slides_per_hour", "Slides that have ended, by the hour.", report.slides_per_hour),
        ("patches_per_second", "Patches encoded, by the second.", report.patches_per_s),
        ("seconds_left", "At this rate; NaN while there is none.", report.eta_s),
        ("running", "1 while the run goes on.", int(report.state == "running")),
        ("updated_timestamp_seconds", "When this was written.", updated),
    ):
        lines += [*_family(name, text), _sample(name, value, names)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _family(name: str, text: str) -> list[str]:
    return [f"# TYPE msfusion_{name} gauge", f"# HELP msfusion_{name} {text}"]


def _sample(name: str, value: float | None, labels: dict[str, str]) -> str:
    shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"msfusion_{name}{{{shown}}} {'NaN' if value is None else f'{value:.16g}'}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
