"""Fit every model and baseline in every fold, in this process or in several."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from joblib import Parallel, delayed  # type: ignore[import-untyped]

from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    MissingModalityError,
    TableError,
)
from msfusion_sdk.evaluation.crossfit.baselines import (
    LATE_AVERAGE,
    Baseline,
    FixedTables,
    narrowed,
)
from msfusion_sdk.evaluation.crossfit.inputs import Tables
from msfusion_sdk.evaluation.crossfit.predicting import fit_predict
from msfusion_sdk.evaluation.crossfit.task import Task
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.predictions import Predictions

__all__ = ["Progress", "Runs", "require_free_names", "run_all"]

Runs = dict[str, list[Predictions | str]]
"""Per model and fold what was predicted, or why it could not be."""

Progress = Callable[[int, int], None]
"""Called with the fits that are done, and with how many there are."""

Caught = tuple[type[Warning], str]


class _Job(NamedTuple):
    """One model or baseline in one fold."""

    name: str
    model: Any
    tables: Callable[[Fold, int], Tables]
    number: int
    """Of the fold."""
    is_baseline: bool
    adapters: Mapping[str, str] = {}
    """That take the place of the model's."""


class _Done(NamedTuple):
    made: Predictions | str
    error: TableError | None
    """What ``made`` is the reason of."""
    warnings: list[Caught]


def run_all(
    models: Mapping[str, Any],
    baselines: Sequence[Baseline],
    tables: Tables,
    task: Task,
    folds: Sequence[Fold],
    *,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[Runs, list[Caught]]:
    """Return what each model, each baseline and the late average predict, and all warnings.

    Where a fold cannot decide one there is a reason instead (nobody there has the table, say).

    Parameters
    ----------
    baselines : sequence of Baseline
        Of the first model.
    n_jobs : int
        Processes; the result is the same for any number.

    Raises
    ------
    DegenerateSplitError, MissingModalityError
        When no fold can decide a model.  These and all errors of another kind carry a note that
        says which model and fold it was.
    """
    numbers = range(len(folds))
    jobs = [
        _Job(name, one, FixedTables(tables), k, False)
        for name, one in models.items()
        for k in numbers
    ]
    first = next(iter(models.values()))
    jobs += [
        _Job(each.name, first, each.tables, k, True, each.adapters)
        for each in baselines
        for k in numbers
    ]
    runs: Runs = {}
    errors: dict[str, list[TableError]] = {}
    caught: list[Caught] = []
    for place, (job, done) in enumerate(zip(jobs, _each(jobs, task, folds, n_jobs), strict=True)):
        runs.setdefault(job.name, []).append(done.made)
        caught += done.warnings
        if done.error and not job.is_baseline:
            errors.setdefault(job.name, []).append(done.error)
        if progress:
            progress(place + 1, len(jobs))
    for failed in errors.values():
        # In some folds a model may fail for want of events; in all of them there is no result.
        if len(failed) == len(folds):
            raise failed[0]
    alone = [runs[baseline.name] for baseline in baselines if baseline.alone]
    if alone:
        runs[LATE_AVERAGE] = [_average(parts, task) for parts in zip(*alone, strict=True)]
    return runs, caught


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


def _each(jobs: Sequence[_Job], task: Task, folds: Sequence[Fold], n_jobs: int) -> Iterator[_Done]:
    if n_jobs == 1:
        return (_run(job, task, folds[job.number]) for job in jobs)
    # In the order of the jobs, as they come: progress moves, and results can be zipped.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    done: Iterator[_Done] = parallel(delayed(_run)(job, task, folds[job.number]) for job in jobs)
    return done


def _run(job: _Job, task: Task, fold: Fold) -> _Done:
    # A model must be decided in some fold; of a baseline any trouble with the data is a reason.
    reasons = TableError if job.is_baseline else (DegenerateSplitError, MissingModalityError)
    with warnings.catch_warnings(record=True) as caught:
        # Warnings shown once would be lost in another process; they are folded together later.
        warnings.simplefilter("always")
        try:
            tables = job.tables(fold, job.number)
            own = job.model
            model = narrowed(own, tables, job.adapters) if job.is_baseline else own
            made: Predictions | str = fit_predict(model, tables, task, fold, job.number)
            failed = None
        except Exception as error:
            what = "baseline" if job.is_baseline else "model"
            error.add_note(f"This was the {what} {job.name!r} in fold {job.number}.")
            if not isinstance(error, reasons):
                raise
            made, failed = str(error), error
    # What a baseline warns of, the model warns of too, or it is what the baseline is to show.
    heard = [] if job.is_baseline else caught
    return _Done(made, failed, [(one.category, str(one.message)) for one in heard])


def _average(parts: Sequence[Predictions | str], task: Task) -> Predictions | str:
    made = [part for part in parts if not isinstance(part, str)]
    if not made:
        return "No table alone could be fitted in this fold."
    ids = sorted({patient for part in made for patient in part.patient_ids})
    return task.predictions.average(made, task.outcome.of(ids))
