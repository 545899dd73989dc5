"""Options that the commands of ``msfusion pretrain`` share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "About",
    "CacheGb",
    "Data",
    "Device",
    "Epochs",
    "Folder",
    "Name",
    "Network",
    "Patience",
    "Patients",
    "Seed",
    "SlideTable",
    "Start",
    "TileMpp",
    "text_of",
]

Data = Annotated[
    Path, typer.Option(help="A folder per class and index.csv with class, file, group.")
]
TileMpp = Annotated[float, typer.Option("--mpp", help="µm per pixel of the tile files.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Seed = Annotated[int, typer.Option(help="Decides split, order and augmentation.")]
Folder = Annotated[Path, typer.Option("--out", "-o", help="Becomes the model folder.")]
Epochs = Annotated[int, typer.Option(help="Passes over the training images.")]
Patience = Annotated[int, typer.Option(help="Stop after this many epochs without a better loss.")]
Name = Annotated[str, typer.Option(help="What the model is called.")]
Start = Annotated[
    str | None, typer.Option(help="Model whose weights to start from: a folder or an embedded one.")
]
Network = Annotated[
    str | None, typer.Option(help="Model of frozen networks: its attention alone is trained.")
]
CacheGb = Annotated[float, typer.Option(help="Limit of the maps of --network on disk.")]
About = Annotated[Path | None, typer.Option(help="Markdown on the data, for the model card.")]
SlideTable = Annotated[
    Path, typer.Option("--slides", help="CSV with slide_id, patient_id, path; mpp if need be.")
]
Patients = Annotated[
    Path | None, typer.Option(help="CSV with patient_id and the label, if the slides lack it.")
]


def text_of(path: Path | None) -> str:
    """Return what a file says; '' without one."""
    return path.read_text(encoding="utf-8") if path else ""
