"""``msfusion bench``: what a patch, a slide and a cohort cost on this machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.shared.console import err, known_words, out
from msfusion_sdk.cli.shared.encoding_options import Device, Json, Model, Mpp, Precision

__all__ = ["bench"]


def bench(
    path: Annotated[Path, typer.Argument(help="A slide like those of your cohort.")],
    slides: Annotated[int, typer.Option(min=1, help="Slides of the cohort.")] = 1000,
    patches: Annotated[int, typer.Option(min=1, help="Patches to time, at most.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each step is repeated.")] = 3,
    mpp: Mpp = None,
    model: Model = None,
    device: Device = "auto",
    precision: Precision = "auto",
    json: Json = False,
) -> None:
    """Time the steps of encoding a slide on this machine, and predict a cohort's hours."""
    from msfusion_sdk.encoder.bench import time_slide
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

    with known_words():
        encoder = SlideEncoder.from_pretrained(model, device=device, precision=precision)
    with err.status("Reading and computing"):
        times = time_slide(encoder, path, mpp=mpp, patches=patches, rounds=rounds)
    hours = times.cohort_hours(slides)
    if json:
        out.print_json(data={**times.model_dump(), "slides": slides, "hours": hours}, indent=None)
        return
    facts = times.runtime
    table = Table(show_header=False, box=None)
    memory = times.peak_memory_gb
    for name, text in (
        ("reader", times.reader),
        ("networks", f"{facts.backend} on {facts.device} in {facts.precision}"),
        ("open, mask and grid", f"{times.open_s + times.survey_s:.2f} s"),
        ("networks made ready", f"{times.ready_s:.2f} s"),
        ("read a patch, one thread", f"{1000 * times.decode_s:.1f} ms"),
        ("compute a patch", f"{1000 * times.compute_s:.1f} ms"),
        ("a patch, both at once", f"{1000 * times.patch_s:.1f} ms"),
        ("this slide", f"{times.patches} patches, {times.slide_s:.0f} s"),
        ("peak memory", "unknown" if memory is None else f"{memory:.2f} GB"),
        (f"{slides} slides like it", f"{hours:.1f} hours with one worker on this machine"),
    ):
        table.add_row(f"[bold]{name}[/]", text)
    out.print(table)
