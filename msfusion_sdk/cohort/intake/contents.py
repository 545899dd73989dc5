"""What a cohort holds: its counts, its gaps, and what was remarked about it."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from msfusion_sdk.cohort.folder.manifest import CohortManifest
from msfusion_sdk.cohort.intake.creation import labels_of
from msfusion_sdk.cohort.intake.modality import lacks
from msfusion_sdk.outcomes.declaration import Declaration
from msfusion_sdk.tables.issues import CohortReport, Issue

LACKS = re.compile(r"^\d+ of \d+ patients of the cohort lack the modality ")
"""Begins what ``lacks`` says: cohorts keep it from when the table was added, and grow since."""

__all__ = ["count_patterns", "report_on", "summarise_outcomes"]


def count_patterns(
    patient_ids: Collection[str], having: Mapping[str, Collection[str]]
) -> pd.DataFrame:
    """Return how many patients have which modalities, the most frequent pattern first.

    Parameters
    ----------
    having : mapping
        By modality, the patients who have it.

    Returns
    -------
    DataFrame
        A column of booleans per modality, and ``patients``.
    """
    ids = pd.Index(list(patient_ids))
    has = pd.DataFrame({name: ids.isin(list(owners)) for name, owners in having.items()})
    return has.value_counts().rename("patients").reset_index()


def summarise_outcomes(patients: pa.Table, outcomes: Mapping[str, Declaration]) -> pd.DataFrame:
    """Return a row per outcome: what it is, on which columns, and how many patients have it."""
    rows = []
    for name, declared in outcomes.items():
        labels, _ = labels_of(patients, declared)
        if declared.kind == "survival":
            assert isinstance(labels, pd.DataFrame)
            events = str(int(labels["event"].sum())) if len(labels) else "0"
            unit: str | None = declared.unit
        elif declared.kind == "number":
            events = f"{labels.min():g} to {labels.max():g}" if len(labels) else ""
            unit = None
        else:
            counts = labels.value_counts().sort_index()
            events = ", ".join(f"{count} {value}" for value, count in counts.items())
            unit = None
        columns = ", ".join(declared.columns)
        rows.append((name, declared.kind, columns, unit, len(labels), events))
    return pd.DataFrame(rows, columns=["name", "kind", "columns", "unit", "patients", "events"])


def report_on(
    patients: pa.Table,
    n_slides: int,
    manifest: CohortManifest,
    notes: Mapping[str, Mapping[str, Any]],
) -> CohortReport:
    """Return counts and remarks; those on outcomes are made anew.

    Parameters
    ----------
    notes : mapping
        By modality, what is noted beside its table.
    """
    # Made anew, not read: they are a view of the patient table, which is stored.
    labels = {name: labels_of(patients, known) for name, known in manifest.outcomes.items()}
    issues = [
        *manifest.findings,
        *(each for name, about in notes.items() for each in _of_modality(name, about, patients)),
        *(each for _, found in labels.values() for each in found),
    ]
    return CohortReport(
        n_patients=patients.num_rows,
        n_slides=n_slides,
        modalities={name: note["n_patients"] for name, note in notes.items()},
        outcomes={name: len(values) for name, (values, _) in labels.items()},
        findings=tuple(issues),
    )


def _of_modality(name: str, about: Mapping[str, Any], patients: pa.Table) -> list[Issue]:
    """Return what was noted when a table was added, and who lacks it now."""
    noted = [Issue.model_validate(found) for found in about["findings"]]
    total = patients.num_rows
    lacking = lacks(total - about["n_patients"], total, name, about.get("source", "a table"))
    return [*(each for each in noted if not LACKS.search(each.message)), *lacking]
