"""``msfusion apply``: a trained model on slides and tables that it never saw."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msfusion_sdk.cli.shared.console import (
    known_words,
    out,
    run_bars,
    tell_warning,
    told_warnings,
)
from msfusion_sdk.cli.shared.encoding_options import Device, Json, Mpp, Precision
from msfusion_sdk.errors import ExitCode

if TYPE_CHECKING:
    from msfusion_sdk.deployment.applied import Applied

__all__ = ["apply"]

EXAMPLES = 5


def apply(
    model: Annotated[Path, typer.Argument(help="A folder that msfusion train wrote.")],
    path: Annotated[Path, typer.Option("--out", "-o", help="The .parquet or .csv file to write.")],
    slides: Annotated[
        list[str] | None,
        typer.Option(help="Slide files, or one table with slide_id, patient_id and path."),
    ] = None,
    cohort: Annotated[
        Path | None, typer.Option(help="A cohort's folder, in place of --slides.")
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option(help="MODALITY=FILE, a row per patient_id.")
    ] = None,
    times: Annotated[
        list[float] | None, typer.Option(help="Horizons of survival, in the unit of training.")
    ] = None,
    heat_maps: Annotated[
        Path | None, typer.Option(help="Folder for a PNG per slide with its attention.")
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(help="Folder where slide vectors stay; if none, they go at the end."),
    ] = None,
    mpp: Mpp = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that encode.")] = 1,
    staging: Annotated[
        Path | None, typer.Option(help="Local folder to copy slides into, ahead of reading.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    json: Json = False,
) -> None:
    """Say what a model predicts for slides and tables it never saw: a row for each patient.

    One bad slide stops nothing: its patient gets a reason and no prediction.
    The exit code is 3 when a slide could not be read.
    Run again after an interruption to go on.
    """
    from msfusion_sdk.cohort.workers.settings import RunSettings
    from msfusion_sdk.deployment.to_file import apply_to_file

    if not (slides or tables or cohort):
        msg = "Give --slides, --tables or both; or --cohort, perhaps with --tables."
        raise typer.BadParameter(msg)
    with known_words(), told_warnings(), run_bars() as show:
        applied = apply_to_file(
            model,
            path,
            slides=slides or (),
            cohort=cohort,
            tables=named_files(tables),
            times=times or (),
            heat_maps=heat_maps,
            work=work,
            mpp=mpp,
            device=device,
            precision=precision,
            # One file of few says nothing about a disk: all slides are tried.
            settings=RunSettings(workers=workers, staging=staging, max_failures=1.0),
            progress=show,
        )
    if json:
        typer.echo(applied.predictions.reset_index().to_json(orient="records", lines=True).rstrip())
    else:
        _print(applied, path)
    for warning in applied.warnings:
        tell_warning(f"unlike training: {warning}")
    if applied.failed:
        raise typer.Exit(ExitCode.FINISHED_WITH_FAILURES)


def named_files(words: list[str] | None) -> dict[str, Path]:
    """Return files by name from words such as ``clinical=new.csv``."""
    found: dict[str, Path] = {}
    for word in words or []:
        name, mark, file = word.partition("=")
        if not (mark and name and file) or name in found:
            again = f"{name!r} is given twice" if name in found else f"{word!r} is no such pair"
            msg = f"--tables takes MODALITY=FILE, clinical=new.csv say, and {again}."
            raise typer.BadParameter(msg)
        found[name] = Path(file)
    return found


def _print(applied: "Applied", path: Path) -> None:
    total, columns = len(applied.predictions), ", ".join(applied.predictions.columns)
    text = f"{path}: {applied.n_predicted} of {total} patients have a prediction ({columns})."
    out.print(text, markup=False, soft_wrap=True)
    reasons = [r for r in applied.predictions["reason"].items() if r[1]]
    for patient, reason in reasons[:EXAMPLES]:
        out.print(f"{patient}: {reason}", markup=False, soft_wrap=True)
    if len(reasons) > EXAMPLES:
        out.print(f"and {len(reasons) - EXAMPLES} more; the column reason has all of them")
    drawn = Counter(isinstance(found, Path) for found in applied.pictures.values())
    if applied.pictures:
        out.print(f"{drawn[True]} heat maps drawn, {drawn[False]} not.")
    out.print("Research use only: not for diagnosis or for any decision about a patient.")
