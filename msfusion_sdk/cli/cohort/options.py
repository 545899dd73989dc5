"""Options that several commands of a cohort have."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Folder", "Fingerprint"]

Folder = Annotated[Path, typer.Argument(help="The cohort's folder.")]

Fingerprint = Annotated[
    str | None,
    typer.Option("--model", help="Name or first letters of a fingerprint, where several."),
]
