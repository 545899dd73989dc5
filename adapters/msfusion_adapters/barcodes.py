"""Samples of patients: TCGA barcodes however they are written, and maps for other studies.

A TCGA barcode names project, site and patient in 12 characters, and behind them sample type
and vial (16), portion and analyte (20), plate and centre (28).  R writes dots for dashes.
"""

import logging
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, InputTypeError, TableError
from msfusion_sdk.phrases import first_few, what_is
from msfusion_sdk.tables.files.table_file import TableFile, TableShape
from msfusion_sdk.tables.frames import patient_table, read_shaped
from msfusion_sdk.tables.issues import TableWarning

__all__ = [
    "SampleMap",
    "choose_samples",
    "patient_of",
    "patients_of_samples",
    "read_sample_map",
]

_LOG = logging.getLogger(__name__)

SampleMap: TypeAlias = Mapping[str, str] | str | Path | TableFile
"""From sample to patient, or a table that says so."""

_BARCODE = re.compile(
    r"(tcga)[-._](\w{2})[-._](\w{4})"
    r"(?:[-._](\d{2})[a-z]?(?:[-._]\d{2}[a-z]?(?:[-._]\w{4}(?:[-._]\w{2})?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
# Word writes other dashes.
_LIKE_A_BARCODE = re.compile(r"tcga[\W_]?\w", re.ASCII | re.IGNORECASE)

SAMPLE_TYPES = ("01", "03", "09", "06", "02", "05", "07", "04", "40")
"""Primary tumour, blood cancers, metastasis, recurrence, and additional ones of these: in the
order they are preferred.  Normal tissue (10 to 14) and cell lines are never taken."""

SAMPLE_NAMES = ("sample_id", "sample", "sampleid", "tumor_sample_barcode")
PATIENT_NAMES = (
    *("patient_id", "patientid", "case_id", "case_submitter_id", "submitter_id", "_patient"),
    *("bcr_patient_barcode", "patient"),
)


def patients_of_samples(table: pd.DataFrame, samples: SampleMap | None = None) -> pd.DataFrame:
    """Return one row per patient from a table indexed by samples; see :func:`choose_samples`."""
    chosen = choose_samples(table.index, samples)
    if len(table) and not chosen:
        msg = (
            f"None of the {len(table)} samples is a tumour of TCGA (first: "
            f"{first_few(list(table.index))}): normal tissue is never taken."
        )
        raise TableError(msg)
    kept = table.loc[table.index.isin(list(chosen))]
    kept.index = pd.Index([chosen[sample] for sample in kept.index], dtype=object)
    return patient_table(kept)


def choose_samples(samples: Iterable[str], patients: SampleMap | None = None) -> dict[str, str]:
    """Map one sample of each patient to the patient.

    Parameters
    ----------
    samples : ids of samples, or of patients
    patients : mapping of sample to patient, or a table with both; optional
        For studies other than TCGA; a sample that it lacks is left out.  Of several samples
        of a patient the first that it lists is taken.

    Returns
    -------
    dict of sample to patient
        A TCGA barcode may have dots or small letters and stands for its patient, written as
        ``TCGA-XX-XXXX``.  Of a patient's samples the one whose type comes first in
        ``SAMPLE_TYPES`` is taken, and among several of that type the first in alphabetical
        order (vial A before B).  Without a map, other ids are patients already.

    Raises
    ------
    TableError
        When an id begins like a TCGA barcode and is none.
    IdMismatchError
        When the map knows none of the samples.

    Warns
    -----
    TableWarning
        When the map lacks samples.
    """
    every = list(dict.fromkeys(samples))
    if patients is not None:
        return _by_map(every, read_sample_map(patients))
    rank = {kind: place for place, kind in enumerate(SAMPLE_TYPES)}
    best: dict[str, tuple[int, str]] = {}
    for sample in every:
        patient, kind = _parsed(sample)
        # A barcode of a patient alone says no type: it is taken as it is.
        place = 0 if kind is None else rank.get(kind, len(rank))
        if place < len(rank):
            # By rank first, and by the barcode among equals: vial A before B, portion 01 before 02.
            best[patient] = min(best.get(patient, (place, sample)), (place, sample))
    if len(best) < len(every):
        message = "%d of %d samples left out: not tumour, or not the first of their patient."
        _LOG.info(message, len(every) - len(best), len(every))
    return {sample: patient for patient, (_, sample) in best.items()}


def read_sample_map(source: SampleMap) -> dict[str, str]:
    """Return which patient each sample is of, in the order of the source.

    Parameters
    ----------
    source : mapping, or path of a table
        With a column of samples and one of patients, called ``sample_id`` and ``patient_id``
        or as cBioPortal (``data_clinical_sample.txt``) and the GDC (its sample sheet) do.

    Raises
    ------
    TableError
        When the table has no such columns.
    DuplicateIdError
        When a sample is of two patients.
    InputTypeError
        When it is neither.
    """
    if isinstance(source, Mapping):
        return dict(source)
    if not isinstance(source, str | Path | TableFile):
        msg = (
            f"The map of samples is {what_is(source)}. Give a dict from sample to patient, or the "
            "path of a table."
        )
        raise InputTypeError(msg)
    table = read_shaped(source, TableShape(has_comments=True), keep_text=_SPELLINGS)
    sample, patient = (_column(table, names) for names in (SAMPLE_NAMES, PATIENT_NAMES))
    if sample is None or patient is None:
        msg = (
            f"{source} has no columns of samples and patients (found: "
            f"{first_few(list(table.columns), 8)}). Call them 'sample_id' and 'patient_id'."
        )
        raise TableError(msg)
    pairs = table[[sample, patient]].astype(str)
    # A sample without a patient is one that the map does not know.
    pairs = pairs[(pairs != "").all(axis=1)].drop_duplicates()
    twice = pairs[sample][pairs[sample].duplicated()].unique()
    if len(twice):
        msg = (
            f"{len(twice)} samples of {source} are of two patients (first: {first_few(twice)}). "
            "Keep the right row of each."
        )
        raise DuplicateIdError(msg)
    return dict(zip(pairs[sample], pairs[patient], strict=True))


def patient_of(name: str) -> str:
    """Return the patient whom a TCGA barcode names; another id stands for itself.

    Examples
    --------
    >>> patient_of("tcga.05.4244.01a"), patient_of("007")
    ('TCGA-05-4244', '007')

    Raises
    ------
    TableError
        When an id begins like a TCGA barcode and is none.
    """
    return _parsed(name)[0]


def _by_map(samples: list[str], patients: Mapping[str, str]) -> dict[str, str]:
    there = set(samples)
    unknown = [sample for sample in samples if sample not in patients]
    if len(unknown) == len(samples):
        msg = (
            f"The map of samples knows none of the {len(samples)} samples (first: "
            f"{first_few(samples)}; it knows {first_few(patients)}). Give the map of this study."
        )
        raise IdMismatchError(msg)
    if unknown:
        warnings.warn(
            f"{len(unknown)} of {len(samples)} samples are not in the map of samples and are left "
            f"out (first: {first_few(unknown)}).",
            TableWarning,
            stacklevel=4,
        )
    first: dict[str, str] = {}
    # In the order of the map, which says which of a patient's samples is preferred.
    for sample, patient in patients.items():
        if sample in there:
            first.setdefault(patient, sample)
    left_out = len(samples) - len(unknown) - len(first)
    if left_out:
        _LOG.info("%d samples left out: not the first of their patient.", left_out)
    return {sample: patient for patient, sample in first.items()}


def _parsed(sample: str) -> tuple[str, str | None]:
    """Return the patient of a sample, and its type where it says one."""
    match = _BARCODE.fullmatch(sample.strip())
    if match:
        project, site, patient, kind = match.groups()
        return f"{project}-{site}-{patient}".upper(), kind
    if _LIKE_A_BARCODE.match(sample):
        msg = (
            f"{sample!r} begins like a TCGA barcode and is none: TCGA-XX-XXXX, then perhaps "
            "-01A-11R-A131-07. Correct it, or give samples=, a map from samples to patients."
        )
        raise TableError(msg)
    return sample, None


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").removeprefix("cases.")


def _column(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    plain = {_plain(str(column)): str(column) for column in table.columns}
    return next((plain[name] for name in names if name in plain), None)


_SPELLINGS = (
    *("sampleID", "sampleId", "SampleID", "SampleId", "patientId", "PatientID", "PatientId"),
    *("Tumor_Sample_Barcode", "cases.case_id", "cases.submitter_id"),
    *(
        spelling
        for name in SAMPLE_NAMES + PATIENT_NAMES
        for plain in (name, name.replace("_", " "))
        for title in (plain.title(), plain.title().replace("Id", "ID"))
        for spelling in (plain, plain.upper(), plain.capitalize(), title)
    ),
)
"""Of columns that stay text, as cBioPortal, Xena and the GDC write them."""
