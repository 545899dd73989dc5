"""The patients of a cohort from whom an outcome can be learned, with their tables."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from msfusion_sdk.bags.bag import PATCHES
from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.store.status import choose_model, models_of
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.evaluation.crossfit.inputs import with_values
from msfusion_sdk.outcomes.declaration import Declaration
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.outcomes.survival_labels import cells_of

__all__ = ["SLIDE", "SlideMean", "Study", "patient_column", "patients_of", "read_study", "table_of"]

SLIDE = "slide"
SlideMean = Literal["weighted", "mean"]
"""How a patient's slides become one vector."""


class Study(NamedTuple):
    """The patients of a cohort who have an outcome and a modality."""

    outcome: Outcome
    tables: dict[str, pd.DataFrame]
    """By name; also rows of patients without the outcome."""
    left_out: int
    """Patients with the outcome and without any modality."""
    slide_model: str | None
    """Fingerprint of the model of the slide vectors, when they are among the tables."""


def read_study(
    cohort: Cohort,
    outcome: str,
    modalities: Sequence[str] | None = None,
    aggregate: SlideMean = "weighted",
    slide_model: str | None = None,
) -> Study:
    """Return outcome and tables of those who have both.

    Parameters
    ----------
    modalities, aggregate, slide_model
        As in :func:`~msfusion_sdk.study.train.train_on_cohort`.

    Raises
    ------
    TableError
        When the outcome or a modality is not there, or a modality holds the outcome.
    MissingModalityError
        When no patient with the outcome has a modality.
    """
    if aggregate not in get_args(SlideMean):
        msg = f"aggregate must be one of {', '.join(get_args(SlideMean))}, and is {aggregate!r}."
        raise ValueError(msg)
    labels = cohort.outcome(outcome)
    declared = cohort.manifest.outcomes[outcome]
    fingerprint = _fingerprint(cohort, modalities, slide_model)
    named = [*([SLIDE] if fingerprint else []), *cohort.modalities]
    names = named if modalities is None else modalities
    tables = {name: table_of(cohort, name, aggregate, fingerprint) for name in names}
    # Before anything is learned: a leaked outcome looks like a very good model.
    _require_no_answers(tables, declared)
    kept = labels[labels.index.isin(patients_of(tables))]
    if kept.empty:
        msg = (
            f"None of the {len(labels)} patients with the outcome {outcome!r} has a value in "
            f"{', '.join(tables) or 'any table: there is none'}. Add a modality, or encode the "
            "slides."
        )
        raise MissingModalityError(msg)
    return Study(read_outcome(kept), tables, len(labels) - len(kept), fingerprint)


def table_of(
    cohort: Cohort, name: str, aggregate: SlideMean, fingerprint: str | None
) -> pd.DataFrame:
    """Return one table of a cohort: slide vectors, patch vectors in bags, or a modality.

    Parameters
    ----------
    fingerprint : str, optional
        Of the model that encoded the slides; needed for ``slide`` and ``patches``.

    Raises
    ------
    TableError, StoreError
        When it is not there.
    """
    if name == PATCHES:
        return cohort.patches(model=fingerprint)
    if name == SLIDE:
        return cohort.tables(aggregate, model=fingerprint)[SLIDE]
    known = [*([] if cohort.slides is None else [SLIDE, PATCHES]), *cohort.modalities]
    near = get_close_matches(name, [] if name in known else known, n=1)
    if near:
        msg = f"The cohort has no modality {name!r} (known: {', '.join(known)}). Is it {near[0]!r}?"
        raise TableError(msg)
    return cohort.modality(name)


def patients_of(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Return the patients who have a value in any of the tables."""
    return {patient for table in tables.values() for patient in with_values(table)}


def patient_column(cohort: Cohort, name: str) -> "pd.Series[Any]":
    """Return a column of the patient table by patient_id, blank cells as None.

    Raises
    ------
    TableError
        When there is no such column.
    """
    columns = cohort.patients.column_names
    if name not in columns:
        msg = f"The patient table has no column {name!r} (columns: {', '.join(columns)})."
        raise TableError(msg)
    return pd.Series(cells_of(cohort.patients, name), cohort.patient_ids, dtype=object)


def _fingerprint(cohort: Cohort, modalities: Sequence[str] | None, model: str | None) -> str | None:
    """Return the model of the slide vectors to use, None to use none."""
    if modalities is None:
        is_wanted = bool(models_of(cohort.root)) or model is not None
    else:
        # Otherwise several models would be an error although no vector is used.
        is_wanted = not {SLIDE, PATCHES}.isdisjoint(modalities)
    return choose_model(cohort.root, model) if is_wanted else None


def _require_no_answers(tables: Mapping[str, pd.DataFrame], declared: Declaration) -> None:
    """Refuse tables that hold the columns of the outcome itself."""
    for name, table in tables.items():
        answers = [column for column in declared.columns if column in table.columns]
        if answers:
            msg = (
                f"Modality {name!r} holds {', '.join(answers)}, of which the outcome is made: the "
                "model would read the answer. Take these columns out of the table and add it "
                f"again: msfusion cohort add COHORT {name} TABLE --replace, in Python replace=True."
            )
            raise TableError(msg)
