"""``msfusion cohort encode``: all slides that are not done."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msfusion_sdk.cli.cohort.options import Folder
from msfusion_sdk.cli.cohort.printing import print_counts, print_failures
from msfusion_sdk.cli.shared.console import json_of, known_words, run_bars, tell
from msfusion_sdk.cli.shared.encoding_options import (
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
from msfusion_sdk.errors import ExitCode

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort

__all__ = ["encode"]


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

    Exit codes: 0 all done, 3 finished and some slides failed, 4 stopped because
    too many failed, 5 results can no longer be stored, 130 or 143 interrupted.
    """
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.cohort.encoding.summary import summary_path
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

    cohort = Cohort.open(folder)
    if mpp is not None:
        _fill_spacings(cohort, mpp)
    with known_words():
        encoder = SlideEncoder.from_pretrained(model, device=device, precision=precision)
        settings = patch_settings(encoder.config, preset, max_upsample)
        encoder = encoder.with_config(tissue_settings(settings, stain, keep_ink=keep_ink, qc=qc))
        with run_bars() as show:
            run = cohort.encode(
                encoder,
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
        print_counts(run.counts)
        print_failures(run.failed)
    if run.exit_code is not ExitCode.OK:
        left = run.total - len(run.statuses)
        early = f", and {left} were not tried: too many failed" if run.stopped_early else ""
        where = summary_path(folder, shard)
        text = f"{len(run.failed)} of {run.total} slides failed{early}. See {where}."
        tell(text, logging.WARNING, event="warning")
        if run.all_missing:
            text = "None of their files is there: is a disk not mounted?"
            tell(text, logging.WARNING, event="warning")
        raise typer.Exit(run.exit_code)


def _fill_spacings(cohort: "Cohort", mpp: float) -> None:
    """Write a spacing into the slide table, and say for how many slides, whose files may differ."""
    changed = cohort.fill_spacings(mpp).changed
    if changed:
        tell(
            f"{mpp:g} µm per pixel now stands in the table for {changed} slides, also where the "
            "file says another value. For one slide alone: msfusion cohort set "
            f"{cohort.root} SLIDE --mpp"
        )
