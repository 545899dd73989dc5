"""``msfusion report``: one HTML page of cohorts, models and evaluations."""

from pathlib import Path
from typing import Annotated

import typer

from msfusion_sdk.cli.shared.console import out

__all__ = ["report"]


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER…",
            help="Cohorts, models, or folders of evaluate or validate --out.",
        ),
    ],
    path: Annotated[Path, typer.Option("--out", "-o", help="The .html file to write.")],
    model: Annotated[
        str | None, typer.Option(help="First letters of a fingerprint, where there are several.")
    ] = None,
) -> None:
    """Write one HTML file, a chapter for each folder: what worked, what did not, and why."""
    from msfusion_sdk.report.write import write_report

    if path.suffix.lower() not in (".html", ".htm"):
        msg = f"A report is HTML, and --out is {path.name!r}. Name it {path.stem}.html."
        raise typer.BadParameter(msg)
    written = write_report(folders, path, model=model)
    size = written.stat().st_size / 1e6
    out.print(f"{written}: {size:.1f} MB, opens in any browser.", markup=False, soft_wrap=True)
    out.print("It holds ids and pictures of slides: treat it as patient data.")
