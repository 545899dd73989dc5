"""Clinical tables of cBioPortal, UCSC Xena and the GDC as one row per patient."""

import warnings
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from msfusion_adapters.barcodes import patient_of, patients_of_samples
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.table_file import TableFile, TableShape
from msfusion_sdk.tables.frames import ID_COLUMN, patient_table, read_shaped
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["ClinicalLayout", "read_clinical"]

ClinicalLayout = Literal["cbioportal", "xena", "gdc"]

_PATIENT: dict[str, tuple[str, ...]] = {
    "cbioportal": ("PATIENT_ID",),
    "gdc": (
        *("bcr_patient_barcode", "case_submitter_id", "cases.submitter_id", "submitter_id"),
        *("cases.case_id", "case_id"),
    ),
    "xena": ("sampleID", "sample", "submitter_id.samples", "_PATIENT"),
}
_SHAPES: dict[str, TableShape] = {
    "cbioportal": TableShape(one_of=_PATIENT["cbioportal"], has_comments=True),
    "gdc": TableShape(one_of=_PATIENT["gdc"], has_comments=True, repeats_header=True),
    "xena": TableShape(one_of=_PATIENT["xena"]),
}


def read_clinical(source: str | Path | TableFile, layout: ClinicalLayout) -> pd.DataFrame:
    """Return a row per patient from a clinical table whose layout is stated.

    ``"cbioportal"``: ``data_clinical_patient.txt``, with its lines of ``#``, or
    ``data_clinical_sample.txt``.  ``"xena"``: a phenotype matrix, a row per TCGA sample.
    ``"gdc"``: biotab files with three header lines, ``clinical.tsv`` of the portal.  Of several
    rows of a patient what they agree in is kept.

    Raises
    ------
    TableError
        When no column holds patients as that layout calls them.

    Warns
    -----
    TableWarning
        Naming the columns in which rows of one patient differ, and which are left out.
    """
    if layout not in get_args(ClinicalLayout):
        msg = f"layout={layout!r} is not one of {', '.join(get_args(ClinicalLayout))}."
        raise TableError(msg)
    names = _PATIENT[layout]
    table = read_shaped(source, _SHAPES[layout], keep_text=names)
    column = next((name for name in names if name in table.columns), None)
    if column is None:
        msg = (
            f"{source} is no clinical table of the layout {layout!r}: none of its columns is "
            f"{' or '.join(names)} (found: {first_few(list(table.columns), 8)}). Rename the column "
            "of patients, or say another layout."
        )
        raise TableError(msg)
    table = table[table[column].notna()].set_index(column)
    if layout == "xena":
        return patients_of_samples(table)
    patients = pd.Index([patient_of(str(name)) for name in table.index], name=ID_COLUMN)
    return patient_table(_one_row_each(table.set_axis(patients)))


def _one_row_each(table: pd.DataFrame) -> pd.DataFrame:
    if table.index.is_unique:
        return table
    groups = table.groupby(level=0, sort=False)
    differing = groups.nunique().max() > 1
    left_out = list(differing.index[differing])
    if left_out:
        warnings.warn(
            f"{len(table)} rows are of {groups.ngroups} patients, and rows of one patient differ "
            f"in {len(left_out)} columns, which are left out: {first_few(left_out, 10)}.",
            TableWarning,
            stacklevel=4,
        )
    # ``first`` passes over gaps, so that one row may fill what another lacks.
    return groups.first()[list(differing.index[~differing])]
