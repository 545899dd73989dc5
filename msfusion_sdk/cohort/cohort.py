"""A cohort: patients, their slides, their modalities and outcomes, in one folder."""

import warnings
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

import pandas as pd
import pyarrow as pa

from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.export.bags import patient_bags
from msfusion_sdk.cohort.export.export import ExportReport, Level, export_cohort
from msfusion_sdk.cohort.folder.layout import (
    modality_names,
    modality_path,
    patients_path,
    slides_path,
)
from msfusion_sdk.cohort.folder.manifest import CohortManifest, read_manifest, write_manifest
from msfusion_sdk.cohort.growth import CohortGrowth
from msfusion_sdk.cohort.intake.contents import count_patterns, report_on, summarise_outcomes
from msfusion_sdk.cohort.intake.creation import OnDuplicate, labels_of, read_cohort_tables
from msfusion_sdk.cohort.intake.layouts import LayoutChoice
from msfusion_sdk.cohort.intake.modality import (
    Unmatched,
    read_modality_table,
    require_modality_name,
)
from msfusion_sdk.cohort.intake.writing import require_new_cohort, write_cohort
from msfusion_sdk.cohort.store.aggregate import SlideUse
from msfusion_sdk.cohort.store.status import CohortStatus, choose_model, cohort_status, models_of
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts, patient_vectors
from msfusion_sdk.cohort.workers.settings import RunOptions, RunSettings
from msfusion_sdk.deprecation import renamed_argument
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import entries_of, made_folder
from msfusion_sdk.outcomes.declaration import TimeUnit, declared
from msfusion_sdk.outcomes.outcome import Kind
from msfusion_sdk.outcomes.words import with_event_values
from msfusion_sdk.phrases import first_few
from msfusion_sdk.storage.schema import read_column, read_notes, read_stored, write_stored
from msfusion_sdk.tables.arrow import TableSource
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.issues import CohortReport, require_no_errors
from msfusion_sdk.tables.paths import path_of

if TYPE_CHECKING:
    from msfusion_sdk.cohort.encoding.run import EncodingRun
    from msfusion_sdk.cohort.encoding.showing import RunProgressLike
    from msfusion_sdk.cohort.export.patch_features import PatchFeatures
    from msfusion_sdk.cohort.intake.attach import AttachReport
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

__all__ = ["Cohort", "OutcomeWarning"]


class OutcomeWarning(UserWarning):
    """Labels that can be true and more often are a mistake."""


