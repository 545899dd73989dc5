"""The tables of a cohort after a change: joined, and checked as those of a new one are."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from msfusion_sdk.cohort.folder.layout import patients_path, slides_path
from msfusion_sdk.cohort.folder.manifest import CohortManifest, write_manifest
from msfusion_sdk.cohort.intake.creation import (
    Checked,
    identical_rows,
    labels_of,
    slide_issues,
)
from msfusion_sdk.errors import TableError
from msfusion_sdk.outcomes.declaration import Declaration, standard_outcomes
from msfusion_sdk.storage.schema import read_stored, write_stored
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.ids import find_bad_ids, find_repeated_ids
from msfusion_sdk.tables.issues import Issue, issue, require_no_errors
from msfusion_sdk.tables.slide_table import SLIDE_ID

__all__ = ["CohortTables", "joined", "where", "without_known"]


class CohortTables:
    """The patient and slide tables of a cohort, to be replaced together.

    Parameters
    ----------
    root : Path
        Of the cohort.
    manifest : CohortManifest
        As it is now.
    """

    def __init__(self, root: Path, manifest: CohortManifest) -> None:
        self.root, self.manifest = root, manifest
        self.patients = Checked(*read_stored(patients_path(root), "patients"))
        path = slides_path(root)
        self.slides = Checked(*read_stored(path, "slides")) if path.exists() else None

    def check(
        self, *, patients: pa.Table | None = None, slides: pa.Table | None = None
    ) -> CohortManifest:
        """Return the manifest of a cohort with these tables, or raise all that is wrong."""
        people = self.patients.table if patients is None else patients
        before = None if self.slides is None else self.slides.table
        rows = before if slides is None else slides
        # Of columns that are new; one that was dropped does not come back.
        known = standard_outcomes(self.patients.table.column_names)
        new = {
            name: declared
            for name, declared in standard_outcomes(people.column_names).items()
            if name not in known
        }
        outcomes = {**new, **self.manifest.outcomes}
        findings = _checked(people, rows, outcomes)
        return self.manifest.model_copy(update={"outcomes": outcomes, "findings": findings})

    def replace(
        self, *, patients: pa.Table | None = None, slides: pa.Table | None = None
    ) -> CohortManifest:
        """Check tables that replace those of now, write them, and return the manifest.

        Raises
        ------
        TableError
            One of its kinds, with all that is wrong.  Nothing is written then.
        StoreError
            When something cannot be written.
        """
        manifest = self.check(patients=patients, slides=slides)
        # Patients first: a slide of a patient who is not there yet would make no sense.
        if patients is not None:
            write_stored(patients_path(self.root), patients, self.patients.notes, kind="patients")
        if slides is not None:
            none = {"source": "", "source_sha256": None}
            notes = none if self.slides is None else self.slides.notes
            write_stored(slides_path(self.root), slides, notes, kind="slides")
        write_manifest(self.root, manifest)
        return manifest


def joined(before: pa.Table, new: pa.Table, what: str) -> pa.Table:
    """Return the rows of both tables; a column that one of them lacks is empty there.

    Raises
    ------
    TableError
        When a column holds another kind of values in each.
    """
    for name in before.column_names:
        if name not in new.column_names:
            continue
        kinds = before.schema.field(name).type, new.schema.field(name).type
        if not _go_together(*kinds):
            msg = (
                f"Column {name!r} of {what} holds {kinds[1]}, and {kinds[0]} in the cohort. Write "
                "its values as in the cohort."
            )
            raise TableError(msg)
    return pa.concat_tables([before, new], promote_options="permissive")


def without_known(before: pa.Table, new: pa.Table, key: str) -> tuple[pa.Table, int]:
    """Return the rows of ``new`` that no row of ``before`` equals, and how many do.

    Cells of columns that one of the tables lacks count as empty.
    """
    columns = list(dict.fromkeys([*before.column_names, *new.column_names]))
    known = dict(zip(before.column(key).to_pylist(), before.to_pylist(), strict=True))
    kept = []
    for place, row in enumerate(new.to_pylist()):
        old = known.get(row[key])
        if old is None or any(_cell(old.get(c)) != _cell(row.get(c)) for c in columns):
            kept.append(place)
    return new.take(pa.array(kept, pa.int64())), new.num_rows - len(kept)


def _cell(value: object) -> object:
    if isinstance(value, bool | int):
        return float(value)
    return None if value != value else value


def _go_together(one: pa.DataType, other: pa.DataType) -> bool:
    if one == other or pa.types.is_null(one) or pa.types.is_null(other):
        return True
    numbers = (pa.types.is_integer, pa.types.is_floating)
    return all(any(test(kind) for test in numbers) for kind in (one, other))


def _checked(
    patients: pa.Table, slides: pa.Table | None, outcomes: Mapping[str, Declaration]
) -> tuple[Issue, ...]:
    """Return remarks on the tables, or raise one error that lists all that is wrong."""
    ids, what = patients.column(ID_COLUMN).to_pylist(), "patient ids of the cohort"
    same = len(identical_rows(patients, ID_COLUMN))
    found = [*find_bad_ids(ids, what), *find_repeated_ids(ids, what, identical=same)]
    if slides is not None:
        names = slides.column(SLIDE_ID).to_pylist()
        found += find_repeated_ids(
            names,
            "slide ids of the cohort",
            identical=len(identical_rows(slides, SLIDE_ID)),
            places=slides.column("path").to_pylist(),
        )
        found += slide_issues(slides, ids, "the slide table")
    of_outcomes: list[Issue] = []
    for name, declared in outcomes.items():
        lacking = [column for column in declared.columns if column not in patients.column_names]
        message = f"Outcome {name!r} needs the column {lacking[:1]}, which is gone."
        of_outcomes += issue("Table", len(lacking), message)
        if not lacking:
            # That there is one class only is said when somebody learns from it.
            found_here = labels_of(patients, declared)[1]
            of_outcomes += [each for each in found_here if each.code != "DegenerateSplit"]
    require_no_errors([*found, *of_outcomes])
    return tuple(found)


def where(table: pa.Table, key: str, values: set[str], *, is_in: bool) -> pa.Table:
    """Return the rows whose ``key`` is, or is not, among ``values``."""
    mask = pc.is_in(table.column(key), pa.array(sorted(values), pa.string()))
    return table.filter(mask if is_in else pc.invert(mask))
