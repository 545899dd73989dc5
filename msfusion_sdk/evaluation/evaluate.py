"""One call: folds, fits, baselines, metrics and intervals, with every fit inside its fold."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from msfusion_sdk._version import __version__
from msfusion_sdk.errors import InputTypeError
from msfusion_sdk.evaluation.comparing import Comparison
from msfusion_sdk.evaluation.crossfit.baselines import make_baselines
from msfusion_sdk.evaluation.crossfit.inputs import read_tables
from msfusion_sdk.evaluation.crossfit.model_check import require_model
from msfusion_sdk.evaluation.crossfit.running import require_free_names, run_all
from msfusion_sdk.evaluation.crossfit.tasks import TASKS
from msfusion_sdk.evaluation.folds.checks import labels_of
from msfusion_sdk.evaluation.folds.folds import (
    Fold,
    fold_counts,
    make_folds,
    split_hash,
    without,
)
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.frames import contributions_table, predictions_table
from msfusion_sdk.evaluation.result.warnings import remarks, warn_once
from msfusion_sdk.monitoring.progress import ProgressLike, showing
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.reading import read_outcome

__all__ = ["evaluate"]

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "lifelines", "torch")


def evaluate(
    model: Any,
    X: Mapping[str, pd.DataFrame],  # noqa: N803
    y: "pd.DataFrame | pd.Series[Any] | Outcome",
    *,
    folds: "int | pd.Series[Any] | Sequence[Fold]" = 5,
    groups: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    site: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    baselines: bool = True,
    bootstrap: int = 1000,
    random_state: int = 0,
    horizons: ArrayLike | None = None,
    tau: float | None = None,
    n_jobs: int = 1,
    progress: ProgressLike = None,
) -> Evaluation:
    """Return how well ``model`` predicts patients that it was not fitted on.

    In each fold a clone of the model is fitted on the training patients only, adapters and all,
    and predicts the others.

    Parameters
    ----------
    model : estimator, or mapping of name to estimator
        With ``fit(X, y)`` and, for the kind of ``y``, ``predict_risk`` and ``predict_survival``,
        ``predict_proba``, or ``predict``.
        Of several, the first is the one that baselines belong to and others are compared with.
    X : mapping of name to DataFrame indexed by patient_id
        A patient may lack tables, but not all of them.
    y : DataFrame with ``time`` and ``event``, or Series of classes or numbers
        Indexed by patient_id.  Floating-point numbers are numbers, whole ones are classes.  The
        unit of time is in ``y.attrs["unit"]``, where it is known.
    folds, groups, site
        As in :func:`~msfusion_sdk.evaluation.folds.folds.make_folds`.
    baselines : bool
        Also evaluate each table alone, left out and permuted, bags by their plain mean, and the
        late average.
    bootstrap : int
        Resamples of patients within each fold, for the intervals; 0 gives none.
    random_state : int
        Of made folds, permutations and resamples.  That of the model is its own.
    horizons : ascending times, unit of ``time``, optional
        For AUROC and calibration; by default up to three, near the quartiles of the events.
    tau : float, unit of ``time``, optional
        Where Uno's C-index and the Brier score end; by default a time up to which a fifth of the
        training patients of every fold are followed.
    n_jobs : int
        Processes; the result is the same for any number.
    progress : callable, None or False
        Called with (fits done, fits in all), or as
        :class:`~msfusion_sdk.monitoring.progress.Progress`.  None shows a bar in terminals and
        notebooks, False none.

    Raises
    ------
    InputTypeError
        When ``X``, the model or the folds are something else than stated, or the model cannot
        predict this kind of outcome; the message has the right call.  It is a TypeError.
    MissingModalityError
        When most patients have no value in any table.
    DegenerateSplitError, DuplicateIdError, IdMismatchError, IdTypeError
        When folds or ids cannot be used; see
        :func:`~msfusion_sdk.evaluation.folds.folds.make_folds`.

    Examples
    --------
    ``print(evaluate(FusionSurvival(), cohort.tables(), cohort.outcome("survival")).to_markdown())``
    """
    outcome = read_outcome(y)
    models = _named(model, outcome)
    tables, patient_ids, notes = read_tables(X, outcome.patient_ids)
    # Given folds may name patients without any value, who are gone from the outcome now.
    folds = without(folds, set(outcome.patient_ids).difference(patient_ids))
    outcome = outcome.of(patient_ids)
    made = make_folds(outcome, folds=folds, groups=groups, site=site, random_state=random_state)
    task = TASKS[outcome.kind].of(outcome, made, horizons, tau)
    takes = "adapters" in next(iter(models.values())).get_params(deep=False)
    chosen = make_baselines(tables, random_state, takes_adapters=takes) if baselines else []
    # Before anything is fitted: results are kept by name, and one would replace the other.
    require_free_names(models, chosen)
    with showing(progress) as tell:
        runs, caught = run_all(
            models,
            chosen,
            tables,
            task,
            made,
            n_jobs=n_jobs,
            progress=lambda done, total: tell("fits", done, total),
        )
    warn_once(caught)
    reference = next(iter(models))
    comparison = Comparison(
        runs,
        task.metrics,
        folds=[fold.test_ids for fold in made],
        outcome=outcome,
        units=_units(outcome, groups),
        bootstrap=bootstrap,
        random_state=random_state,
    )
    per_fold, differences = comparison.per_fold(), comparison.differences(reference)
    counts = fold_counts(made, outcome)
    labels = {metric.name: metric.label for metric in task.metrics}
    return Evaluation(
        models={name: repr(one) for name, one in models.items()},
        classes=task.classes,
        unit=outcome.unit,
        folds=made,
        split_hash=split_hash(made),
        random_state=random_state,
        bootstrap=bootstrap,
        plan=task.plan,
        labels=labels,
        # The main metric is the first one.
        chance=task.metrics[0].chance,
        summary=comparison.summary(),
        per_fold=per_fold,
        differences=differences,
        contributions=contributions_table(differences, chosen),
        fold_counts=counts,
        predictions=predictions_table(runs),
        warnings=(
            *notes,
            *remarks(outcome, counts, runs, per_fold, list(models), task.plan, labels),
            *comparison.undecided(list(models)),
        ),
        versions={"msfusion-sdk": __version__} | {n: version(n) for n in _LIBRARIES},
    )


def _named(model: Any, outcome: Outcome) -> dict[str, Any]:
    models = dict(model) if isinstance(model, Mapping) else {"model": model}
    if not models:
        msg = "No model was given. Give an estimator, or a mapping of names to estimators."
        raise InputTypeError(msg)
    for name, one in models.items():
        require_model(name, one, TASKS[outcome.kind], outcome)
    return models


def _units(outcome: Outcome, groups: Any) -> dict[str, int]:
    """Return a number per patient, the same for patients of one group."""
    ids = outcome.patient_ids
    if groups is None:
        return {patient: number for number, patient in enumerate(ids)}
    numbers, _ = pd.factorize(labels_of("group", groups, ids))
    return dict(zip(ids, numbers.tolist(), strict=True))
