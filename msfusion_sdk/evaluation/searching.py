"""Settings chosen by folds of the training patients, judged on patients that chose nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils.metaestimators import available_if

from msfusion_sdk.errors import DegenerateSplitError, TableError
from msfusion_sdk.evaluation.crossfit.inputs import Tables
from msfusion_sdk.evaluation.crossfit.model_check import require_model
from msfusion_sdk.evaluation.crossfit.running import Progress
from msfusion_sdk.evaluation.crossfit.tasks import TASKS
from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.outcomes.reading import read_outcome

if TYPE_CHECKING:
    from msfusion_sdk.evaluation.folds.folds import Fold
    from msfusion_sdk.outcomes.outcome import Outcome

__all__ = ["Search", "Searched", "search"]

SEARCHED = "searched"


def _has(method: str) -> Any:
    return available_if(lambda self: hasattr(self.model, method))


class Searched(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A model that chooses its settings by folds of the patients it is fitted on.

    Like any model it can be given to :func:`~msfusion_sdk.evaluation.evaluate.evaluate`: then it
    chooses anew in every fold.

    Parameters
    ----------
    model : estimator
        Of which clones are fitted.
    grid : mapping of parameter to values, or sequence of them
        As :class:`sklearn.model_selection.ParameterGrid` takes it.
    folds : int
        Of the patients that it is fitted on.
    groups, site : mapping or Series by patient_id, optional
        As in :func:`~msfusion_sdk.evaluation.folds.folds.make_folds`.
    random_state : int
        Of the folds.

    Attributes
    ----------
    best_ : dict
        The settings with the best mean of the main metric (C-index or AUROC); the first of equals.
    scores_ : DataFrame
        A row for each setting: its parameters, and ``value``, the mean over the folds.
    model_ : estimator
        With the best settings, fitted on all patients.
    """

    def __init__(
        self,
        model: Any,
        grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
        *,
        folds: int = 5,
        groups: "Mapping[str, Any] | pd.Series[Any] | None" = None,
        site: "Mapping[str, Any] | pd.Series[Any] | None" = None,
        random_state: int = 0,
    ) -> None:
        self.model = model
        self.grid = grid
        self.folds = folds
        self.groups = groups
        self.site = site
        self.random_state = random_state

    def fit(self, X: Tables, y: Any) -> Self:  # noqa: N803
        """Choose the settings, and fit the model with them.

        Parameters
        ----------
        X, y
            Tables by name and outcomes, as the model's own ``fit`` takes them.

        Raises
        ------
        TableError
            When the grid is empty.
        DegenerateSplitError
            When no setting can be judged.
        """
        settings = list(ParameterGrid(self.grid))
        if not settings or settings == [{}]:
            msg = "The grid holds no setting. Give it as {'fusion': ['concat', 'stacking'], …}."
            raise TableError(msg)
        models = {str(number): self._with(one) for number, one in enumerate(settings)}
        # In the order of the grid again: by name "10" comes before "2".
        value = self._judged(models, X, y).loc[list(models)].to_numpy(np.float64, na_value=np.nan)
        self.scores_ = pd.DataFrame(settings).assign(value=value)
        self.best_ = settings[int(np.nanargmax(value))]
        self.model_ = self._with(self.best_).fit(X, y)
        return self

    @_has("predict")  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def predict(self, X: Tables) -> "pd.Series[Any]":  # noqa: N803
        """Return the predictions of the chosen model."""
        predicted: pd.Series[Any] = self.model_.predict(X)
        return predicted

    @_has("score")  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def score(self, X: Tables, y: Any) -> float:  # noqa: N803
        """Return how good the chosen model is on the patients in ``y``.

        Parameters
        ----------
        X, y
            As the model's own ``score`` takes them.
        """
        return float(self.model_.score(X, y))

    @_has("predict_risk")  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def predict_risk(self, X: Tables) -> "pd.Series[float]":  # noqa: N803
        """Return the risks of the chosen model."""
        risk: pd.Series[float] = self.model_.predict_risk(X)
        return risk

    @_has("predict_survival")  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def predict_survival(self, X: Tables, times: Any) -> "pd.DataFrame":  # noqa: N803
        """Return the survival curves of the chosen model."""
        curves: pd.DataFrame = self.model_.predict_survival(X, times)
        return curves

    @_has("predict_proba")  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def predict_proba(self, X: Tables) -> "pd.DataFrame":  # noqa: N803
        """Return the class probabilities of the chosen model."""
        chances: pd.DataFrame = self.model_.predict_proba(X)
        return chances

    def _with(self, settings: Mapping[str, Any]) -> Any:
        return clone(self.model).set_params(**settings)

    def _judged(self, models: Mapping[str, Any], tables: Tables, y: Any) -> "pd.Series[float]":
        """Return the mean of the main metric over the folds, by name of the model."""
        # Means alone choose: baselines and intervals would take longer than the models.
        found = evaluate(
            models,
            tables,
            y,
            folds=self.folds,
            groups=self.groups,
            site=self.site,
            random_state=self.random_state,
            baselines=False,
            bootstrap=0,
        )
        main = found.per_fold["metric"] == next(iter(found.labels))
        means: pd.Series[float] = found.per_fold[main].groupby("model")["value"].mean()
        if means.isna().all():
            msg = (
                f"None of {len(models)} settings has a value in any of {self.folds} folds of the "
                "training patients, so none can be chosen. Use fewer folds, or more patients."
            )
            raise DegenerateSplitError(msg)
        return means


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found, and how good such a search is."""

    model: Searched
    """Fitted on all patients; ``best_`` and ``scores_`` say what it chose and from what."""
    evaluation: Evaluation
    """Of ``searched``, which chose anew inside every fold, beside the model as it was given."""


def search(
    model: Any,
    X: Tables,  # noqa: N803
    y: "pd.DataFrame | pd.Series[Any] | Outcome",
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
    *,
    folds: "int | pd.Series[Any] | Sequence[Fold]" = 5,
    inner_folds: int = 5,
    groups: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    site: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    bootstrap: int = 1000,
    random_state: int = 0,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Search:
    """Return the model with the best settings of ``grid``, and a fair evaluation of the search.

    The score by which settings are chosen flatters the one that is chosen.  Therefore the whole
    search is repeated inside the training patients of every outer fold, and judged on the others.

    Parameters
    ----------
    model : estimator
        As in :func:`~msfusion_sdk.evaluation.evaluate.evaluate`.
    X : mapping of name to DataFrame indexed by patient_id
    y : DataFrame or Series indexed by patient_id
    grid : mapping of parameter to values, or sequence of them
        Parameters of ``model``.
    folds : int, Series, or sequence of Fold
        The outer ones, as in :func:`~msfusion_sdk.evaluation.evaluate.evaluate`.
    inner_folds : int
        By which settings are chosen.
    groups, site : mapping or Series by patient_id, optional
        Kept together in outer and in inner folds.
    bootstrap, random_state, n_jobs, progress
        As in :func:`~msfusion_sdk.evaluation.evaluate.evaluate`.

    Examples
    --------
    ``search(FusionSurvival(), X, y, {"fusion": ["concat", "stacking"]}).model.best_``
    """
    outcome = read_outcome(y)
    # Here, since messages on ``searched`` would not say whose fault it is.
    require_model("model", model, TASKS[outcome.kind], outcome)
    searched = Searched(
        model, grid, folds=inner_folds, groups=groups, site=site, random_state=random_state
    )
    evaluation = evaluate(
        {SEARCHED: searched, "as given": model},
        X,
        outcome,
        folds=folds,
        groups=groups,
        site=site,
        baselines=False,
        bootstrap=bootstrap,
        random_state=random_state,
        n_jobs=n_jobs,
        progress=progress,
    )
    return Search(clone(searched).fit(X, outcome.labels()), evaluation)
