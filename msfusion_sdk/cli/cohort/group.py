"""``msfusion cohort …``: what makes a cohort, fills it, encodes it and hands it on."""

import typer

from msfusion_sdk.cli.cohort.changes import relocate, remove, set_slide
from msfusion_sdk.cli.cohort.features import (
    attach_features,
    drop_model,
    export_features,
    import_features,
)
from msfusion_sdk.cli.cohort.making import add, create
from msfusion_sdk.cli.cohort.outcomes import app as outcomes
from msfusion_sdk.cli.cohort.results import compact, export, status
from msfusion_sdk.cli.cohort.running import encode
from msfusion_sdk.cli.cohort.watching import watch
from msfusion_sdk.cli.shared.several_words import SeveralWords

__all__ = ["app"]

app = typer.Typer(
    help="Link patients to slides and tables, encode all slides, export.", no_args_is_help=True
)
app.add_typer(outcomes, name="outcome")
app.command("set")(set_slide)
app.command()(relocate)
app.command()(watch)
app.command(cls=SeveralWords)(remove)
app.command(cls=SeveralWords)(create)
app.command()(add)
app.command()(encode)
app.command()(status)
app.command()(export)
app.command()(compact)
app.command()(import_features)
app.command()(attach_features)
app.command()(drop_model)
app.command()(export_features)
