"""``msfusion demo``, ``info`` and ``encode``."""

import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from msfusion_sdk.cli.shared.annotations import annotation_rows
from msfusion_sdk.cli.shared.console import bars, json_of, known_words, out, tell
from msfusion_sdk.cli.shared.encoding_options import (
    Device,
    Json,
    KeepInk,
    MaxUpsample,
    Model,
    Mpp,
    Precision,
    Preset,
    Qc,
    Stain,
    patch_settings,
    tissue_settings,
)
from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import ExitCode

__all__ = ["demo", "encode", "info"]


def demo(
    folder: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for slide and results.")
    ] = Path("demo"),
) -> None:
    """Go the whole way on made data: a slide, then a cohort up to predictions and a report."""
    from msfusion_sdk.demo.cohort import run_cohort_demo
    from msfusion_sdk.demo.slide import run_demo
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.files import require_unused

    # It writes names that anybody may have given: slide.svs, report.html.
    require_unused(folder, "Choose a new folder: --out.")
    encoder = SlideEncoder.from_pretrained()
    with bars() as update:
        result = run_demo(folder, encoder, lambda done, total: update("patches", done, total))
        written = run_cohort_demo(folder, encoder, update)
    out.print(repr(result), soft_wrap=True)
    for path in sorted(folder.glob("slide.*")):
        out.print(f"  {path}  {path.stat().st_size / 1e3:.0f} kB", soft_wrap=True)
    out.print("A made cohort, encoded, judged and reported on:")
    for what, path in written.items():
        out.print(f"  {path}  {what}", soft_wrap=True)
    out.print(
        f"All data are synthetic. Open {written['report']} in a browser, and slide.png to see what "
        "the encoder saw.",
        soft_wrap=True,
    )


def info(
    path: Annotated[Path, typer.Argument(help="A slide, a DICOM folder, or an image with --mpp.")],
    mpp: Mpp = None,
    preset: Preset = None,
    max_upsample: MaxUpsample = None,
    stain: Stain = None,
    keep_ink: KeepInk = False,
    annotations: Annotated[
        Path | None, typer.Option(help="Outlines on it: ASAP, ImageScope, QuPath, NCRF, Darwin.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="Draw the outlines over the slide in this PNG.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what a slide is, what encoding it would do and what was drawn on it."""
    from msfusion_sdk.figures.slides.small_png import require_replaceable_png
    from msfusion_sdk.inspect.describe import describe_slide
    from msfusion_sdk.slides.annotations import read_annotations

    if overlay and not annotations:
        msg = "--overlay draws the outlines that --annotations names; give both."
        raise typer.BadParameter(msg)
    with known_words():
        settings = tissue_settings(
            patch_settings(EncoderConfig(), preset, max_upsample), stain, keep_ink=keep_ink
        )
    if overlay:
        require_replaceable_png(overlay)
    drawn = read_annotations(annotations) if annotations else None
    description = describe_slide(path, settings, mpp=mpp, annotations=drawn)
    if drawn and overlay:
        from msfusion_sdk.figures.slides.outlines import write_outlines

        write_outlines(path, drawn, overlay, mpp=mpp)
    if json:
        typer.echo(json_of(description))
        return
    table = Table(show_header=False, box=None)
    for name, value in description.model_dump(exclude={"annotations"}).items():
        if value not in (None, "", ()):
            table.add_row(f"[bold]{name}[/]", escape(_text(value)))
    for name, text in annotation_rows(description.annotations) if description.annotations else ():
        table.add_row(f"[bold]{escape(name)}[/]", escape(text))
    out.print(table)


def encode(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Slides, DICOM folders, images with --mpp; or addresses of them: s3://, gs://, "
            "az://, https://."
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    mpp: Mpp = None,
    preset: Preset = None,
    max_upsample: MaxUpsample = None,
    stain: Stain = None,
    keep_ink: KeepInk = False,
    qc: Qc = None,
    patches: Annotated[
        bool, typer.Option("--patches", help="Also store every patch vector.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results of another file of that name.")
    ] = False,
    staging: Annotated[
        Path | None, typer.Option(help="Local folder for copies of slides at addresses.")
    ] = None,
    staging_gb: Annotated[float, typer.Option(help="Limit of all copies together.")] = 100.0,
    model: Model = None,
    device: Device = "auto",
    precision: Precision = "auto",
    json: Json = False,
) -> None:
    """Encode slides: <slide>.parquet, .geojson and .png for each in the folder.

    One bad slide never stops the others; the exit code is 3 when one failed.
    """
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.inspect.encode_folder import encode_to_folder

    if folder.exists() and not folder.is_dir():
        msg = f"--out takes a folder for the results, and {folder} is a file."
        raise typer.BadParameter(msg)
    with known_words():
        encoder = SlideEncoder.from_pretrained(model, device=device, precision=precision)
        settings = patch_settings(encoder.config, preset, max_upsample)
        encoder = encoder.with_config(tissue_settings(settings, stain, keep_ink=keep_ink, qc=qc))
    outcomes = []
    with bars() as update:
        for outcome in encode_to_folder(
            encoder, paths, folder, mpp=mpp, patches=patches, overwrite=overwrite,
            staging=staging, staging_gb=staging_gb, progress=update,
        ):  # fmt: skip
            outcomes.append(outcome)
            update("slides", len(outcomes), len(paths))
            if json:
                typer.echo(json_of(outcome))
    if not json:
        _print_outcomes(outcomes)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if failed:
        tell(
            f"{failed} of {len(outcomes)} slides failed; the others are in {folder}.",
            logging.WARNING,
        )
        raise typer.Exit(ExitCode.FINISHED_WITH_FAILURES)


def _print_outcomes(outcomes: list[Any]) -> None:
    """Print a line per slide, then the reasons, which are too long for a table."""
    table = Table(
        "slide", "status", "patches", "tissue recall", "seconds", box=None, pad_edge=False
    )
    for o in outcomes:
        recall = "" if o.tissue_recall is None else f"{o.tissue_recall:.2f}"
        table.add_row(escape(o.slide_id), o.status, str(o.n_patches), recall, f"{o.seconds:.1f}")
    out.print(table)
    for o in outcomes:
        if o.reason:
            reason = f"[{o.code}] {o.reason}" if o.code else o.reason
            out.print(f"{o.slide_id}: {reason}", markup=False, soft_wrap=True)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        is_size = len(value) == 2 and all(isinstance(edge, int) for edge in value)
        return (" x " if is_size else "; ").join(map(_text, value))
    return str(value)
