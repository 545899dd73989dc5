"""A trained model on the patients of a cohort that it never saw: all of an external validation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from msfusion_sdk.errors import DegenerateSplitError, MissingModalityError, TableError
from msfusion_sdk.evaluation.crossfit.inputs import rows_of, with_values
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.class_metrics import class_metrics
from msfusion_sdk.evaluation.metrics.horizons import TimePlan, plan_times
from msfusion_sdk.evaluation.metrics.predictions import (
    ClassPredictions,
    Predictions,
    SurvivalPredictions,
)
from msfusion_sdk.evaluation.metrics.survival_metrics import survival_metrics
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.study.models import find_tables
from msfusion_sdk.study.tables import patient_column, patients_of
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.validation.measures.draws import Draws
from msfusion_sdk.validation.result import ExternalValidation
from msfusion_sdk.validation.result_tables import (
    availability_table,
    decision_table,
    group_table,
    large_table,
    performance_table,
    shift_table,
    subgroup_table,
)
from msfusion_sdk.validation.views import views_of

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort

__all__ = ["Patients", "external_patients", "validate_model"]


class Patients(NamedTuple):
    """Who is judged, and who is not."""

    tables: dict[str, pd.DataFrame]
    outcome: Outcome
    counts: dict[str, int]


def validate_model(
    model: TrainedModel,
    cohort: "Cohort",
    *,
    outcome: str | None = None,
    times: Sequence[float] | None = None,
    subgroups: Sequence[str] = (),
    bootstrap: int = 1000,
    random_state: int = 0,
) -> ExternalValidation:
    """Return how good a model is on the patients of a cohort who have the outcome.

    Parameters
    ----------
    model : TrainedModel
    cohort : Cohort
        Of other patients than those of training: who was among them is left out.  Its slides are
        encoded by the model's encoder.
    outcome : str, optional
        The cohort's name of the outcome; that of training by default.
    times : sequence of float, optional
        Horizons of survival, ascending, in the unit of training; the quartiles of the events by
        default.
    subgroups : sequence of str
        Columns of the patient table, or ``modality.column``: sex, age, site.
    bootstrap : int
        Resamples of patients, for the intervals; 0 gives none.
    random_state : int
        Equal ones give equal intervals.

    Raises
    ------
    TableError
        When the outcome is not declared, of another kind, in another unit, or has classes that
        the model does not know; or when a subgroup's column is not there.
    MissingModalityError
        When nobody is left to be judged.
    StoreMixedFeaturesError
        When the slides were encoded by another model than those of training.
    DegenerateSplitError
        When there is no event, or one class only.
    """
    name = outcome or model.record.outcome
    judged = external_patients(model, cohort, name)
    columns = {one: group_column(cohort, one) for one in subgroups}
    predictions, plan = _predicted(model, judged, times)
    classes = judged.outcome.classes if isinstance(judged.outcome, ClassOutcome) else ()
    unit = judged.outcome.unit
    metrics: Any = class_metrics(classes) if plan is None else survival_metrics(plan, unit)
    views = views_of(classes, plan, unit)
    draws = Draws(judged.outcome.strata, bootstrap, random_state)
    shifts = shift_table(model.profile, judged.tables)
    return ExternalValidation(
        record=model.record,
        outcome=name,
        unit=unit,
        counts=judged.counts,
        horizons=() if plan is None else plan.horizons,
        performance=performance_table(metrics, predictions, draws),
        in_the_large=large_table(views, predictions, draws),
        groups=group_table(views, predictions),
        decision=decision_table(views, predictions),
        subgroups=subgroup_table(
            columns, metrics[0], views[0], predictions, bootstrap, random_state
        ),
        availability=availability_table(model.record, judged.tables, judged.counts["patients"]),
        shifts=shifts,
        predictions=_shown(predictions, plan),
        warnings=_warnings(model, judged, len(shifts)),
        bootstrap=bootstrap,
        random_state=random_state,
    )


def external_patients(model: TrainedModel, cohort: "Cohort", outcome: str) -> Patients:
    """Return the patients of a cohort who have an outcome and a modality and are not of training.

    Raises
    ------
    TableError, MissingModalityError, StoreMixedFeaturesError, DegenerateSplitError
        As :func:`validate_model` does.
    """
    labels = cohort.outcome(outcome)
    tables = find_tables(cohort, model.record)
    having, seen = patients_of(tables), set(model.estimator.training_ids_)
    kept = labels[labels.index.isin(having - seen)]
    if kept.empty:
        msg = (
            f"None of the {len(labels)} patients of {cohort.root} with the outcome {outcome!r} can "
            f"be judged: {len(seen.intersection(labels.index))} were in training, the others have "
            f"none of {', '.join(model.record.modalities)}. Give a cohort of other patients."
        )
        raise MissingModalityError(msg)
    known = _in_words_of(model, read_outcome(kept))
    counts = {"patients": len(kept), **_counted(known)}
    counts["without_outcome"] = len(having - seen - set(labels.index))
    counts["without_modality"] = len(set(labels.index) - having - seen)
    counts["in_training"] = len(seen.intersection(labels.index))
    return Patients(rows_of(tables, known.patient_ids), known, counts)


def group_column(cohort: "Cohort", name: str) -> "pd.Series[Any]":
    """Return a column by patient_id: of the patient table, or ``modality.column``.

    Raises
    ------
    TableError
        When there is none.
    """
    table, dot, column = name.partition(".")
    if not dot or name in cohort.patients.column_names:
        return patient_column(cohort, name)
    found = cohort.modality(table)
    if column not in found.columns:
        msg = (
            f"Modality {table!r} has no column {column!r} (columns: "
            f"{first_few(found.columns, 10)}). Name one of them."
        )
        raise TableError(msg)
    return found[column]


def _in_words_of(model: TrainedModel, found: Outcome) -> Outcome:
    """Return the outcome with the classes of the model, or refuse it."""
    record = model.record
    if found.kind != record.kind:
        msg = f"The model predicts {record.kind}, and the outcome holds {found.holds}."
        raise TableError(msg)
    if found.unit != record.unit:
        msg = (
            f"The model counts time in {record.unit}, and the cohort in {found.unit}. Declare the "
            f"outcome on a column in {record.unit}: times are not converted."
        )
        raise TableError(msg)
    if not isinstance(found, ClassOutcome):
        return found
    classes = tuple(getattr(model.estimator, "classes_").tolist())  # noqa: B009
    unknown = [name for name in found.classes if name not in classes]
    if unknown:
        msg = (
            f"The outcome has classes that the model does not know: {first_few(unknown)} (known: "
            f"{first_few(classes, 10)}). Write them as in training, or leave these patients out."
        )
        raise TableError(msg)
    codes = np.array([classes.index(found.classes[code]) for code in found.codes], np.int64)
    return ClassOutcome(found.patient_ids, codes, classes)


def _counted(outcome: Outcome) -> dict[str, int]:
    if isinstance(outcome, SurvivalOutcome):
        return {"events": int(outcome.event.sum())}
    assert isinstance(outcome, ClassOutcome)
    return {str(n): c for n, c in zip(outcome.classes, outcome.counts.tolist(), strict=True)}


def _predicted(
    model: TrainedModel, judged: Patients, times: Sequence[float] | None
) -> tuple[Predictions, TimePlan | None]:
    known, ids = judged.outcome, list(judged.outcome.patient_ids)
    if isinstance(known, SurvivalOutcome):
        everybody = Fold(known.patient_ids, known.patient_ids)
        plan = plan_times(known, [everybody], times)
        rows = model.predict(judged.tables, times=plan.times.tolist()).loc[ids]
        risk = rows["risk"]
        survival = rows.drop(columns="risk").to_numpy(np.float64)
        # Censoring is estimated from these patients: those of training are not at hand.
        return SurvivalPredictions(known, risk.to_numpy(), survival, known, risk), plan
    assert isinstance(known, ClassOutcome)
    if times:
        msg = "Times were given, and the model predicts classes, which have none. Leave them out."
        raise DegenerateSplitError(msg)
    rows = model.predict(judged.tables).loc[ids].drop(columns="class")
    return ClassPredictions(known, rows.to_numpy(np.float64)), None


def _shown(predictions: Predictions, plan: TimePlan | None) -> pd.DataFrame:
    columns: Mapping[str, Any] = predictions.columns()
    if plan is not None:
        assert isinstance(predictions, SurvivalPredictions)
        survival = {
            f"survival@{horizon:g}": predictions.survival[:, plan.columns(horizon)[0]]
            for horizon in plan.horizons
        }
        columns = {**predictions.outcome.arrays, "risk": predictions.risk, **survival}
    return pd.DataFrame(columns, index=predictions.outcome.index)


FEW = 100
"""Events, or patients of a class, below which calibration is not well known (Collins et al.,
Statistics in Medicine 35 (2016) 214-226)."""


def _warnings(model: TrainedModel, judged: Patients, shifts: int) -> tuple[str, ...]:
    scarcest, what = judged.outcome.scarcest, judged.outcome.counted
    notes = []
    if scarcest < FEW:
        notes.append(
            f"{scarcest} {what} are fewer than {FEW}: calibration is not well known from so few."
        )
    if judged.counts["in_training"]:
        notes.append(f"{judged.counts['in_training']} patients were in training and left out.")
    if model.profile is None:
        notes.append(
            "Shifted inputs were not looked for: the model is of before version 0.2 and does not "
            "know what its training tables looked like. Train it again."
        )
    elif shifts:
        notes.append(f"{shifts} ways were found in which these tables are unlike training.")
    lacking = [n for n in model.record.modalities if not len(with_values_of(judged.tables, n))]
    if lacking:
        notes.append(f"Nobody here has {', '.join(lacking)}, which the model learned from.")
    return tuple(notes)


def with_values_of(tables: Mapping[str, pd.DataFrame], name: str) -> "pd.Index[str]":
    """Return who has a value in a table, nobody when it is not there."""
    return with_values(tables[name]) if name in tables else pd.Index([], dtype=object)
