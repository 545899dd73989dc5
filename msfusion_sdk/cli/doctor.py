"""``msfusion doctor``: what is wrong with an installation, and how to resolve it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from msfusion_sdk.cli.shared.console import err, out
from msfusion_sdk.errors import ExitCode

__all__ = ["doctor"]

COLOURS = {"problem": "bold red", "warning": "yellow", "note": "cyan", "ok": "green"}


def doctor(
    folder: Annotated[
        Path, typer.Option(help="Where results are to be written; tried, and left as it was.")
    ] = Path(),
    cohort: Annotated[
        Path | None, typer.Option(help="Read every file of this cohort, in place of the rest.")
    ] = None,
    repair: Annotated[
        bool, typer.Option(help="Set aside what is damaged in the cohort, and say what to run.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Report what is wrong with this installation and a folder, or with a cohort, and what helps.

    The exit code is 3 when there is a problem.
    """
    from msfusion_sdk.doctor.cohort import examine_cohort
    from msfusion_sdk.doctor.examine import examine

    if repair and cohort is None:
        msg = "--repair sets aside damaged files of a cohort: give it with --cohort FOLDER."
        raise typer.BadParameter(msg)
    if cohort is not None:
        with err.status("Reading every file"):
            report = examine_cohort(cohort, repair=repair)
    else:
        with err.status("Looking, and encoding a small slide"):
            report = examine(folder)
    if json:
        typer.echo(report.model_dump_json())
    else:
        table = Table("", "check", "found, and what to do", box=None, pad_edge=False)
        for finding in report.findings:
            remedy = f"\n[bold]→ {escape(finding.remedy)}[/]" if finding.remedy else ""
            level = f"[{COLOURS[finding.level]}]{finding.level}[/]"
            table.add_row(level, finding.check, escape(finding.found) + remedy)
        out.print(table)
    if report.has_problem:
        raise typer.Exit(ExitCode.FINISHED_WITH_FAILURES)
