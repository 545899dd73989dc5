"""``msfusion view``: slides and their attention in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from msfusion_sdk.cli.shared.console import out

__all__ = ["view"]


def view(
    path: Annotated[Path, typer.Argument(metavar="COHORT_OR_SLIDE", help="A folder or a slide.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes one that is free.")
    ] = 8765,
    model: Annotated[
        str | None, typer.Option(help="First letters of a fingerprint, where there are several.")
    ] = None,
) -> None:
    """Show slides with their attention in the browser, for this machine alone, until Ctrl-C."""
    from msfusion_sdk.view.serve import serve

    serve(path, port=port, model=model, announce=_say)
    out.print("The viewer has ended.")


def _say(address: str) -> None:
    out.print(f"{address} shows the slides until Ctrl-C.", markup=False, soft_wrap=True)
    out.print("They are patient data: every user of this machine can open this address.")
