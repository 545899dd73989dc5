"""``msfusion cohort watch``: how far the runs on a cohort are."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msfusion_sdk.cli.shared.console import known_words, out
from msfusion_sdk.cli.shared.encoding_options import Json

if TYPE_CHECKING:
    from msfusion_sdk.cohort.encoding.watching import Watched

__all__ = ["watch"]


def watch(
    folder: Annotated[Path, typer.Argument(metavar="COHORT", help="The cohort's folder.")],
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
    model: Annotated[
        str | None, typer.Option(help="Name or first letters of a fingerprint, where several.")
    ] = None,
    json: Json = False,
) -> None:
    """Say how far the runs on a cohort are, from any machine that sees its folder.

    Ends when no run is left; Ctrl-C ends it earlier, and no run.
    """
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.cohort.encoding.watching import watch_cohort

    while True:
        with known_words():
            found = watch_cohort(Cohort.open(folder), model)
        if json:
            typer.echo(found.model_dump_json())
        else:
            _print(found)
        if once or not found.is_running:
            return
        time.sleep(interval)


def _print(found: "Watched") -> None:
    counts = ", ".join(f"{count} {status}" for status, count in found.counts.items())
    eta = "" if found.eta_s is None else f", about {_hours(found.eta_s)} left"
    line = f"{found.total} slides: {counts}; {found.last_hour} in the last hour{eta}"
    out.print(line, markup=False, soft_wrap=True)
    for code, count in found.failures.items():
        out.print(f"  [{code}] {count}", markup=False)
    for run in found.runs:
        report = run.report
        heard = "" if run.is_heard else ", and was not heard for two minutes: it may be dead"
        part = f" shard {report.shard}" if report.shard else ""
        text = (
            f"  run{part} on {report.host}: {report.state}, {report.done} of {report.total} done, "
            f"{report.slides_per_hour:.0f} per hour, {len(report.in_hand)} in hand{heard}"
        )
        out.print(text, markup=False, soft_wrap=True)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
