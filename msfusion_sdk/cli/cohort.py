"""``msfusion cohort …``: what makes a cohort, fills it, encodes it and hands it on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.cohort_changes import print_change, relocate, remove, set_slide
from msfusion_sdk.cli.cohort_outcomes import EventValues, NoEventValues, Unit
from msfusion_sdk.cli.cohort_outcomes import app as outcomes
from msfusion_sdk.cli.cohort_watch import watch
from msfusion_sdk.cli.console import (
    err,
    json_of,
    known_words,
    out,
    require_unused,
    run_bars,
    told_warnings,
)
from msfusion_sdk.cli.encode import (
    Device,
    Json,
    KeepInk,
    MaxUpsample,
    Model,
    Precision,
    Preset,
    Qc,
    Stain,
    patch_settings,
    tissue_settings,
)
from msfusion_sdk.cli.several_words import SeveralWords
from msfusion_sdk.cli.table_options import (
    Decimal,
    Encoding,
    Layout,
    OnDuplicate,
    Separator,
    Sheet,
    table_file,
)
from msfusion_sdk.errors import ExitCode

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.cohort.store.ledger import SlideStatus

__all__ = ["app"]

EXAMPLES = 5
"""Failures printed for each code; ``--json`` has all of them."""

NO_OUTCOME = (
    "No outcome was found: columns time_months (or another unit) with event, or diagnosis, declare "
    "one by their names. For others: msfusion cohort outcome add {folder} "
    "NAME=TIME,EVENT (or NAME=COLUMN for classes, NAME=number:COLUMN for numbers)."
)

app = typer.Typer(
    help="Link patients to slides and tables, encode all slides, export.", no_args_is_help=True
)
app.add_typer(outcomes, name="outcome")
app.command("set")(set_slide)
app.command()(relocate)
app.command()(watch)
app.command(cls=SeveralWords)(remove)

Folder = Annotated[Path, typer.Argument(help="The cohort's folder.")]
Fingerprint = Annotated[
    str | None,
    typer.Option("--model", help="Name or first letters of a fingerprint, where several."),
]


@app.command(cls=SeveralWords)
def create(
    folder: Folder,
    patients: Annotated[
        Path, typer.Option(help="CSV, TSV, Excel or Parquet with a column patient_id.")
    ],
    slides: Annotated[
        Path | None, typer.Option(help="Table with slide_id, patient_id, path, perhaps mpp.")
    ] = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=TIME,EVENT; NAME=TIME,censored:COLUMN; NAME=COLUMN: classes; "
            "NAME=number:COLUMN."
        ),
    ] = None,
    event_values: EventValues = None,
    no_event_values: NoEventValues = None,
    unit: Unit = None,
    on_duplicate: OnDuplicate = "refuse",
    layout: Annotated[
        str | None, typer.Option(help="cbioportal, xena or gdc: the patients' table is theirs.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="With the patients, of a spreadsheet.")] = None,
    slides_sheet: Annotated[str | None, typer.Option(help="With the slides.")] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
) -> None:
    """Check the tables together, say all that is wrong at once, and make the folder.

    --separator, --decimal and --encoding are said of both tables.
    """
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.outcomes.words import outcomes_of

    with known_words():
        declared = outcomes_of(
            outcome or (),
            event_values=event_values or (),
            no_event_values=no_event_values or (),
            unit=unit,
        )
        said = (separator, decimal, encoding)
        cohort = Cohort.create(
            folder,
            patients=table_file(patients, sheet, *said),
            slides=None if slides is None else table_file(slides, slides_sheet, *said),
            outcomes=declared,
            on_duplicate=on_duplicate,  # type: ignore[arg-type]
            layout=layout,
        )
    _print_report(cohort)
    if not cohort.manifest.outcomes:
        out.print(NO_OUTCOME.format(folder=folder), markup=False, soft_wrap=True)


@app.command()
def add(
    folder: Folder,
    name: Annotated[
        str, typer.Argument(help="slides, patients, or of a modality: clinical, genomics, …")
    ],
    table: Annotated[Path, typer.Argument(help="CSV, TSV, Excel or Parquet.")],
    unmatched: Annotated[
        str, typer.Option(help="refuse, or report: leave out rows of unknown patients.")
    ] = "refuse",
    on_duplicate: OnDuplicate = "refuse",
    replace: Annotated[bool, typer.Option(help="Replace a modality of this name.")] = False,
    layout: Layout = None,
    adapter: Annotated[
        str | None, typer.Option(help="Whose layout it is, where NAME is no adapter: genomics.")
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(help="Table that says whose each sample is, outside TCGA.")
    ] = None,
    profiled: Annotated[
        Path | None, typer.Option(help="With --layout maf: list of everybody who was sequenced.")
    ] = None,
    sheet: Sheet = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
) -> None:
    """Add new slides or patients, or a modality: a table per patient, or a portal's file.

    A cohort grows without encoding anything again.  The whole table of before with new rows in it
    adds these: --on-duplicate drop_identical.
    """
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    said = {"layout": layout, "samples": samples, "profiled": profiled}
    with known_words():
        source = table_file(table, sheet, separator, decimal, encoding)
        grow = {"slides": cohort.add_slides, "patients": cohort.add_patients}.get(name)
        if grow is not None:
            strict = unmatched == "refuse"
            require_unused(
                f"With {name}, which are no modality,",
                {
                    **{f"--{option}": value for option, value in said.items()},
                    "--adapter": adapter,
                    "--replace": replace,
                    "--unmatched": None if strict else unmatched,
                },
            )
            print_change(grow(source, on_duplicate=on_duplicate))  # type: ignore[arg-type]
            return
        cohort.add_modality(
            name,
            source,
            unmatched=unmatched,  # type: ignore[arg-type]
            on_duplicate=on_duplicate,  # type: ignore[arg-type]
            replace=replace,
            adapter=adapter,
            **{key: value for key, value in said.items() if value is not None},
        )
    _print_report(cohort)


@app.command()
def encode(
    folder: Folder,
    workers: Annotated[int, typer.Option(help="Processes, or actors of Ray.")] = 1,
    shard: Annotated[str | None, typer.Option(help="i/n: the i-th of n parts, from 1.")] = None,
    patches: Annotated[
        bool, typer.Option("--patches", help="Also keep every patch vector, about 5 kB each.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(help="Seconds without progress until a slide is given up.")
    ] = 600.0,
    max_failures: Annotated[
        float, typer.Option(help="Share of failed slides that ends the run, after 20 slides.")
    ] = 0.2,
    staging: Annotated[
        Path | None, typer.Option(help="Local folder to copy slides into, ahead of reading.")
    ] = None,
    staging_gb: Annotated[float, typer.Option(help="Limit of all copies together.")] = 100.0,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster.")] = None,
    gpus_per_worker: Annotated[float, typer.Option(help="Of each Ray actor.")] = 0.0,
    cpus_per_worker: Annotated[float, typer.Option(help="Of each Ray actor.")] = 1.0,
    metrics: Annotated[
        Path | None, typer.Option(help="OpenMetrics text file, written while it runs.")
    ] = None,
    mpp: Annotated[
        float | None,
        typer.Option(help="µm per pixel of slides without one in their table; is written there."),
    ] = None,
    preset: Preset = None,
    max_upsample: MaxUpsample = None,
    stain: Stain = None,
    keep_ink: KeepInk = False,
    qc: Qc = None,
    model: Model = None,
    device: Device = "auto",
    precision: Precision = "auto",
    json: Json = False,
) -> None:
    """Encode all slides that have no vector yet; run again after any interruption to go on.

    Exit codes: 0 all done, 3 finished and some slides failed, 4 stopped because too many
    failed, 5 results can no longer be stored, 130 or 143 interrupted.
    """
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

    cohort = Cohort.open(folder)
    with known_words():
        encoder = SlideEncoder.from_pretrained(model, device=device, precision=precision)
        settings = patch_settings(encoder.config, preset, max_upsample)
        encoder = encoder.with_config(tissue_settings(settings, stain, keep_ink=keep_ink, qc=qc))
        with run_bars() as show:
            run = cohort.encode(
                encoder,
                mpp=mpp,
                progress=show,
                workers=workers,
                shard=shard,
                patches=patches,
                timeout_s=timeout,
                max_failures=max_failures,
                staging=staging,
                staging_gb=staging_gb,
                engine=engine,  # type: ignore[arg-type]
                address=address,
                gpus_per_worker=gpus_per_worker,
                cpus_per_worker=cpus_per_worker,
                metrics=metrics,
            )
    if json:
        for status in run.statuses:
            typer.echo(json_of(status))
    else:
        _print_counts(run.counts)
        _print_failures(run.failed)
    if run.exit_code is not ExitCode.OK:
        left = run.total - len(run.statuses)
        early = f", and {left} were not tried: too many failed" if run.stopped_early else ""
        err.print(f"{len(run.failed)} of {run.total} slides failed{early}. See summary.md.")
        if run.all_missing:
            err.print("None of their files is there: is a disk not mounted?")
        raise typer.Exit(run.exit_code)


@app.command()
def status(folder: Folder, model: Fingerprint = None, json: Json = False) -> None:
    """Say how far the cohort is encoded, which slides failed why, and who has what."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    found = cohort.status(model=model)
    if json:
        typer.echo(json_of(found))
        return
    _print_report(cohort)
    for known in found.models:
        chosen = "Model" if known == found.fingerprint else "also"
        out.print(f"\n{chosen} {found.model_names.get(known, '')} {known[:12]}", markup=False)
    _print_counts(found.counts)
    _print_failures(found.failures)
    table = Table(*cohort.completeness().columns, box=None, pad_edge=False)
    for row in cohort.completeness().itertuples(index=False):
        table.add_row(*("yes" if c is True else "" if c is False else str(c) for c in row))
    out.print("\nPatients by what they have:")
    out.print(table)


