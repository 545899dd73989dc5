"""``msfusion cohort status``, ``export`` and ``compact``: what became of the slides."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.cohort.options import Fingerprint, Folder
from msfusion_sdk.cli.cohort.printing import print_counts, print_failures, print_report
from msfusion_sdk.cli.shared.console import json_of, known_words, out, told_warnings
from msfusion_sdk.cli.shared.encoding_options import (
    Json,
)

if TYPE_CHECKING:
    from msfusion_sdk.cohort.store.status import CohortStatus

__all__ = ["compact", "export", "status"]


def status(folder: Folder, model: Fingerprint = None, json: Json = False) -> None:
    """Say how far the cohort is encoded, which slides failed why, and who has what."""
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.cohort.store.status import models_of

    cohort = Cohort.open(folder)
    several = model is None and len(models_of(cohort.root)) > 1
    chosen = models_of(cohort.root) if several else (model,)
    statuses = [cohort.status(model=one) for one in chosen]
    if json:
        for found in statuses:
            typer.echo(json_of(found))
        return
    print_report(cohort)
    for found in statuses:
        _print_model(found, others=not several)
    if several:
        out.print("\nVectors of two models are never mixed: other commands take one by --model.")
    table = Table(*cohort.completeness().columns, box=None, pad_edge=False)
    for row in cohort.completeness().itertuples(index=False):
        table.add_row(*("yes" if c is True else "" if c is False else str(c) for c in row))
    out.print("\nPatients by what they have (slides encoded or not):")
    out.print(table)


def _print_model(found: "CohortStatus", *, others: bool) -> None:
    """Print what a model has encoded, and what failed; with ``others`` which ones there are."""
    for known in found.models:
        if others or known == found.fingerprint:
            what = "Model" if known == found.fingerprint else "also"
            named = " ".join(filter(None, (what, found.model_names.get(known), known[:12])))
            out.print(f"\n{named}", markup=False)
    print_counts(found.counts)
    print_failures(found.failures)


def export(
    folder: Folder,
    path: Annotated[str, typer.Argument(help="The file to write; also at s3://, gs:// or az://.")],
    level: Annotated[str, typer.Option(help="patient, slide or patch: what a row is.")] = "patient",
    modalities: Annotated[
        list[str] | None, typer.Option(help="slide, a modality or an outcome; may be repeated.")
    ] = None,
    slides: Annotated[str, typer.Option(help="weighted or mean, over a patient's.")] = "weighted",
    pseudonymise_key: Annotated[
        Path | None, typer.Option(help="File of secret bytes: ids become keyed pseudonyms.")
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(help="Column such as clinical.stage_date that may leave; may be repeated."),
    ] = None,
    form: Annotated[
        str,
        typer.Option("--format", help="parquet, anndata (.h5ad) or zarr (AnnData as a folder)."),
    ] = "parquet",
    model: Fingerprint = None,
) -> None:
    """Write one file without paths, header texts and columns that tell who patients are."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    with known_words(), told_warnings():
        report = cohort.export(
            path,
            level=level,  # type: ignore[arg-type]
            modalities=modalities,
            aggregate=slides,  # type: ignore[arg-type]
            pseudonymise_key=pseudonymise_key,
            include=include or (),
            model=model,
            format=form,  # type: ignore[arg-type]
        )
    where = report.address or report.path
    out.print(f"{where}: {report.rows} rows, one per {report.level}.", soft_wrap=True)
    without = {name: n for name, n in report.slides.items() if not name.startswith("ok")}
    if without:
        listed = ", ".join(f"{n} {name}" for name, n in without.items())
        out.print(f"Slides without a vector: {listed}.")
    if report.left_out:
        out.print("Left out:")
        for name, reason in report.reasons.items():
            out.print(f"  {name}: {reason}", markup=False, soft_wrap=True)
        out.print("One that may leave all the same: --include, and its name.")
    out.print("Vectors are pseudonymous data, not anonymous.")


def compact(folder: Folder, model: Fingerprint = None) -> None:
    """Move the results into files of 512 slides; not while another process encodes."""
    from msfusion_sdk.cohort.cohort import Cohort

    moved = Cohort.open(folder).compact(model=model)
    out.print(f"{moved} results moved into files of up to 512.")
