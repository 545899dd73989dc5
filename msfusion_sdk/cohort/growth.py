"""How a cohort grows and is mended: nothing that is encoded and stays the same is encoded again."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import pyarrow as pa

from msfusion_sdk.cohort.changes.forgetting import forget_slides
from msfusion_sdk.cohort.changes.moving import (
    Moved,
    have_stayed,
    look_at_moved,
    relocated,
    require_some_there,
)
from msfusion_sdk.cohort.changes.result import CohortChange
from msfusion_sdk.cohort.changes.tables import CohortTables, joined, where, without_known
from msfusion_sdk.cohort.folder.layout import modality_names, modality_path
from msfusion_sdk.cohort.folder.manifest import CohortManifest
from msfusion_sdk.cohort.folder.moves import note_moves
from msfusion_sdk.cohort.intake.contents import report_on
from msfusion_sdk.cohort.intake.creation import OnDuplicate
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.storage.schema import read_notes, read_stored, write_stored
from msfusion_sdk.tables.arrow import TableSource, name_of, read_table
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.issues import CohortReport
from msfusion_sdk.tables.paths import absolute_place, place_of, stored_place
from msfusion_sdk.tables.slide_table import SLIDE_ID, read_slides

__all__ = ["CohortGrowth"]


class CohortGrowth:
    """The changes of a cohort's rows; ``Cohort`` has them."""

    root: Path
    manifest: CohortManifest

    def add_slides(
        self, source: TableSource, *, on_duplicate: OnDuplicate = "refuse"
    ) -> CohortChange:
        """Add slides; the next ``encode`` encodes these alone.

        Parameters
        ----------
        source : path or table
            As ``slides`` of ``create``.
        on_duplicate : 'refuse' or 'drop_identical'
            Whether rows that the cohort has already, equal in every cell, are left out: for the
            whole table of before with new rows in it.

        Raises
        ------
        TableError
            One of its kinds, with all that is wrong.  Nothing is written then.
        """
        tables, new = CohortTables(self.root, self.manifest), read_slides(source)
        before = None if tables.slides is None else tables.slides.table
        known = 0
        if before is not None and on_duplicate == "drop_identical":
            new, known = without_known(before, new, SLIDE_ID)
        if new.num_rows:
            rows = new if before is None else joined(before, new, name_of(source))
            self._changed(tables.replace(slides=rows))
        return CohortChange(added=new.num_rows, already_there=known, report=self._report())

    def add_patients(
        self, source: TableSource, *, on_duplicate: OnDuplicate = "refuse"
    ) -> CohortChange:
        """Add patients; columns that the cohort lacks are empty for those of before.

        Parameters
        ----------
        source : path or table
            As ``patients`` of ``create``.
        on_duplicate : 'refuse' or 'drop_identical'
            As of :meth:`add_slides`.

        Raises
        ------
        TableError
            One of its kinds, with all that is wrong.  Nothing is written then.
        """
        tables = CohortTables(self.root, self.manifest)
        before, new = tables.patients.table, read_table(source, id_columns=(ID_COLUMN,))
        known = 0
        if on_duplicate == "drop_identical":
            new, known = without_known(before, new, ID_COLUMN)
        if new.num_rows:
            self._changed(tables.replace(patients=joined(before, new, name_of(source))))
        return CohortChange(added=new.num_rows, already_there=known, report=self._report())

    def set_slide(
        self,
        slide_id: str,
        *,
        path: str | Path | None = None,
        mpp: float | Literal["header"] | None = None,
        patient_id: str | None = None,
    ) -> CohortChange:
        """Mend a row of the slide table; what is not given stays as it is.

        Parameters
        ----------
        slide_id : str
        path : path, optional
            Where the file is now, or its address.  Results stay when it is seen to be the same
            slide.
        mpp : float or 'header', optional
            µm per pixel of level 0, or what the file itself says.  Another spacing means that the
            slide is encoded again.
        patient_id : str, optional
            Whose it is.

        Raises
        ------
        TableError
            When there is no such slide, patient or file, or the spacing cannot be true.
        """
        tables = CohortTables(self.root, self.manifest)
        row = self._slides_of(tables, [slide_id])[slide_id]
        if path is None and mpp is None and patient_id is None:
            msg = (
                "Nothing was given to set: path= (--path), mpp= (--mpp) or patient_id= (--patient)."
            )
            raise TableError(msg)
        new = dict(row)
        if path is not None:
            new["path"] = stored_place(absolute_place(path))
        if mpp is not None:
            new["mpp"] = None if mpp == "header" else float(mpp)
        if patient_id is not None:
            new[ID_COLUMN] = patient_id
        return self._set_rows(tables, {slide_id: new})

    def fill_spacings(self, mpp: float) -> CohortChange:
        """Write a spacing for every slide that has none in the slide table.

        Parameters
        ----------
        mpp : float
            µm per pixel of level 0; wins over the files' headers.

        Raises
        ------
        TableError
            When it cannot be true.
        """
        tables = CohortTables(self.root, self.manifest)
        rows = self._slides_of(tables, None)
        new = {name: {**row, "mpp": mpp} for name, row in rows.items() if row["mpp"] is None}
        if not new:
            return CohortChange(report=self._report())
        return self._set_rows(tables, new)

    def relocate(self, old: str | Path, new: str | Path) -> CohortChange:
        """Follow slides that were moved: every path that is ``old``, or lies in it, is at ``new``.

        A slide that is still at its old place, and not at the new one, is left as it is.
        Results stay where the file has the same size and time, is equal to the old one where that
        is still there, or has the same size and OpenSlide's hash.  No pixel is read.

        Parameters
        ----------
        old, new : path
            A folder, a file or an address, before and after.

        Raises
        ------
        TableError
            When no slide lies at ``old``, or none of the files is at ``new``.
        """
        tables = CohortTables(self.root, self.manifest)
        rows = self._slides_of(tables, None)
        places = {name: place_of(row) for name, row in rows.items()}
        found = relocated(places, absolute_place(old), absolute_place(new))
        stayed = have_stayed(places, found)
        # By hash: a cohort may have hundreds of thousands of slides, half of which stayed.
        left = set(stayed)
        moved = {name: place for name, place in found.items() if name not in left}
        changed = {
            name: {**rows[name], "path": stored_place(place)} for name, place in moved.items()
        }
        return self._set_rows(tables, changed).model_copy(update={"stayed": stayed})

    def remove(
        self, *, slides: Collection[str] = (), patients: Collection[str] = ()
    ) -> CohortChange:
        """Take slides and patients out, with all results and rows; not while it is encoded.

        Parameters
        ----------
        slides : collection of str
            Their ids.
        patients : collection of str
            Their ids; their slides and their rows of every modality go too.

        Raises
        ------
        TableError
            When one is not in the cohort, or an outcome would be left without labels.
        StoreError
            When something cannot be removed.  The same call again goes on.
        """
        tables = CohortTables(self.root, self.manifest)
        people = tables.patients.table
        unknown = sorted(set(patients) - set(people.column(ID_COLUMN).to_pylist()))
        if unknown:
            msg = f"The cohort has no patient {first_few(unknown)}. Nothing was removed."
            raise TableError(msg)
        rows = self._slides_of(tables, None)
        gone = {name for name, row in rows.items() if row[ID_COLUMN] in set(patients)}
        gone |= set(self._slides_of(tables, list(slides)))
        # First the tables are checked as they will be, then results go, then the rows: a process
        # that is killed in between leaves rows with which the same call goes on.
        left = where(people, ID_COLUMN, set(patients), is_in=False) if patients else None
        slides_left = None
        if gone and tables.slides is not None:
            slides_left = where(tables.slides.table, SLIDE_ID, gone, is_in=False)
        tables.check(patients=left, slides=slides_left)
        forget_slides(self.root, gone)
        for name in modality_names(self.root) if patients else ():
            _drop_rows(modality_path(self.root, name), set(patients))
        self._changed(tables.replace(patients=left, slides=slides_left))
        return CohortChange(
            removed=len(gone), removed_patients=len(set(patients)), report=self._report()
        )

    def _set_rows(self, tables: CohortTables, new: dict[str, dict[str, object]]) -> CohortChange:
        """Replace rows of the slide table, by slide id."""
        assert tables.slides is not None
        before = tables.slides.table
        rows = {row[SLIDE_ID]: row for row in before.to_pylist()}
        moved = {name for name, row in new.items() if row["path"] != rows[name]["path"]}
        table = pa.Table.from_pylist(
            [new.get(name, row) for name, row in rows.items()], schema=before.schema
        )
        tables.check(slides=table)
        places = {name: place_of(new[name]) for name in moved}
        found = look_at_moved(
            self.root,
            {name: place_of(rows[name]) for name in moved},
            places,
            {name: new[name]["mpp"] for name in moved},  # type: ignore[misc]
        )
        require_some_there(places, found.missing)
        note_moves(self.root, found.moves)
        self._changed(tables.replace(slides=table))
        return _change_of(new, found, self._report())

    def _slides_of(
        self, tables: CohortTables, slide_ids: Collection[str] | None
    ) -> dict[str, dict[str, object]]:
        """Return rows by slide id, all for None; refuse ids that are not there."""
        rows = [] if tables.slides is None else tables.slides.table.to_pylist()
        known = {row[SLIDE_ID]: row for row in rows}
        if slide_ids is None:
            return known
        unknown = sorted(set(slide_ids) - set(known))
        if unknown:
            msg = f"The cohort has no slide {first_few(unknown)} (it has {len(known)} slides)."
            raise TableError(msg)
        return {name: known[name] for name in slide_ids}

    def _changed(self, manifest: CohortManifest) -> None:
        """Take over a manifest, and read the tables anew when they are asked for."""
        self.manifest = manifest
        for name in ("patients", "slides"):
            self.__dict__.pop(name, None)

    def _report(self) -> CohortReport:
        tables = CohortTables(self.root, self.manifest)
        notes = {
            name: read_notes(modality_path(self.root, name), "modality")
            for name in modality_names(self.root)
        }
        n_slides = 0 if tables.slides is None else tables.slides.table.num_rows
        return report_on(tables.patients.table, n_slides, self.manifest, notes)


def _change_of(
    new: dict[str, dict[str, object]], found: Moved, report: CohortReport
) -> CohortChange:
    return CohortChange(
        changed=len(new),
        kept_results=found.kept,
        to_encode=found.changed,
        missing=found.missing,
        report=report,
    )


def _drop_rows(path: Path, patients: set[str]) -> None:
    table, notes = read_stored(path, "modality")
    kept = where(table, ID_COLUMN, patients, is_in=False)
    if kept.num_rows < table.num_rows:
        write_stored(path, kept, {**notes, "n_patients": kept.num_rows}, kind="modality")
