"""Options that the commands of ``msfusion pretrain`` share."""

from pathlib import Path
from typing import Annotated

import typer

from msfusion_sdk.cli.shared.console import require_unused

__all__ = [
    "CACHE_GB",
    "About",
    "CacheGb",
    "Data",
    "Device",
    "Folder",
    "Name",
    "Network",
    "Patience",
    "Patients",
    "Seed",
    "SlideTable",
    "Start",
    "TileMpp",
    "require_fitting",
    "text_of",
]

CACHE_GB = 20.0

Data = Annotated[
    Path, typer.Option(help="A folder per class and index.csv with class, file, group.")
]
TileMpp = Annotated[float, typer.Option("--mpp", help="µm per pixel of the tile files.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides split, order and augmentation.")]
Folder = Annotated[Path, typer.Option("--out", "-o", help="Becomes the model folder.")]
Patience = Annotated[int, typer.Option(help="Stop after this many epochs without a better loss.")]
Name = Annotated[str, typer.Option(help="What the model is called.")]
Start = Annotated[
    str | None, typer.Option(help="Model whose weights to start from: a folder or an embedded one.")
]
Network = Annotated[
    str | None, typer.Option(help="Model of frozen networks: its attention alone is trained.")
]
CacheGb = Annotated[
    float | None,
    typer.Option(help=f"Limit of the maps of --network on disk; {CACHE_GB:g} if not given."),
]
About = Annotated[Path | None, typer.Option(help="Markdown on the data, for the model card.")]
SlideTable = Annotated[
    Path, typer.Option("--slides", help="CSV with slide_id, patient_id, path; mpp if need be.")
]
Patients = Annotated[
    Path | None, typer.Option(help="CSV with patient_id and the label, if the slides lack it.")
]


def require_fitting(
    network: str | None, start: str | None, device: str, cache_gb: float | None, **others: object
) -> None:
    """Refuse options that would change nothing, with frozen networks or without.

    Parameters
    ----------
    **others
        Values by the names of further options that are for networks that are trained.
    """
    if network is None:
        require_unused("Without --network", {"--cache-gb": cache_gb})
        return
    trained = {
        "start": start,
        # The CPU is what they get.
        "device": None if device in ("auto", "cpu") else device,
        **others,
    }
    require_unused(
        "With --network, whose networks stay as they are, on the CPU,",
        {f"--{name.replace('_', '-')}": value for name, value in trained.items()},
    )


def text_of(path: Path | None) -> str:
    """Return what a file says; '' without one."""
    return path.read_text(encoding="utf-8") if path else ""
