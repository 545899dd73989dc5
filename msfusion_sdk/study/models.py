"""From a cohort to predictions of a trained model, and to an evaluation."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from msfusion_sdk.bags.bag import PATCHES
from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.store.status import models_of
from msfusion_sdk.deprecation import renamed_argument
from msfusion_sdk.errors import (
    MissingModalityError,
    MsfusionWarning,
    StoreMixedFeaturesError,
)
from msfusion_sdk.evaluation.crossfit.inputs import rows_of, with_values
from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.fusion.strategies.strategies import Strategy
from msfusion_sdk.monitoring.progress import ProgressLike
from msfusion_sdk.phrases import first_few
from msfusion_sdk.study.predictions_file import require_predictions_path, write_predictions
from msfusion_sdk.study.tables import (
    SLIDE,
    SlideMean,
    patient_column,
    patients_of,
    read_study,
    table_of,
)
from msfusion_sdk.study.train import estimator_of
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.study.training_record import TrainingRecord

__all__ = [
    "SeenPatientsWarning",
    "evaluate_on_cohort",
    "find_tables",
    "predict_on_cohort",
    "predict_to_file",
    "tables_of",
    "warn_of_seen",
]


class SeenPatientsWarning(MsfusionWarning, UserWarning):
    """Predictions for patients that the model learned from."""


def predict_on_cohort(cohort: Cohort, folder: str | Path) -> pd.DataFrame:
    """Return what a trained model predicts for every patient who has one of its modalities.

    Parameters
    ----------
    cohort : Cohort
        With the modalities that the model learned from.
    folder : path
        Where ``train_on_cohort`` saved the model.

    Returns
    -------
    DataFrame indexed by patient_id, in the order of the cohort
        ``risk``, higher = earlier event; ``proba_<class>`` for each class, or ``predicted``.

    Raises
    ------
    StoreMixedFeaturesError
        When the slides of the cohort were encoded by another model than those of training.
    MissingModalityError
        When no patient of the cohort has one of the model's modalities.
    WeightsError
        When the folder is damaged or holds no such model.

    Warns
    -----
    SeenPatientsWarning
        When the model learned from some of the patients.
    """
    model = TrainedModel.load(folder)
    tables = tables_of(cohort, model.record)
    patients = patients_of(tables)
    # ``msfusion predict`` gives probabilities alone; the class of the highest is in apply's table.
    predicted = model.predict(rows_of(tables, patients)).drop(columns="class", errors="ignore")
    warn_of_seen(patients.intersection(model.estimator.training_ids_), len(patients))
    return predicted.loc[[name for name in cohort.patient_ids if name in patients]]


def predict_to_file(cohort: Cohort, folder: str | Path, path: str | Path) -> pd.DataFrame:
    """Write what ``predict_on_cohort`` returns to a ``.parquet`` or ``.csv`` file; return it.

    A Parquet file also holds the model's ``training.json`` in its metadata.

    Parameters
    ----------
    cohort, folder
        As in ``predict_on_cohort``.
    path : path
        Of the file; an older one is replaced when the new one is complete.

    Raises
    ------
    ValueError
        When ``path`` ends otherwise; nothing is read then.
    """
    # First, so that a wrong name does not cost the computation.
    path = require_predictions_path(path)
    predicted = predict_on_cohort(cohort, folder)
    write_predictions(predicted, path, TrainingRecord.read(Path(folder)))
    return predicted


@renamed_argument("slides", "aggregate", since="0.2", removal="0.3")
def evaluate_on_cohort(
    cohort: Cohort,
    outcome: str,
    *,
    folds: int = 5,
    site: str | None = None,
    modalities: Sequence[str] | None = None,
    aggregate: SlideMean = "weighted",
    slide_model: str | None = None,
    fusion: Strategy | None = None,
    bootstrap: int = 1000,
    random_state: int = 0,
    n_jobs: int = 1,
    progress: ProgressLike = None,
) -> Evaluation:
    """Return how well such a model predicts patients of the cohort that it was not fitted on.

    Parameters
    ----------
    cohort : Cohort
        With the outcome declared.
    outcome : str
        The name of an outcome of the cohort.
    site : str, optional
        A column of the patient table; a site is then never in training and in test.
    folds, bootstrap, random_state, n_jobs, progress
        As in :func:`~msfusion_sdk.evaluation.evaluate.evaluate`.
    modalities, aggregate, slide_model, fusion
        As in ``train_on_cohort``.
    """
    study = read_study(cohort, outcome, modalities, aggregate, slide_model)
    evaluation = evaluate(
        estimator_of(study.outcome, fusion, random_state),
        study.tables,
        study.outcome,
        folds=folds,
        site=None if site is None else patient_column(cohort, site),
        bootstrap=bootstrap,
        random_state=random_state,
        n_jobs=n_jobs,
        progress=progress,
    )
    # ``evaluate`` cannot know of them: they are in none of the tables it is given.
    if not study.left_out:
        return evaluation
    note = f"{study.left_out} patients have the outcome and no modality, and were left out."
    return replace(evaluation, warnings=(note, *evaluation.warnings))


def tables_of(cohort: Cohort, record: TrainingRecord) -> dict[str, pd.DataFrame]:
    """Return the tables of a cohort that a model learned from, all rows.

    Raises
    ------
    StoreMixedFeaturesError
        When the slides were encoded by another model than those of training.
    MissingModalityError
        When no patient of the cohort has one of the modalities.
    """
    found = find_tables(cohort, record)
    for name in record.modalities:
        if name not in found:
            msg = (
                f"No patient of {cohort.root} has {name!r}, which the model learned from (its "
                f"modalities: {', '.join(record.modalities)}; those of the cohort: "
                f"{', '.join(cohort.modalities) or 'none'}). Add it, or train a model without it."
            )
            raise MissingModalityError(msg)
    return found


def find_tables(
    cohort: Cohort, record: TrainingRecord, *, without: Sequence[str] = ()
) -> dict[str, pd.DataFrame]:
    """Return those tables of a cohort that a model learned from and somebody has a value in.

    Parameters
    ----------
    without : sequence of str
        Modalities that are not needed.

    Raises
    ------
    StoreMixedFeaturesError
        When the slides were encoded by another model than those of training.
    """
    found = {}
    for name in record.modalities:
        table = None if name in without else _find_table(cohort, name, record)
        if table is not None and len(with_values(table)):
            found[name] = table
    return found


def _find_table(cohort: Cohort, name: str, record: TrainingRecord) -> pd.DataFrame | None:
    if name in (SLIDE, PATCHES) and (known := models_of(cohort.root)):
        if record.slide_model not in known:
            msg = (
                f"The model learned from slides encoded by {str(record.slide_model)[:12]}, and "
                f"those of {cohort.root} are encoded by {', '.join(one[:12] for one in known)}: "
                "their vectors mean different things. Encode the slides by the former, or train "
                "a model on the latter."
            )
            raise StoreMixedFeaturesError(msg)
        return table_of(cohort, name, record.slides, record.slide_model)
    return cohort.modality(name) if name in cohort.modalities else None


def warn_of_seen(seen: set[str], total: int) -> None:
    """Warn when a model learned from some of the patients it is asked about."""
    if seen:
        msg = (
            f"The model learned from {len(seen)} of the {total} patients (first: "
            f"{first_few(sorted(seen))}): predictions for them flatter it. Judge it by "
            "evaluate."
        )
        warnings.warn(msg, SeenPatientsWarning, stacklevel=3)
