"""``msfusion demo``, ``info`` and ``encode``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from msfusion_sdk.cli.annotations import annotation_rows
from msfusion_sdk.cli.console import bars, err, json_of, known_words, out
from msfusion_sdk.config import PRESETS, EncoderConfig
from msfusion_sdk.errors import ExitCode

__all__ = ["demo", "encode", "info", "patch_settings", "tissue_settings"]

Mpp = Annotated[float | None, typer.Option(help="µm per pixel of level 0; wins over the header.")]
Preset = Annotated[
    str | None, typer.Option(help=f"Tissue and patch settings: {', '.join(PRESETS)}.")
]
MaxUpsample = Annotated[
    float | None, typer.Option(help="Enlarge slides that are up to this many times too coarse.")
]
Stain = Annotated[
    str | None,
    typer.Option(help="he, ihc or other: colours of ink may be the stain's."),
]
KeepInk = Annotated[bool, typer.Option("--keep-ink", help="Leave out no marker ink.")]
Qc = Annotated[
    str | None,
    typer.Option("--qc", help="Quality of patches: record, weights or exclude."),
]
Model = Annotated[str | None, typer.Option(help="A model folder, an embedded model or a hub id.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16, or fp16 on CUDA.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


def demo(
    folder: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for slide and results.")
    ] = Path("demo"),
) -> None:
    """Go the whole way on made data: a slide, then a cohort up to predictions and a report."""
    from msfusion_sdk.demo.cohort import run_cohort_demo
    from msfusion_sdk.demo.slide import run_demo
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

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
    from msfusion_sdk.inspect.describe import describe_slide
    from msfusion_sdk.slides.annotations import read_annotations

    if overlay and not annotations:
        msg = "--overlay draws the outlines that --annotations names; give both."
        raise typer.BadParameter(msg)
    with known_words():
        settings = tissue_settings(
            patch_settings(EncoderConfig(), preset, max_upsample), stain, keep_ink=keep_ink
        )
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
        list[Path], typer.Argument(help="Slides, DICOM folders, or images with --mpp.")
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

    with known_words():
        encoder = SlideEncoder.from_pretrained(model, device=device, precision=precision)
        settings = patch_settings(encoder.config, preset, max_upsample)
        encoder = encoder.with_config(tissue_settings(settings, stain, keep_ink=keep_ink, qc=qc))
    outcomes = []
    with bars() as update:
        for outcome in encode_to_folder(
            encoder, paths, folder, mpp=mpp, patches=patches, overwrite=overwrite, progress=update
        ):
            outcomes.append(outcome)
            update("slides", len(outcomes), len(paths))
            if json:
                typer.echo(json_of(outcome))
    if not json:
        _print_outcomes(outcomes)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if failed:
        err.print(f"{failed} of {len(outcomes)} slides failed; the others are in {folder}.")
        raise typer.Exit(ExitCode.FINISHED_WITH_FAILURES)


def tissue_settings(
    config: EncoderConfig, stain: str | None, *, keep_ink: bool, qc: str | None = None
) -> EncoderConfig:
    """Return the settings with what ``--stain``, ``--keep-ink`` and ``--qc`` say."""
    if qc is not None:
        config = config.updated(qc={"use": qc})
    if stain is not None:
        config = config.updated(tissue={"stain": stain})
    return config.updated(tissue={"drop_pen": False}) if keep_ink else config


def patch_settings(
    config: EncoderConfig, preset: str | None, max_upsample: float | None
) -> EncoderConfig:
    """Return the settings with what ``--preset`` and ``--max-upsample`` say."""
    config = config.with_preset(preset) if preset else config
    if max_upsample is None:
        return config
    return config.updated(patches={"max_upsample": max_upsample})


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
