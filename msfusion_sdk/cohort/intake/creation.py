"""The tables of a new cohort: read, checked together, and described."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
import pyarrow as pa

from msfusion_sdk.cohort.intake.layouts import LayoutChoice, read_in_layout
from msfusion_sdk.errors import TableError
from msfusion_sdk.outcomes.class_labels import class_labels
from msfusion_sdk.outcomes.declaration import Declaration, declared, standard_outcomes
from msfusion_sdk.outcomes.number_labels import number_labels
from msfusion_sdk.outcomes.survival_labels import survival_labels
from msfusion_sdk.outcomes.words import with_event_values
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.arrow import TableSource, name_of, read_table
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.ids import find_bad_ids, find_repeated_ids, find_unknown_ids
from msfusion_sdk.tables.issues import Issue, issue, note, require_no_errors
from msfusion_sdk.tables.slide_table import SLIDE_ID, find_bad_paths, find_bad_spacings, read_slides

__all__ = [
    "Checked",
    "CheckedCohort",
    "OnDuplicate",
    "read_cohort_tables",
    "labels_of",
    "origin_of",
    "single_rows",
    "slide_issues",
]

OnDuplicate = Literal["refuse", "drop_identical"]


class Checked(NamedTuple):
    """A table that may be stored, and what is noted beside it."""

    table: pa.Table
    notes: dict[str, Any]
    """JSON: name and SHA-256 of the source."""


class CheckedCohort(NamedTuple):
    """What a cohort is created from."""

    patients: Checked
    slides: Checked | None
    outcomes: dict[str, Declaration]
    findings: tuple[Issue, ...]
    """Remarks on ids and files; an error would have been raised."""


def read_cohort_tables(
    patients: TableSource,
    slides: TableSource | None,
    outcomes: Mapping[str, Mapping[str, object]],
    *,
    on_duplicate: OnDuplicate,
    layout: LayoutChoice | None = None,
) -> CheckedCohort:
    """Return the tables of a cohort, or raise one error that lists all that is wrong with them."""
    what = f"patient ids of {name_of(patients)}"
    read, remarks = (patients, []) if layout is None else read_in_layout(patients, layout)
    table = read_table(read, id_columns=(ID_COLUMN,))
    table, issues = single_rows(table, ID_COLUMN, what, on_duplicate)
    issues += remarks
    ids = table.column(ID_COLUMN).to_pylist()
    issues += find_bad_ids(ids, what)
    known, of_outcomes = _read_outcomes(table, outcomes)
    stored_slides = None
    if slides is not None:
        stored_slides, of_slides = _read_slides(slides, ids, on_duplicate)
        issues += of_slides
    # All at once, so that a table has to be corrected one time and not ten.
    require_no_errors([*issues, *of_outcomes])
    return CheckedCohort(Checked(table, origin_of(patients)), stored_slides, known, tuple(issues))


def single_rows(
    table: pa.Table, key: str, what: str, on_duplicate: OnDuplicate, place: str | None = None
) -> tuple[pa.Table, list[Issue]]:
    """Return the table with one row per id, or issues that say why it cannot be had.

    Parameters
    ----------
    what : str
        Whose ids they are, for the message.
    on_duplicate : 'refuse' or 'drop_identical'
        Whether rows that repeat another one in every cell are left out, and remarked on.
    place : str, optional
        A column to be named beside an id that occurs twice.
    """
    identical = identical_rows(table, key)
    issues = []
    if identical and on_duplicate == "drop_identical":
        kept = [row for row in range(table.num_rows) if row not in identical]
        table = table.take(pa.array(kept))
        message = f"{len(identical)} rows that repeat another one were left out ({what})."
        issues = note("DuplicateId", len(identical), message)
        identical = set()
    ids = table.column(key).to_pylist()
    # Blank ids have an error of their own, and are no repetition of each other.
    named = [row for row, name in enumerate(ids) if name and name.strip()]
    places = table.column(place).to_pylist() if place else None
    return table, issues + find_repeated_ids(
        [ids[row] for row in named],
        what,
        identical=len(identical),
        places=[places[row] for row in named] if places else None,
    )


def labels_of(
    table: pa.Table, outcome: Declaration
) -> tuple["pd.DataFrame | pd.Series[Any]", list[Issue]]:
    """Return the labels that an outcome declares, and what was found about them."""
    if outcome.kind == "survival":
        return survival_labels(table, outcome)
    if outcome.kind == "number":
        return number_labels(table, outcome)
    return class_labels(table, outcome)


def origin_of(source: TableSource) -> dict[str, Any]:
    """Return what a table is called, and the SHA-256 of its file, if it is one."""
    path = source.path if isinstance(source, TableFile) else source
    if not isinstance(path, str | Path):
        return {"source": name_of(source), "source_sha256": None}
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"source": name_of(source), "source_sha256": digest}


def identical_rows(table: pa.Table, key: str) -> set[int]:
    """Return the numbers of rows that repeat an earlier one in every cell."""
    ids = pd.Series(table.column(key).to_pylist(), dtype=object)
    repeated = ids.index[ids.duplicated(keep=False)].tolist()
    seen: set[str] = set()
    identical = set()
    for row, cells in zip(
        repeated, table.take(pa.array(repeated, pa.int64())).to_pylist(), strict=True
    ):
        # As text, because NaN does not equal itself and lists cannot be in a set.
        text = repr(cells)
        if text in seen:
            identical.add(row)
        seen.add(text)
    return identical


def _read_outcomes(
    table: pa.Table, given: Mapping[str, Mapping[str, object]]
) -> tuple[dict[str, Declaration], list[Issue]]:
    outcomes: dict[str, Declaration] = {}
    issues: list[Issue] = []
    for name, settings in given.items():
        try:
            chosen = with_event_values(settings, table)
            outcomes[name] = declared(name, table.column_names, **chosen)
        except TableError as error:
            issues += issue("SurvivalLabel", 1, str(error))
    for name in outcomes:
        # Labels are made here only for what is wrong with them.
        issues += labels_of(table, outcomes[name])[1]
    for name, outcome in standard_outcomes(table.column_names).items():
        if name in given:
            continue
        outcomes[name] = outcome
        # Nobody asked for this outcome, so one that decides nothing is no reason to refuse.
        issues += [
            each.model_copy(update={"is_error": False}) if each.code == "DegenerateSplit" else each
            for each in labels_of(table, outcome)[1]
        ]
    return outcomes, issues


def _read_slides(
    source: TableSource, patient_ids: Sequence[str], on_duplicate: OnDuplicate
) -> tuple[Checked, list[Issue]]:
    table, issues = single_rows(
        read_slides(source), SLIDE_ID, f"slide ids of {name_of(source)}", on_duplicate, place="path"
    )
    found = slide_issues(table, patient_ids, name_of(source))
    return Checked(table, origin_of(source)), [*issues, *found]


def slide_issues(table: pa.Table, patient_ids: Sequence[str], name: str) -> list[Issue]:
    """Return what is wrong or remarkable in a slide table, repeated ids apart.

    Parameters
    ----------
    table : Arrow table
        As ``read_slides`` returns it.
    patient_ids : sequence of str
        Of the cohort.
    name : str
        What the table is called.
    """
    of_slides, of_patients = f"slide ids of {name}", f"patient ids of {name}"
    owners = table.column(ID_COLUMN).to_pylist()
    named = [owner for owner in owners if owner and owner.strip()]
    having = set(named)
    without = [patient for patient in patient_ids if patient not in having]
    return [
        *find_bad_ids(table.column(SLIDE_ID).to_pylist(), of_slides),
        *find_bad_ids(owners, of_patients),
        *find_unknown_ids(named, patient_ids, of_patients, "the patient table"),
        *note(
            "IdMismatch",
            len(without),
            f"{len(without)} of {len(patient_ids)} patients have no slide (first: "
            f"{first_few(without)}).",
        ),
        *find_bad_spacings(table, name),
        *find_bad_paths(table),
    ]