class Cohort(CohortGrowth):
    """Patients linked to slides, modalities and outcomes; make one with ``create`` or ``open``.

    Parameters
    ----------
    root : Path
        Its folder.
    manifest : CohortManifest
        What ``cohort.json`` in it says.
    """

    def __init__(self, root: Path, manifest: CohortManifest) -> None:
        self.root = root
        self.manifest = manifest

    def __repr__(self) -> str:
        return f"Cohort({str(self.root)!r})"

    @classmethod
    def create(
        cls,
        folder: str | Path,
        *,
        patients: TableSource,
        slides: TableSource | None = None,
        outcomes: Mapping[str, Mapping[str, object]] | None = None,
        on_duplicate: OnDuplicate = "refuse",
        layout: str | None = None,
    ) -> Self:
        """Check the tables together and store them in a new folder.

        Parameters
        ----------
        folder : path
            New or empty.
        patients : path, TableFile or table
            A row per patient: ``patient_id`` and any other columns, outcomes among them.
        slides : path, TableFile or table, optional
            A row per slide: ``slide_id``, ``patient_id``, ``path`` (in a file relative to its
            folder) and perhaps ``mpp``, µm per pixel, for slides that do not state it.
        outcomes : mapping, optional
            By name, the arguments of ``declare_outcome``.  The columns ``time_months`` (or
            another unit) with ``event``, and ``diagnosis``, need no declaration.
        on_duplicate : 'refuse' or 'drop_identical'
            Whether rows that repeat another one in every cell are left out.
        layout : str, optional
            Of ``patients``, where it is a clinical file of ``"cbioportal"``, ``"xena"`` or the
            ``"gdc"``.

        Raises
        ------
        TableError
            One of its kinds, with all that is wrong in all tables.  Nothing is written.
        StoreError
            When the folder is in use or cannot be written.
        """
        root = Path(folder)
        require_new_cohort(root)
        choice = None if layout is None else LayoutChoice("clinical", {"layout": layout})
        checked = read_cohort_tables(
            patients, slides, outcomes or {}, on_duplicate=on_duplicate, layout=choice
        )
        return cls(root, write_cohort(root, checked))

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Return the cohort in a folder.

        Raises
        ------
        StoreSchemaError, StoreCorruptError
            When there is none, it is of a newer version, or ``cohort.json`` is damaged.
        """
        return cls(Path(folder), read_manifest(Path(folder)))

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

    def add_modality(
        self,
        name: str,
        source: TableSource,
        *,
        unmatched: Unmatched = "refuse",
        on_duplicate: OnDuplicate = "refuse",
        replace: bool = False,
        adapter: str | None = None,
        **reading: object,
    ) -> None:
        """Check a table of one row per patient and store it.

        Parameters
        ----------
        name : str
            Small letters, digits, underscores; that of an adapter, to be read by it.
        source : path, TableFile or table
            CSV, TSV, Excel or Parquet with ``patient_id``, or a table.
        unmatched : 'refuse' or 'report'
            Whether rows of patients that the cohort lacks are an error, or are left out and
            reported.
        on_duplicate : 'refuse' or 'drop_identical'
            Whether rows that repeat another one in every cell are left out.
        replace : bool
            Whether a modality of this name may be replaced.
        adapter : str, optional
            Whose layout the file has, when the modality is not called like an adapter.
        **reading
            Settings of that adapter, for files in another layout: ``layout="cbioportal"``,
            ``"xena"``, ``"maf"`` or ``"gdc"``, with ``samples=`` and ``profiled=`` for genomics.

        Raises
        ------
        TableError
            One of its kinds, with all that is wrong.  Nothing is written.
        """
        require_modality_name(name)
        path = modality_path(self.root, name)
        if name in self.modalities and not replace:
            msg = f"The cohort has a modality {name!r}. Pass replace=True, or another name."
            raise TableError(msg)
        # Without settings a table is taken as it is, even if the modality is called like an
        # adapter.
        layout = LayoutChoice(adapter or name, reading) if reading or adapter else None
        checked = read_modality_table(
            source,
            self.patient_ids,
            unmatched=unmatched,
            on_duplicate=on_duplicate,
            layout=layout,
        )
        made_folder(path.parent)
        write_stored(path, *checked, kind="modality")

    def modality(self, name: str) -> pd.DataFrame:
        """Return the table of a modality, indexed by patient_id; its patients only.

        Raises
        ------
        TableError
            When the cohort has no such modality.
        """
        if name not in self.modalities:
            known = ", ".join(self.modalities) or "none"
            msg = f"The cohort has no modality {name!r} (known: {known}). Add it with add_modality."
            raise TableError(msg)
        table, _ = read_stored(modality_path(self.root, name), "modality")
        return _indexed(table)

    @renamed_argument("slides", "aggregate", since="0.2", removal="0.3")
    def tables(
        self, aggregate: SlideUse = "weighted", *, model: str | None = None
    ) -> dict[str, pd.DataFrame]:
        """Return all tables by name, each indexed by patient_id: what estimators take.

        A patient who lacks a modality has no row in its table.  With encoded slides there is
        also ``slide``: columns ``v0000`` …, its ``attrs["n_slides"]`` the number of slides
        that went into each patient's vector.

        Parameters
        ----------
        aggregate : 'weighted', 'mean' or 'all'
            How a patient's slides become one vector: mean weighted by tissue area, plain
            mean, or a row for each, indexed by patient_id and slide_id.
        model : str, optional
            The first letters of a fingerprint, when several models have encoded the slides.
        """
        tables = {name: self.modality(name) for name in self.modalities}
        # Without any model there are no vectors to choose among; a model that is named must exist.
        if model is None and not models_of(self.root):
            return tables
        fingerprint = choose_model(self.root, model)
        rows = self._slide_frame()
        parts = load_parts(self.root, list(rows["slide_id"]), fingerprint)
        return {"slide": patient_vectors(rows, parts, aggregate), **tables}

    def patches(self, *, model: str | None = None) -> pd.DataFrame:
        """Return the patch vectors as a bag per patient: what the adapter ``patches`` takes.

        Holds where the vectors lie; they are read when somebody learns from them.  A patient
        without an encoded slide, or with empty ones only, has no row.

        Parameters
        ----------
        model : str, optional
            The first letters of a fingerprint, when several models have encoded the slides.

        Raises
        ------
        StoreError
            When no slide is encoded, or slides were encoded without their patches.
        """
        fingerprint = choose_model(self.root, model)
        return patient_bags(self.root, self._slide_frame(), fingerprint)

    def encode(
        self,
        encoder: "SlideEncoder",
        *,
        preset: str | None = None,
        mpp: float | None = None,
        progress: "RunProgressLike" = None,
        **settings: Unpack[RunOptions],
    ) -> "EncodingRun":
        """Encode every slide that has no part of this model yet; one bad slide stops nothing.

        Each result is committed as soon as it is there: call it again after any interruption
        to go on, and from as many processes and machines as share the folder.

        Parameters
        ----------
        encoder : SlideEncoder
        preset : str, optional
            Settings of tissue and patches by name, such as 'auto' or 'biopsy'; they are part of
            the fingerprint.
        mpp : float, optional
            µm per pixel of every slide that has none in the slide table, into which it is written;
            wins over the headers.
        progress : callable, None or False
            Called several times a second with a ``RunProgress``, or as
            :class:`~msfusion_sdk.monitoring.progress.Progress`.  None shows a bar in terminals
            and notebooks, False none.  The logger ``msfusion_sdk`` has a line per slide and one a
            minute.
        **settings
            The fields of ``RunSettings``: ``workers=1``, ``engine="local"`` or ``"ray"``,
            ``shard="3/20"``, ``patches=False``, ``timeout_s=600``, ``max_failures=0.2``,
            ``staging=None`` (a local folder), ``metrics=None`` (an OpenMetrics text file), and for
            Ray ``address``, ``gpus_per_worker``, ``cpus_per_worker``.

        Returns
        -------
        EncodingRun
            Every slide with its status, code and reason.  ``summary.md`` says it for people.

        Raises
        ------
        StoreError
            When results can no longer be stored, a full disk say; those committed stay.
        RunInterruptedError
            After SIGINT, SIGTERM or SIGHUP, with what is done committed.
        """
        from msfusion_sdk.cohort.encoding.encode import encode_slides
        from msfusion_sdk.cohort.encoding.showing import shown_run

        if preset is not None:
            encoder = encoder.with_config(encoder.config.with_preset(preset))
        chosen = RunSettings.model_validate(settings)
        if mpp is not None:
            self.fill_spacings(mpp)
        rows = [] if self.slides is None else self.slides.to_pylist()
        _require_paths(rows)
        slides = [SlideRow(row["slide_id"], path_of(row), row.get("mpp")) for row in rows]
        with shown_run(progress) as show:
            return encode_slides(self.root, slides, encoder, chosen, show)

    def status(self, *, model: str | None = None) -> CohortStatus:
        """Return how far the cohort is encoded, and which slides failed why.

        Raises
        ------
        StoreMixedFeaturesError
            When several models have encoded the slides and ``model`` does not say which.
        """
        return cohort_status(self, model)

    @renamed_argument("slides", "aggregate", since="0.2", removal="0.3")
    def export(
        self,
        path: str | Path,
        *,
        level: Level = "patient",
        modalities: list[str] | None = None,
        aggregate: SlideUse = "weighted",
        model: str | None = None,
        pseudonymise_key: str | Path | None = None,
        include: Collection[str] = (),
    ) -> ExportReport:
        """Write one Parquet file that may leave the building.

        Holds ids, numbers, states and words that patients share; never paths, header texts or
        reasons.  Columns that tell who patients are, such as dates, record and telephone
        numbers, addresses and names, are recognised and left out.

        Parameters
        ----------
        path : path
            Of the file; an older one is replaced when the new one is complete.
        level : 'patient', 'slide' or 'patch'
            What a row is.  Patients have ``has_<table>`` for each table and nulls where they
            lack it; patches are there when slides were encoded with ``patches=True``.
        modalities : list of str, optional
            Of ``slide``, the modalities and the outcomes; all by default.  By patient only.
        aggregate, model
            As in ``tables``; 'all' is for slides, not for patients.
        pseudonymise_key : path, optional
            A file of at least 16 secret bytes: ids become keyed pseudonyms.
        include : collection of str
            Columns as ``clinical.postcode`` that leave although something personal was
            recognised in them: ``left_out`` of what is returned names those.
        """
        return export_cohort(
            self,
            Path(path),
            level=level,
            modalities=modalities,
            aggregate=aggregate,
            model=model,
            pseudonymise_key=None if pseudonymise_key is None else Path(pseudonymise_key),
            include=include,
        )

    def import_features(self, folder: str | Path, *, name: str) -> dict[str, int]:
        """Take the patch features of a CLAM or TRIDENT run: ``<slide_id>.h5`` for each slide.

        A slide's vector becomes the plain mean of its patches' features.

        Parameters
        ----------
        folder : path
            Where the ``.h5`` files lie, ``features`` of shape (patch, column) in each.
        name : str
            What the features are called, the model that made them say: it stands for a model
            beside those that have encoded slides here.

        Returns
        -------
        dict
            Slides ``imported``, slides ``without_file``, and ``unknown_files``.

        Raises
        ------
        TableError, ShapeError, NonFiniteError, StoreCorruptError
            For a file that cannot be used.  Those before it stay imported.
        MissingExtraError
            Without the extra ``[h5]``.
        """
        from msfusion_sdk.cohort.export.hdf5 import import_features

        return import_features(self.root, list(self._slide_frame()["slide_id"]), Path(folder), name)

    def attach_features(
        self,
        folder: str | Path,
        *,
        name: str,
        network: str | None = None,
        encoder: str | None = None,
    ) -> "AttachReport":
        """Attach patch features that TRIDENT, CLAM, AtlasPatch, STAMP or slide2vec made.

        The files stay where they are and are not read: each is remembered with its size and
        time, and refused when it has changed.  A slide's vector is the plain mean of its patches,
        computed when it is first asked for.  A file that cannot be used is that slide's failure.

        Parameters
        ----------
        folder : path
            Holds ``<slide_id>.h5`` or ``<slide_id>.pt``, in subfolders too.
        name : str
            What the features are called: they stand for a model of this name.
        network : str, optional
            The known network that made them (``msfusion models``), whose number of features is
            checked.
        encoder : str, optional
            Which features of files that hold those of several networks.

        Raises
        ------
        TableError, ShapeError
            When no file can be used, or they are of two networks.  Nothing is left then.
        MissingExtraError
            Without the extra ``[h5]``.
        """
        from msfusion_sdk.cohort.intake.attach import attach_features

        ids = list(self._slide_frame()["slide_id"])
        return attach_features(self.root, ids, Path(folder), name, network=network, encoder=encoder)

    def drop_model(self, model: str) -> str:
        """Remove vectors, patch rows and statuses of a model; return its fingerprint.

        Parameters
        ----------
        model : str
            Its name, or the first letters of its fingerprint.  Attached files stay.
        """
        from msfusion_sdk.cohort.intake.dropping import drop_model

        fingerprint = choose_model(self.root, model)
        drop_model(self.root, fingerprint)
        return fingerprint

    def patch_features(self, slide_id: str, *, model: str | None = None) -> "PatchFeatures":
        """Return the patch vectors of a slide and where they are, encoded here or attached.

        Parameters
        ----------
        slide_id : str
        model : str, optional
            Its name, or the first letters of a fingerprint, when there are several.

        Raises
        ------
        TableError
            When patch rows were not kept.
        StoreError
            When the slide has no result, or its file of features was changed.
        """
        from msfusion_sdk.cohort.export.patch_features import patch_features

        return patch_features(self.root, slide_id, choose_model(self.root, model))

    def export_features(self, folder: str | Path, *, model: str | None = None) -> int:
        """Write ``<slide_id>.h5`` with ``features`` and ``coords`` for slides with patch rows.

        The layout that CLAM, TRIDENT and what reads their files expect.  Returns how many.

        Parameters
        ----------
        folder : path
            Made if it is not there.  ``features`` has shape (patch, 1024), ``coords`` the
            top-left corners (x, y) in level-0 pixels.
        model : str, optional
            The first letters of a fingerprint, when several models have encoded the slides.

        Raises
        ------
        MissingExtraError
            Without the extra ``[h5]``.
        """
        from msfusion_sdk.cohort.export.hdf5 import export_features

        fingerprint = choose_model(self.root, model)
        slide_ids = list(self._slide_frame()["slide_id"])
        return export_features(self.root, slide_ids, Path(folder), fingerprint)

    def compact(self, *, model: str | None = None) -> int:
        """Move the parts of a model into files of 512 slides; return how many were moved.

        For cohorts that are encoded: not while another process encodes.
        """
        return EmbeddingStore(self.root, choose_model(self.root, model)).compact()

    def declare_outcome(
        self,
        name: str,
        *,
        time: str | None = None,
        event: str | None = None,
        censored: str | None = None,
        unit: TimeUnit | None = None,
        event_values: Mapping[object, bool] | Collection[object] | None = None,
        no_event_values: Collection[object] | None = None,
        column: str | None = None,
        kind: Kind | None = None,
    ) -> None:
        """Say which columns of the patient table hold an outcome.

        Parameters
        ----------
        name : str
            What ``outcome`` is asked for; one of that name is replaced.
        time : str, optional
            For survival: the column of times.
        event, censored : str, optional
            For survival: the column that is true where the event was seen, or where it was not.
        unit : 'days', 'weeks', 'months' or 'years', optional
            Of times, unless the name of their column ends in it.
        event_values : mapping or collection, optional
            What each value of that column means, ``{"Dead": True, "Alive": False}``, unless it
            holds true and false or 1 and 0; or the values that mean an event, where one other is
            left or ``no_event_values`` names the others.
        no_event_values : collection, optional
            The values that mean that no event was seen.
        column : str, optional
            For classes and numbers: their column.
        kind : 'survival', 'class' or 'number', optional
            By default survival with ``time``, classes with ``column``.

        Raises
        ------
        TableError
            ``SurvivalLabelError`` when the labels cannot be true, ``DegenerateSplitError`` when
            they tell no two patients apart.
        """
        given = {
            "time": time,
            "event": event,
            "censored": censored,
            "unit": unit,
            "event_values": event_values,
            "no_event_values": no_event_values,
            "column": column,
            "kind": kind,
        }
        settings = with_event_values(given, self.patients)
        outcome = declared(name, self.patients.column_names, **settings)
        require_no_errors(labels_of(self.patients, outcome)[1])
        outcomes = {**self.manifest.outcomes, name: outcome}
        self.manifest = self.manifest.model_copy(update={"outcomes": outcomes})
        write_manifest(self.root, self.manifest)

    def outcome_summary(self) -> pd.DataFrame:
        """Return a row per outcome: ``name``, ``kind``, ``columns``, ``unit``, ``patients``.

        ``events`` is their number for survival, of classes the number of each, of numbers their
        range.
        """
        return summarise_outcomes(self.patients, self.manifest.outcomes)

    def outcome(self, name: str) -> "pd.DataFrame | pd.Series[Any]":
        """Return the labels of the patients who have this outcome, indexed by patient_id.

        Returns
        -------
        DataFrame or Series
            For survival ``time`` (its unit in ``attrs["unit"]``) and ``event``, True where it
            was seen; otherwise one class or number per patient.

        Raises
        ------
        TableError
            When it is not declared, or its labels cannot be used.

        Warns
        -----
        OutcomeWarning
            When the labels can be true and more often are a mistake.
        """
        outcome = self.manifest.outcomes.get(name)
        if outcome is None:
            known = ", ".join(self.manifest.outcomes) or "none"
            msg = f"No outcome {name!r} is declared (known: {known}). Use declare_outcome."
            raise TableError(msg)
        labels, issues = labels_of(self.patients, outcome)
        require_no_errors(issues)
        for each in issues:
            # Remarks on the table itself were made when it was read, and stand in the report.
            if each.code != "Table":
                warnings.warn(each.message, OutcomeWarning, stacklevel=2)
        return labels

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


def _require_paths(rows: list[dict[str, Any]]) -> None:
    without = [row["slide_id"] for row in rows if not row["path"]]
    if without:
        msg = (
            f"{len(without)} slides have no path (first: {first_few(without)}): the cohort was "
            "made for features alone. To encode, create one with a column path in its slide table."
        )
        raise TableError(msg)
