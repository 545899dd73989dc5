"""``msfusion cohort outcome add``, ``list`` and ``remove``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.shared.console import known_words, out
from msfusion_sdk.cli.shared.encoding_options import Json
from msfusion_sdk.cli.shared.several_words import SeveralWords

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort

__all__ = ["EventValues", "NoEventValues", "Unit", "app"]

app = typer.Typer(help="What is predicted: declare, list, forget.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="COHORT", help="The cohort's folder.")]
EventValues = Annotated[
    list[str] | None, typer.Option(help="Values that mean an event, such as 1:DECEASED.")
]
NoEventValues = Annotated[
    list[str] | None, typer.Option(help="Values that mean none, where several others are left.")
]
Unit = Annotated[
    str | None, typer.Option(help="days, weeks, months or years, if the column does not say it.")
]


@app.command(cls=SeveralWords)
def add(
    folder: Folder,
    outcomes: Annotated[
        list[str],
        typer.Argument(
            metavar="OUTCOME…",
            help="NAME=TIME,EVENT; NAME=TIME,censored:COLUMN; NAME=COLUMN for classes; "
            "NAME=number:COLUMN.",
        ),
    ],
    event_values: EventValues = None,
    no_event_values: NoEventValues = None,
    unit: Unit = None,
) -> None:
    """Say which columns of the patient table hold an outcome."""
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.outcomes.words import outcomes_of

    cohort = Cohort.open(folder)
    with known_words():
        found = outcomes_of(
            outcomes,
            event_values=event_values or (),
            no_event_values=no_event_values or (),
            unit=unit,
        )
        for name, settings in found.items():
            cohort.declare_outcome(name, **settings)
    _print(cohort)


@app.command("list")
def list_outcomes(folder: Folder, json: Json = False) -> None:
    """Say which outcomes are declared, on which columns, and how many patients have them."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    if json:
        for row in cohort.outcome_summary().to_dict("records"):
            out.print_json(data=row, indent=None)
    else:
        _print(cohort)


@app.command()
def remove(folder: Folder, name: Annotated[str, typer.Argument(help="Of the outcome.")]) -> None:
    """Forget an outcome; the columns of the patient table stay."""
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    cohort.drop_outcome(name)
    _print(cohort)


def _print(cohort: "Cohort") -> None:
    rows = cohort.outcome_summary()
    table = Table(*rows.columns, box=None, pad_edge=False)
    for row in rows.itertuples(index=False):
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)
    for each in cohort.report().findings:
        if each.code in ("SurvivalLabel", "DegenerateSplit"):
            out.print(f"- {each.message}", markup=False, soft_wrap=True)
