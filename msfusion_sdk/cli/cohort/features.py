"""``msfusion cohort attach-features`` and its like: features of other programs."""

from pathlib import Path
from typing import Annotated

import typer

from msfusion_sdk.cli.cohort.options import Fingerprint, Folder
from msfusion_sdk.cli.cohort.printing import print_failures
from msfusion_sdk.cli.shared.console import out, require_agreement
from msfusion_sdk.cli.shared.encoding_options import (
    Json,
)
from msfusion_sdk.errors import ExitCode

__all__ = ["attach_features", "drop_model", "export_features", "import_features"]


def import_features(
    folder: Folder,
    features: Annotated[Path, typer.Argument(help="Folder of <slide_id>.h5 files.")],
    name: Annotated[str, typer.Option(help="What the features are called: their model, say.")],
) -> None:
    """Take the patch features of a CLAM or TRIDENT run; a slide's vector is their mean."""
    from msfusion_sdk.cohort.cohort import Cohort

    counts = Cohort.open(folder).import_features(features, name=name)
    out.print(", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items()))


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

    A file that cannot be used is that slide's failure.
    The exit code is 3 when there is one.
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
        print_failures(report.failures)
    if report.failures:
        raise typer.Exit(ExitCode.FINISHED_WITH_FAILURES)


def drop_model(
    folder: Folder,
    model: Annotated[str, typer.Argument(help="Its name, or first letters of its fingerprint.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove vectors, patch rows and statuses of a model; attached files stay."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    if not yes:
        require_agreement(f"Remove all that {folder} holds of {model}?")
    out.print(f"{cohort.drop_model(model)[:12]} is gone.")


def export_features(
    folder: Folder,
    features: Annotated[Path, typer.Argument(help="Folder to write <slide_id>.h5 files to.")],
    model: Fingerprint = None,
) -> None:
    """Write the patch vectors in the layout of CLAM and TRIDENT, a file per slide."""
    from msfusion_sdk.cohort.cohort import Cohort

    count = Cohort.open(folder).export_features(features, model=model)
    out.print(f"{count} files written to {features}.")
