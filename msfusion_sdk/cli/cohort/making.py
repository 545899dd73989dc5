"""``msfusion cohort create`` and ``add``: tables come in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msfusion_sdk.cli.cohort.changes import print_change
from msfusion_sdk.cli.cohort.options import Folder
from msfusion_sdk.cli.cohort.outcomes import EventValues, NoEventValues, Unit
from msfusion_sdk.cli.cohort.printing import print_report
from msfusion_sdk.cli.shared.console import known_words, out, require_unused
from msfusion_sdk.cli.shared.table_options import (
    Decimal,
    Encoding,
    Layout,
    OnDuplicate,
    Separator,
    Sheet,
    table_file,
)

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort

__all__ = ["add", "create"]

RECOGNISED = (
    "{count} recognised by the names of columns, and not declared: whether the column of times and "
    "the values of events are right is yours to say."
)
NO_OUTCOME = (
    "No outcome was found: columns time_months (or another unit) with event, or diagnosis, declare "
    "one by their names. For others: msfusion cohort outcome add {folder} "
    "NAME=TIME,EVENT (or NAME=COLUMN for classes, NAME=number:COLUMN for numbers)."
)


def create(
    folder: Folder,
    patients: Annotated[
        Path, typer.Option(help="CSV, TSV, Excel or Parquet with a column patient_id.")
    ],
    slides: Annotated[
        Path | None, typer.Option(help="Table with slide_id, patient_id, path, perhaps mpp.")
    ] = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=TIME,EVENT; NAME=TIME,censored:COLUMN; NAME=COLUMN: classes; "
            "NAME=number:COLUMN."
        ),
    ] = None,
    event_values: EventValues = None,
    no_event_values: NoEventValues = None,
    unit: Unit = None,
    on_duplicate: OnDuplicate = "refuse",
    layout: Annotated[
        str | None, typer.Option(help="cbioportal, xena or gdc: the patients' table is theirs.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="With the patients, of a spreadsheet.")] = None,
    slides_sheet: Annotated[str | None, typer.Option(help="With the slides.")] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
) -> None:
    """Check the tables together, say all that is wrong at once, and make the folder.

    --separator, --decimal and --encoding are given of both tables.
    """
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.outcomes.words import outcomes_of

    with known_words():
        declared = outcomes_of(
            outcome or (),
            event_values=event_values or (),
            no_event_values=no_event_values or (),
            unit=unit,
        )
        given = (separator, decimal, encoding)
        cohort = Cohort.create(
            folder,
            patients=table_file(patients, sheet, *given),
            slides=None if slides is None else table_file(slides, slides_sheet, *given),
            outcomes=declared,
            on_duplicate=on_duplicate,  # type: ignore[arg-type]
            layout=layout,
        )
    print_report(cohort)
    _say_outcomes(cohort)


def _say_outcomes(cohort: "Cohort") -> None:
    """Say which columns look like outcomes, with the command that declares each; else how to."""
    from msfusion_sdk.cohort.intake.recognised import recognised_outcomes

    declared = cohort.manifest.outcomes
    found = recognised_outcomes(cohort.patients, declared.values())
    if found:
        count = f"{len(found)} outcome" + "s" * (len(found) > 1)
        out.print(RECOGNISED.format(count=count), markup=False, soft_wrap=True)
        for each in found:
            out.print(f"  {each.command(cohort.root)}", markup=False, soft_wrap=True)
    elif not declared:
        out.print(NO_OUTCOME.format(folder=cohort.root), markup=False, soft_wrap=True)


def add(
    folder: Folder,
    name: Annotated[
        str, typer.Argument(help="slides, patients, or of a modality: clinical, genomics, …")
    ],
    table: Annotated[Path, typer.Argument(help="CSV, TSV, Excel or Parquet.")],
    unmatched: Annotated[
        str, typer.Option(help="refuse, or report: leave out rows of unknown patients.")
    ] = "refuse",
    on_duplicate: OnDuplicate = "refuse",
    replace: Annotated[bool, typer.Option(help="Replace a modality of this name.")] = False,
    layout: Layout = None,
    adapter: Annotated[
        str | None, typer.Option(help="Whose layout it is, where NAME is no adapter: genomics.")
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(help="Table that says whose each sample is, outside TCGA.")
    ] = None,
    profiled: Annotated[
        Path | None, typer.Option(help="With --layout maf: list of everybody who was sequenced.")
    ] = None,
    sheet: Sheet = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
) -> None:
    """Add new slides or patients, or a modality: a table per patient, or a portal's file.

    A cohort grows without encoding anything again.
    The whole table of before with new rows in it adds these:
    --on-duplicate drop_identical.
    """
    from msfusion_sdk.cohort.cohort import Cohort

    cohort = Cohort.open(folder)
    given = {"layout": layout, "samples": samples, "profiled": profiled}
    with known_words():
        source = table_file(table, sheet, separator, decimal, encoding)
        grow = {"slides": cohort.add_slides, "patients": cohort.add_patients}.get(name)
        if grow is not None:
            strict = unmatched == "refuse"
            require_unused(
                f"With {name}, which are no modality,",
                {
                    **{f"--{option}": value for option, value in given.items()},
                    "--adapter": adapter,
                    "--replace": replace,
                    "--unmatched": None if strict else unmatched,
                },
            )
            print_change(grow(source, on_duplicate=on_duplicate))  # type: ignore[arg-type]
            return
        cohort.add_modality(
            name,
            source,
            unmatched=unmatched,  # type: ignore[arg-type]
            on_duplicate=on_duplicate,  # type: ignore[arg-type]
            replace=replace,
            adapter=adapter,
            layout=layout,
            samples=samples,
            profiled=profiled,
        )
    print_report(cohort)
