"""Fit every model and baseline in every fold."""

from collections.abc import Mapping, Sequence
from typing import Any

from msfusion_sdk.errors import DegenerateSplitError, DuplicateIdError
from msfusion_sdk.evaluation.crossfit.baselines import LATE_AVERAGE, Baseline, narrowed
from msfusion_sdk.evaluation.crossfit.inputs import Tables
from msfusion_sdk.evaluation.crossfit.predicting import fit_predict
from msfusion_sdk.evaluation.crossfit.task import Task
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.predictions import Predictions

__all__ = ["Runs", "require_free_names", "run_baselines", "run_models"]

Runs = dict[str, list[Predictions | str]]
"""Per model and fold what was predicted, or why a baseline could not be."""


def run_models(
    models: Mapping[str, Any],
    tables: Tables,
    task: Task,
    folds: Sequence[Fold],
) -> Runs:
    """Return what each model predicts in each fold; one that cannot be fitted is an error.

    The error carries a note that says which model and fold it was.
    """
    runs: Runs = {name: [] for name in models}
    for name, model in models.items():
        for number, fold in enumerate(folds):
            try:
                runs[name].append(fit_predict(model, tables, task, fold, number))
            except Exception as error:
                error.add_note(f"This was the model {name!r} in fold {number}.")
                raise
    return runs


def run_baselines(
    model: Any,
    baselines: Sequence[Baseline],
    task: Task,
    folds: Sequence[Fold],
) -> Runs:
    """Return what ``model`` predicts as each baseline, and the late average of single tables.

    Where a fold cannot decide one (nobody there has the table, say) there is a reason instead.
    """
    runs: Runs = {baseline.name: [] for baseline in baselines}
    for baseline in baselines:
        for number, fold in enumerate(folds):
            try:
                tables = baseline.tables(fold, number)
                one = narrowed(model, tables)
                made: Predictions | str = fit_predict(one, tables, task, fold, number)
            except DegenerateSplitError as error:
                made = str(error)
            except Exception as error:
                error.add_note(f"This was the baseline {baseline.name!r} in fold {number}.")
                raise
            runs[baseline.name].append(made)
    alone = [runs[baseline.name] for baseline in baselines if baseline.alone]
    if alone:
        runs[LATE_AVERAGE] = [_average(parts, task) for parts in zip(*alone, strict=True)]
    return runs


def require_free_names(models: Mapping[str, Any], baselines: Sequence[Baseline]) -> None:
    """Refuse models that are called like a baseline.

    Raises
    ------
    DuplicateIdError
        Naming the model.
    """
    taken = set(models) & {LATE_AVERAGE, *(baseline.name for baseline in baselines)}
    if taken:
        msg = f"{min(taken)!r} is the name of a baseline. Call the model something else."
        raise DuplicateIdError(msg)


def _average(parts: Sequence[Predictions | str], task: Task) -> Predictions | str:
    made = [part for part in parts if not isinstance(part, str)]
    if not made:
        return "No table alone could be fitted in this fold."
    ids = sorted({patient for part in made for patient in part.patient_ids})
    return task.predictions.average(made, task.outcome.of(ids))
