"""The tables of a cohort: whole, of this cohort's patients, and nothing else beside them."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from msfusion_sdk.cohort.features.attached import attached_tables
from msfusion_sdk.cohort.folder.layout import (
    modality_names,
    modality_path,
    patients_path,
    slides_path,
)
from msfusion_sdk.cohort.folder.manifest import CohortManifest
from msfusion_sdk.doctor.finding import Finding
from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import entries_of
from msfusion_sdk.phrases import first_few
from msfusion_sdk.storage.schema import TableKind, read_stored

__all__ = ["check_tables"]

PATIENT, SLIDE = "patient_id", "slide_id"
AGAIN = "Add the modality again from its source: msfusion cohort add --replace"
ATTACH = "Attach the folder again: msfusion cohort attach-features"
COPY = "Bring the table back from a copy, or create the cohort again from its source tables."


def check_tables(root: Path, manifest: CohortManifest) -> tuple[list[Finding], list[str] | None]:
    """Return what was found, and the slide ids; None when they cannot be known."""
    patients, findings = _read(patients_path(root), "patients", COPY)
    slides: pa.Table | None = None
    slide_ids: list[str] | None = []
    if slides_path(root) in entries_of(root):
        slides, found = _read(slides_path(root), "slides", COPY)
        findings += found
        slide_ids = None if slides is None else _ids(slides, SLIDE)
    tables: dict[str, pa.Table | None] = {"slides": slides}
    try:
        for name in modality_names(root):
            tables[name], found = _read(modality_path(root, name), "modality", AGAIN)
            findings += found
        for path in attached_tables(root):
            attached, found = _read(path, "modality", ATTACH)
            findings += found
            if attached is not None and slide_ids is not None:
                findings += _check_attached(path, attached, slide_ids)
    except StoreError as error:
        findings.append(_problem(str(error), ""))
    if patients is not None:
        findings += _check_ids(patients, tables, manifest)
    if not findings:
        read = ", ".join(["patients", *(name for name, table in tables.items() if table)])
        findings = [Finding(check="tables", level="ok", found=f"whole: {read}")]
    return findings, slide_ids


def _read(path: Path, kind: TableKind, remedy: str) -> tuple[pa.Table | None, list[Finding]]:
    try:
        return read_stored(path, kind)[0], []
    except StoreError as error:
        return None, [_problem(str(error), remedy)]


def _check_attached(path: Path, table: pa.Table, slide_ids: list[str]) -> list[Finding]:
    strange = sorted(set(_ids(table, SLIDE)) - set(slide_ids))
    if not strange:
        return []
    found = f"{path.name} attaches features to {len(strange)} slides that the cohort lacks"
    return [_problem(f"{found} ({first_few(strange)}).", ATTACH)]


def _check_ids(
    patients: pa.Table, tables: dict[str, pa.Table | None], manifest: CohortManifest
) -> list[Finding]:
    known, findings = _ids(patients, PATIENT), []
    if len(set(known)) < len(known):
        findings.append(_problem("patients.parquet holds a patient twice.", COPY))
    for name, table in tables.items():
        if table is None:
            continue
        owners = _ids(table, PATIENT)
        strange = sorted(set(owners) - set(known))
        if strange:
            listed = first_few(strange)
            found = f"{name} holds {len(strange)} patients that the cohort lacks ({listed})."
            findings.append(_problem(found, COPY if name == "slides" else AGAIN))
        key = SLIDE if name == "slides" else PATIENT
        if len(set(_ids(table, key))) < table.num_rows:
            findings.append(_problem(f"{name} holds an id twice.", COPY))
    columns = set(patients.column_names)
    for name, outcome in manifest.outcomes.items():
        missing = sorted(set(outcome.columns) - columns)
        if missing:
            found = f"The outcome {name!r} is of columns that are not there: {', '.join(missing)}."
            findings.append(_problem(found, COPY))
    return findings


def _ids(table: pa.Table, column: str) -> list[Any]:
    return list(table.column(column).to_pylist()) if column in table.column_names else []


def _problem(found: str, remedy: str) -> Finding:
    return Finding(check="tables", level="problem", found=found, remedy=remedy)
