"""The result of an evaluation: tables to read, predictions to keep, and how they came about."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.horizons import TimePlan, with_unit
from msfusion_sdk.evaluation.result.markdown import page
from msfusion_sdk.evaluation.result.shown import model_cells
from msfusion_sdk.evaluation.result.text import plain_text
from msfusion_sdk.evaluation.result.verdict import MainMetric, verdict
from msfusion_sdk.outcomes.outcome import Kind
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.plugins import drawn
from msfusion_sdk.storage.predictions import store_predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Evaluation"]

_SHOWN = 4
"""Models in a line."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What models predict about patients they were not fitted on, and how good that is.

    Parameters
    ----------
    models : mapping, name to text
        The models as they were given, the first being the reference; baselines are not here.
    classes : tuple
        Ascending; of two, the second is the positive one.  Empty for survival and numbers.
    unit : str or None
        In which time is counted; None where there is none, or when it is not declared.
    folds : tuple of Fold
        Who was trained on and who was judged.
    split_hash : str
        SHA-256 of the ids in ``folds``.
    random_state, bootstrap : int
        Seed and number of the resamples, and seed of made folds and permutations.
    plan : TimePlan or None
        Uno's tau, the horizons and the grid of the Brier score; None where there is no time.
    labels : mapping, metric to text
        What people call each metric, with its horizon and unit.
    chance : float or None
        The value of the main metric by guessing.
    summary : DataFrame
        A row per model and metric: which values are ``best`` (high, low or one), ``mean`` and
        ``std`` (ddof 0) over ``folds``, the 95 % limits ``lower`` and ``upper`` of the mean,
        ``pooled``, ``patients``.  Concordance is pooled over risks ranked within their fold;
        what weighs by censoring is not pooled.
    per_fold : DataFrame
        A row per model, metric and fold: ``value``, or the ``reason`` why there is none.
    differences : DataFrame
        The reference minus each other model, on the same patients and the same resamples.
    contributions : DataFrame
        Per table and metric: the reference minus the same model refitted without the table.
    fold_counts : DataFrame
        Patients and events (or classes) to train on and to judge, per fold.
    predictions : DataFrame
        A row per model and patient: ``fold``, the outcome, and what was predicted out of fold.
        For survival ``risk``, ``high_risk`` (above the median of the fold's training
        patients) and ``survival`` at :attr:`times`; for classes ``proba_<class>``; for numbers
        ``predicted``.
    warnings : tuple of str
        What limits these numbers.
    versions : mapping of distribution to version
    """

    models: dict[str, str]
    classes: tuple[Any, ...]
    unit: str | None
    folds: tuple[Fold, ...]
    split_hash: str
    random_state: int
    bootstrap: int
    plan: TimePlan | None
    labels: dict[str, str]
    chance: float | None
    summary: pd.DataFrame
    per_fold: pd.DataFrame
    differences: pd.DataFrame
    contributions: pd.DataFrame
    fold_counts: pd.DataFrame
    predictions: pd.DataFrame
    warnings: tuple[str, ...]
    versions: dict[str, str]

    def __repr__(self) -> str:
        cells = model_cells(self.summary, self.main_metric, list(self.models)[:_SHOWN])
        more = len(self.models) - len(cells)
        return one_line(
            "Evaluation",
            [
                self._headline(),
                *(f"{name} {value}" for name, value in cells.items()),
                f"{more} more models" if more else "",
                f"{len(self.warnings)} warnings" if self.warnings else "",
            ],
        )

    def _repr_html_(self) -> str:
        everybody = list(self.summary["model"].unique())[: 3 * _SHOWN]
        facts = {
            **model_cells(self.summary, self.main_metric, everybody),
            "verdict": " ".join(self.verdict),
            "warnings": str(len(self.warnings)) if self.warnings else "",
        }
        return html_table(f"Evaluation: {self._headline()}", facts)

    def _headline(self) -> str:
        patients, folds = int(self.fold_counts["test"].sum()), len(self.fold_counts)
        return f"{self.labels[self.main_metric]} of {patients} patients in {folds} folds"

    @property
    def kind(self) -> Kind:
        """Of the outcome."""
        if self.plan is not None:
            return "survival"
        return "class" if self.classes else "number"

    @property
    def main_metric(self) -> str:
        """The metric by which models are compared: ``c_index``, ``auroc`` or ``r2``."""
        return str(self.summary["metric"].iloc[0])

    @property
    def verdict(self) -> tuple[str, ...]:
        """What the numbers say, in sentences: nothing that an interval does not show."""
        return verdict(
            self.summary,
            self.differences,
            self.contributions,
            models=list(self.models),
            metric=MainMetric(self.main_metric, self.labels[self.main_metric], self.chance),
            bootstrap=self.bootstrap,
        )

    @property
    def times(self) -> tuple[float, ...]:
        """At which survival was predicted; empty where there is no time."""
        return () if self.plan is None else tuple(self.plan.times.tolist())

    def to_frame(self) -> pd.DataFrame:
        """Return the summary: a row per model and metric."""
        return self.summary.copy()

    def to_parquet(self, path: str | Path) -> Path:
        """Write the predictions, from which every metric can be computed again.

        Ids, folds, split hash, seed, versions and times are in the file; zstd, sealed, written
        whole or not at all.
        """
        about = {
            "models": self.models,
            "classes": [str(name) for name in self.classes],
            "split_hash": self.split_hash,
            "random_state": self.random_state,
            "tau": None if self.plan is None else self.plan.tau,
            "times": self.times,
            "versions": self.versions,
        }
        return store_predictions(Path(path), self.predictions, about)

    def to_markdown(self) -> str:
        """Return a page to read: verdict, models, differences, contributions, folds, warnings."""
        return page(
            self.verdict,
            self._facts(),
            self.summary,
            self.differences,
            self.contributions,
            self.fold_counts,
            self.warnings,
            labels=self.labels,
            main=self.main_metric,
            reference=next(iter(self.models)),
        )

    def to_text(self, width: int = 80) -> str:
        """Return the verdict, a row per model and the warnings, for a terminal.

        Parameters
        ----------
        width : int
            No line is longer.
        """
        return plain_text(
            self.verdict,
            self._facts(),
            self.summary,
            self.differences,
            self.warnings,
            labels=self.labels,
            main=self.main_metric,
            reference=next(iter(self.models)),
            width=width,
        )

    def plot_forest(self, *, metric: str | None = None) -> "Figure":
        """Draw :func:`~msfusion_sdk.figures.draw_forest`: all models with their intervals."""
        return drawn("forest", self, metric=metric)

    def plot_calibration(self, *, model: str | None = None) -> "Figure":
        """Draw :func:`~msfusion_sdk.figures.draw_calibration`: predicted beside observed."""
        return drawn("calibration", self, model=model)

    def plot_risk_groups(self, *, model: str | None = None) -> "Figure":
        """Draw :func:`~msfusion_sdk.figures.draw_risk_groups`: survival by risk."""
        return drawn("risk_groups", self, model=model)

    def plot_roc(self, *, model: str | None = None) -> "Figure":
        """Draw :func:`~msfusion_sdk.figures.draw_roc` of classes."""
        return drawn("roc", self, model=model)

    def plot_precision_recall(self, *, model: str | None = None) -> "Figure":
        """Draw :func:`~msfusion_sdk.figures.draw_precision_recall` of classes."""
        return drawn("precision_recall", self, model=model)

    def plot_contributions(self) -> "Figure":
        """Draw :func:`~msfusion_sdk.figures.draw_contributions`: what each table adds."""
        return drawn("contributions", self)

    def _facts(self) -> list[str]:
        counts = self.fold_counts
        patients = int(counts["test"].sum())
        facts = [f"{patients} patients in {len(counts)} folds (split {self.split_hash[:12]})"]
        if self.kind == "class":
            facts.append(f"classes {', '.join(map(str, self.classes))}")
            if len(self.classes) == 2:
                facts.append(f"{self.classes[1]} is the positive one")
        if self.plan is not None:
            facts.append(f"{int(counts['test event'].sum())} events")
            if "c_index_uno" in self.labels:
                tau = with_unit(self.plan.tau, self.unit)
                facts.append(f"Uno's C-index and the Brier score up to tau = {tau}")
        return [*facts, f"{self.bootstrap} resamples, random_state {self.random_state}"]
