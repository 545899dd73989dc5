"""``summary.md``: what a run has done, for the person who comes back in the morning."""

from datetime import UTC, datetime
from pathlib import Path

from msfusion_sdk.cohort.encoding.run import EncodingRun
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.files import store_text

__all__ = ["summary_path", "write_summary"]

EXAMPLES = 3
"""Slides named for each kind of failure; the ledger has all of them."""


def summary_path(root: Path, shard: str | None) -> Path:
    """Return where the summary of a run lies.

    A file for each shard: they run side by side, and the last would replace the others.
    """
    part = "" if shard is None else f"-{shard.replace('/', '-of-')}"
    return root / f"summary{part}.md"


def write_summary(path: Path, run: EncodingRun) -> Path:
    """Write the counts of a run and its failures by code, each with examples and reasons."""
    lines = [
        "# Encoding",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, model `{run.fingerprint[:12]}`",
        "",
        "| slides | |",
        "| --- | --- |",
        f"| asked for | {run.total} |",
        *(f"| {status} | {count} |" for status, count in sorted(run.counts.items())),
        f"| of these encoded by this run | {run.encoded} |",
        "",
        f"{run.patches} patches in {run.seconds:.0f} s.",
    ]
    if run.stopped_by:
        lines += ["", f"**{_one_line(run.stopped_by)}**"]
    if run.stopped_early:
        left = run.total - len(run.statuses)
        lines += ["", f"**Stopped early: too many slides failed; {left} were not tried.**"]
    for code in sorted({status.code for status in run.failed}):
        lines += ["", *_failures(code, [s for s in run.failed if s.code == code])]
    return store_text(path, "\n".join(lines) + "\n")


def _failures(code: str, failed: list[SlideStatus]) -> list[str]:
    others = len(failed) - EXAMPLES
    return [
        f"## {code}: {len(failed)}",
        "",
        *(f"- `{status.slide_id}`: {_one_line(status.reason)}" for status in failed[:EXAMPLES]),
        *([f"- and {others} more"] if others > 0 else []),
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())
