"""What a cohort holds: its tables, modalities and outcomes, read from its folder."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from msfusion_sdk.cohort.folder.layout import (
    modality_names,
    modality_path,
    patients_path,
    slides_path,
)
from msfusion_sdk.cohort.folder.manifest import CohortManifest
from msfusion_sdk.cohort.intake.contents import count_patterns, report_on
from msfusion_sdk.errors import StoreError, TableError
from msfusion_sdk.files import entries_of
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.plugins import drawn
from msfusion_sdk.storage.schema import read_column, read_notes, read_stored
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.issues import CohortReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CohortContents"]

_SHOWN = 6
"""Names of modalities and outcomes in a line."""


class CohortContents:
    """The rows of a cohort; ``Cohort`` has them."""

    def __init__(self, root: Path, manifest: CohortManifest) -> None:
        self.root = root
        self.manifest = manifest

    def __repr__(self) -> str:
        return one_line("Cohort", [repr(str(self.root)), *self._facts().values()])

    def _repr_html_(self) -> str:
        return html_table(f"Cohort {self.root}", self._facts())

    def _facts(self) -> dict[str, str]:
        try:
            patients = self.patients.num_rows
            slides = 0 if self.slides is None else self.slides.num_rows
            modalities = self.modalities
        # Shown in place of numbers: whoever looks at a damaged cohort has to see that it is.
        except StoreError as error:
            return {"state": f"cannot be read [{error.code}]"}
        return {
            "patients": f"{patients} patients",
            "slides": f"{slides} slides",
            "modalities": _listed("modalities", modalities),
            "outcomes": _listed("outcomes", list(self.manifest.outcomes)),
        }

    @cached_property
    def patients(self) -> pa.Table:
        """The patient table: ``patient_id`` and the other columns as they were given."""
        return read_stored(patients_path(self.root), "patients")[0]

    @cached_property
    def slides(self) -> pa.Table | None:
        """The slide table, or None; ``slide_table.path_of(row)`` gives a row's file."""
        path = slides_path(self.root)
        return read_stored(path, "slides")[0] if path in entries_of(self.root) else None

    @property
    def patient_ids(self) -> list[str]:
        """The patients, in the order of their table."""
        return list(self.patients.column(ID_COLUMN).to_pylist())

    @property
    def modalities(self) -> list[str]:
        """The names of the modalities, sorted."""
        return modality_names(self.root)

    def modality(self, name: str) -> pd.DataFrame:
        """Return the table of a modality, indexed by patient_id; its patients only.

        Raises
        ------
        TableError
            When the cohort has no such modality.
        """
        if name not in self.modalities:
            known = ", ".join(self.modalities) or "none"
            msg = (
                f"The cohort has no modality {name!r} (known: {known}). Add it: add_modality, in "
                "the shell msfusion cohort add."
            )
            raise TableError(msg)
        table, _ = read_stored(modality_path(self.root, name), "modality")
        return _indexed(table)

    def completeness(self) -> pd.DataFrame:
        """Return how many patients have which modalities, the most frequent pattern first.

        Returns
        -------
        DataFrame
            A column of booleans per modality, ``slide`` first, and ``patients``.  A patient
            has the slide modality with one row in the slide table, encoded or not.
        """
        slides = self.slides
        having = {"slide": [] if slides is None else slides.column(ID_COLUMN).to_pylist()}
        for name in self.modalities:
            path = modality_path(self.root, name)
            having[name] = read_column(path, "modality", ID_COLUMN)
        return count_patterns(self.patient_ids, having)

    def plot_completeness(self) -> "Figure":
        """Draw :meth:`completeness`: a row per combination, and how many patients have it."""
        return drawn("completeness", self.completeness())

    def report(self) -> CohortReport:
        """Return what the cohort holds, and what was remarked when its tables were checked."""
        notes = {
            name: read_notes(modality_path(self.root, name), "modality") for name in self.modalities
        }
        n_slides = 0 if self.slides is None else self.slides.num_rows
        return report_on(self.patients, n_slides, self.manifest, notes)

    def _slide_frame(self) -> pd.DataFrame:
        """Return slide_id and patient_id of every slide."""
        columns = ["slide_id", ID_COLUMN]
        if self.slides is None:
            return pd.DataFrame(columns=columns)
        frame: pd.DataFrame = self.slides.select(columns).to_pandas()
        return frame


def _indexed(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    frame.index = pd.Index(frame.pop(ID_COLUMN), name=ID_COLUMN, dtype=object)
    return frame


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what} {', '.join(names[:_SHOWN])}{more}" if names else ""
