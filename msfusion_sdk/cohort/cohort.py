"""A cohort: patients, their slides, their modalities and outcomes, in one folder."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.cohort.encoding_of import CohortEncoding
from msfusion_sdk.cohort.export.export import ExportReport, export_cohort
from msfusion_sdk.cohort.export.written import Format, Level
from msfusion_sdk.cohort.folder.layout import (
    modality_path,
)
from msfusion_sdk.cohort.folder.manifest import read_manifest
from msfusion_sdk.cohort.intake.creation import OnDuplicate, read_cohort_tables
from msfusion_sdk.cohort.intake.layouts import LayoutChoice
from msfusion_sdk.cohort.intake.modality import (
    Unmatched,
    read_modality_table,
    require_modality_name,
)
from msfusion_sdk.cohort.intake.writing import require_new_cohort, write_cohort
from msfusion_sdk.cohort.store.aggregate import SlideUse
from msfusion_sdk.deprecation import renamed_argument
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import made_folder
from msfusion_sdk.places.url import find_url
from msfusion_sdk.storage.schema import write_stored
from msfusion_sdk.tables.arrow import TableSource
from msfusion_sdk.tables.files.table_file import TableFile

__all__ = ["Cohort"]


class Cohort(CohortEncoding):
    """Patients linked to slides, modalities and outcomes; make one with ``create`` or ``open``.

    Parameters
    ----------
    root : Path
        Its folder.
    manifest : CohortManifest
        What ``cohort.json`` in it says.
    """

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

    def add_modality(
        self,
        name: str,
        source: TableSource,
        *,
        unmatched: Unmatched = "refuse",
        on_duplicate: OnDuplicate = "refuse",
        replace: bool = False,
        adapter: str | ModalityAdapter | None = None,
        layout: str | None = None,
        samples: Mapping[str, str] | str | Path | TableFile | None = None,
        profiled: Collection[str] | str | Path | None = None,
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
        adapter : str or ModalityAdapter, optional
            Whose layout the file has, when the modality is not called like an adapter; or an
            adapter with settings of its own, by which the file is read.
        layout : str, optional
            Of a file in another layout: ``"cbioportal"``, ``"xena"``, ``"maf"`` or ``"gdc"``.
        samples : mapping of sample to patient, or path of a table with both, optional
            Of genomics, for studies whose samples are not called by TCGA barcodes.
        profiled : collection of str, or path of a list of ids, optional
            Of genomics in the layout ``"maf"``: everybody who was sequenced.

        Raises
        ------
        TableError
            One of its kinds, with all that is wrong.  Nothing is written.
        """
        require_modality_name(name)
        path = modality_path(self.root, name)
        if name in self.modalities and not replace:
            msg = (
                f"The cohort has a modality {name!r}. Choose another name, or give a table of all "
                "its patients with replace=True (--replace): those that it lacks lose their row."
            )
            raise TableError(msg)
        # Without settings a table is taken as it is, even if the modality is called like an
        # adapter.
        given = {"layout": layout, "samples": samples, "profiled": profiled}
        settings = {key: value for key, value in given.items() if value is not None}
        choice = LayoutChoice(adapter or name, settings) if settings or adapter else None
        checked = read_modality_table(
            source,
            self.patient_ids,
            modality=name,
            unmatched=unmatched,
            on_duplicate=on_duplicate,
            layout=choice,
        )
        made_folder(path.parent)
        write_stored(path, *checked, kind="modality")

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
        format: Format = "parquet",
    ) -> ExportReport:
        """Write one file that may leave the building.

        Holds ids, numbers, states and words that patients share; never paths, header texts or
        reasons.  Columns that tell who patients are, such as dates, record and telephone
        numbers, addresses and names, are recognised and left out.

        Parameters
        ----------
        path : path
            Of the file, or an address (``s3://``, ``gs://``, ``az://``); an older one is replaced
            when the new one is complete.
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
        format : 'parquet', 'anndata' or 'zarr'
            AnnData, as ``.h5ad`` or as a Zarr folder, has the slide vectors in ``X``, modalities of
            numbers in ``obsm`` and everything else in ``obs``; of patches there is one for each
            slide, in a folder, with their places in ``obsm["spatial"]``.  Needs the extra
            ``[anndata]``.
        """
        return export_cohort(
            self,
            find_url(path) or Path(path),
            level=level,
            modalities=modalities,
            aggregate=aggregate,
            model=model,
            pseudonymise_key=None if pseudonymise_key is None else Path(pseudonymise_key),
            include=include,
            form=format,
        )