@app.command()
def export(
    folder: Folder,
    path: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
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
    model: Fingerprint = None,
) -> None:
    """Write one Parquet file without paths, header texts and columns that tell who patients are."""
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
        )
    out.print(f"{report.path}: {report.rows} rows, one per {report.level}.", soft_wrap=True)
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


@app.command()
def compact(folder: Folder, model: Fingerprint = None) -> None:
    """Move the results into files of 512 slides; not while another process encodes."""
    from msfusion_sdk.cohort.cohort import Cohort

    moved = Cohort.open(folder).compact(model=model)
    out.print(f"{moved} results moved into files of up to 512.")


@app.command()
def import_features(
    folder: Folder,
    features: Annotated[Path, typer.Argument(help="Folder of <slide_id>.h5 files.")],
    name: Annotated[str, typer.Option(help="What the features are called: their model, say.")],
) -> None:
    """Take the patch features of a CLAM or TRIDENT run; a slide's vector is their mean."""
    from msfusion_sdk.cohort.cohort import Cohort

    counts = Cohort.open(folder).import_features(features, name=name)
    out.print(", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items()))


@app.command()
def attach_features(
    folder: Folder,
    features: Annotated[
        Path, typer.Argument(help="Folder of <slide_id>.h5 or .pt of another program.")
    ],
    name: Annotated[str, typer.Option(help="What the features are called.")],
    network: Annotated[
        str | None, typer.Option(help="Known network that made them: its length is checked.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Which of several networks' features in each file.")
    ] = None,
    json: Json = False,
) -> None:
    """Attach the features of TRIDENT, CLAM, AtlasPatch, STAMP or slide2vec; nothing is copied.

    A file that cannot be used is that slide's failure; the exit code is 3 when there is one.
    """
    from msfusion_sdk.cohort.cohort import Cohort

    report = Cohort.open(folder).attach_features(
        features, name=name, network=network, encoder=encoder
    )
    if json:
        typer.echo(report.model_dump_json())
    else:
        out.print(
            f"{report.name}: {report.attached} slides attached, {report.features} features per "
            f"patch ({', '.join(report.layouts)}); {report.empty} empty, {report.without_file} "
            f"without a file, {report.unknown_files} files of no slide.",
            soft_wrap=True,
        )
        _print_failures(report.failures)
    if report.failures:
        raise typer.Exit(ExitCode.FINISHED_WITH_FAILURES)


@app.command()
def drop_model(
    folder: Folder,
    model: Annotated[str, typer.Argument(help="Its name, or first letters of its fingerprint.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove vectors, patch rows and statuses of a model; attached files stay."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    if not yes:
        typer.confirm(f"Remove all that {folder} holds of {model}?", abort=True)
    out.print(f"{cohort.drop_model(model)[:12]} is gone.")


@app.command()
def export_features(
    folder: Folder,
    features: Annotated[Path, typer.Argument(help="Folder to write <slide_id>.h5 files to.")],
    model: Fingerprint = None,
) -> None:
    """Write the patch vectors in the layout of CLAM and TRIDENT, a file per slide."""
    from msfusion_sdk.cohort.cohort import Cohort

    count = Cohort.open(folder).export_features(features, model=model)
    out.print(f"{count} files written to {features}.")


def _print_report(cohort: "Cohort") -> None:
    out.print(str(cohort.report()), markup=False, soft_wrap=True)


def _print_counts(counts: Mapping[str, int]) -> None:
    table = Table("slides", "status", box=None, pad_edge=False)
    for name, count in counts.items():
        table.add_row(str(count), name)
    out.print(table)


def _print_failures(failures: "Sequence[SlideStatus]") -> None:
    """Print what failed by code, a few examples each."""
    by_code: dict[str, list[SlideStatus]] = defaultdict(list)
    for status in failures:
        by_code[status.code].append(status)
    for code, statuses in sorted(by_code.items()):
        for status in statuses[:EXAMPLES]:
            out.print(f"{status.slide_id}: [{code}] {status.reason}", markup=False, soft_wrap=True)
        if len(statuses) > EXAMPLES:
            out.print(f"and {len(statuses) - EXAMPLES} more with {code}")
