"""``msfusion cohort set``, ``relocate`` and ``remove``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from msfusion_sdk.cli.shared.console import known_words, out, require_agreement
from msfusion_sdk.cli.shared.encoding_options import Json

if TYPE_CHECKING:
    from msfusion_sdk.cohort.changes.result import CohortChange

__all__ = ["print_change", "relocate", "remove", "set_slide"]

Folder = Annotated[Path, typer.Argument(metavar="COHORT", help="The cohort's folder.")]


def set_slide(
    folder: Folder,
    slide: Annotated[str, typer.Argument(help="Its slide_id.")],
    path: Annotated[
        str | None, typer.Option(help="Where its file is now: a path or an address.")
    ] = None,
    mpp: Annotated[
        str | None, typer.Option(help="µm per pixel of level 0, or: header, what the file says.")
    ] = None,
    patient: Annotated[str | None, typer.Option(help="The patient_id whose it is.")] = None,
    json: Json = False,
) -> None:
    """Mend one slide: its path, its spacing or its patient.

    Results stay where the file is seen to be the same.
    Another spacing is encoded anew.
    """
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    with known_words():
        change = cohort.set_slide(
            slide,
            path=path,
            mpp=_spacing(mpp),
            patient_id=patient,
        )
    print_change(change, json=json)


def relocate(
    folder: Folder,
    old: Annotated[str, typer.Argument(help="A folder, file or address, as in the slide table.")],
    new: Annotated[str, typer.Argument(help="Where it is now.")],
    json: Json = False,
) -> None:
    """Follow slides that were moved, and keep the results of those that are the same.

    The same is: equal size and time; or every byte equal to the old file, where
    that is still there; or equal size and OpenSlide's hash.
    """
    from msfusion_sdk.cohort.cohort import Cohort

    print_change(Cohort.open(folder).relocate(old, new), json=json)


def remove(
    folder: Folder,
    slides: Annotated[list[str] | None, typer.Option(help="Their slide_id.")] = None,
    patients: Annotated[
        list[str] | None, typer.Option(help="Their patient_id; their slides go too.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Take slides or patients out, with all their results; not while it is encoded."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    if not (slides or patients):
        msg = "Give --slides or --patients."
        raise typer.BadParameter(msg)
    if not yes:
        named = ", ".join([*(slides or []), *(patients or [])])
        require_agreement(f"Remove {named} from {folder}, with all results?")
    print_change(cohort.remove(slides=slides or (), patients=patients or ()), json=json)


def _spacing(word: str | None) -> float | Literal["header"] | None:
    if word is None:
        return None
    try:
        return "header" if word == "header" else float(word)
    except ValueError as error:
        msg = f"--mpp takes µm per pixel, such as 0.25, or header, and {word!r} was given."
        raise typer.BadParameter(msg) from error


def print_change(change: "CohortChange", *, json: bool = False) -> None:
    """Say what a change has done, and what the cohort holds now."""
    if json:
        typer.echo(change.model_dump_json())
        return
    out.print(str(change), markup=False, soft_wrap=True)
    out.print(str(change.report), markup=False, soft_wrap=True)
