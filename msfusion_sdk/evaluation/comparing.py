"""From predictions to tables: per fold, over folds with intervals, and model against model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.evaluation.metrics.intervals import draw_patients, interval_of
from msfusion_sdk.evaluation.metrics.metric import Metric, Score, scored
from msfusion_sdk.evaluation.metrics.predictions import Predictions
from msfusion_sdk.outcomes.outcome import Outcome

__all__ = ["LEAST_OF_STRATUM", "LEAST_PATIENTS", "Comparison"]

LEAST_PATIENTS, LEAST_OF_STRATUM = 20, 5
"""Judged patients, and events (or patients of each class) among them, below which there are no
intervals: so few are no sample to draw from."""


class Comparison:
    """All models on the same folds, and resamples that they share.

    Parameters
    ----------
    out_of_fold : mapping, model to one entry per fold
        Test patients beside predictions, or the reason why there are none.
    metrics : sequence of Metric
    folds : sequence of tuples of ids
        The test patients of each fold, whom the resamples are drawn from.
    outcome : Outcome
        Of everybody; resamples keep the sizes of its strata.
    units : mapping, patient to int
        Patients of one number are drawn together.
    bootstrap : int
        Number of resamples.
    random_state : int
        Of the resamples.
    """

    def __init__(
        self,
        out_of_fold: Mapping[str, Sequence[Predictions | str]],
        metrics: Sequence[Metric[Any]],
        *,
        folds: Sequence[tuple[str, ...]],
        outcome: Outcome,
        units: Mapping[str, int],
        bootstrap: int,
        random_state: int,
    ) -> None:
        self._predictions_of = out_of_fold
        self._metrics = metrics
        self._places = [{patient: i for i, patient in enumerate(ids)} for ids in folds]
        self._needed, self._counted = outcome.needed, outcome.counted
        self._strata = dict(zip(outcome.patient_ids, outcome.strata.tolist(), strict=True))
        self._draws = [
            draw_patients(
                np.array([self._strata[patient] for patient in ids]),
                np.array([units[patient] for patient in ids]),
                draws=bootstrap,
                # Each fold has draws of its own, the same for all models: differences are paired.
                seed=(random_state, number),
            )
            for number, ids in enumerate(folds)
        ]
        self._scores = {
            (name, metric.name): [_score(one, metric) for one in entries]
            for name, entries in out_of_fold.items()
            for metric in metrics
            if metric.is_per_fold
        }
        self._cache: dict[tuple[str, str, int, tuple[str, ...]], Floats] = {}

    def per_fold(self) -> pd.DataFrame:
        """Return a row per model, metric and fold; a value that is missing has a reason."""
        rows = [
            {
                "model": name,
                "metric": metric,
                "fold": number,
                "value": score.value,
                "reason": score.reason,
                "patients": _count(self._predictions_of[name][number]),
            }
            for (name, metric), scores in self._scores.items()
            for number, score in enumerate(scores)
        ]
        kinds = {"value": "Float64", "reason": "string"}
        return pd.DataFrame(rows).astype(kinds)

    def summary(self) -> pd.DataFrame:
        """Return a row per model and metric: mean over folds, interval, and pooled value.

        ``std`` is the spread over folds (ddof 0), which is no interval; ``folds`` says how many
        of them have a value and are in the mean; ``best`` which values are good.  What is judged
        over all folds together has a pooled value and no mean.
        """
        rows = []
        for name, entries in self._predictions_of.items():
            made = [one for one in entries if not isinstance(one, str)]
            for metric in self._metrics:
                scores = self._scores.get((name, metric.name), ())
                values = [score.value for score in scores if score.value is not None]
                lower, upper = self._limits(name, metric)
                row = {
                    "model": name,
                    "metric": metric.name,
                    "best": metric.best,
                    "mean": np.mean(values) if values else None,
                    "std": np.std(values) if values else None,
                    "lower": lower,
                    "upper": upper,
                    "pooled": _pooled(made, metric).value,
                    "folds": len(values) if metric.is_per_fold else len(made),
                    "patients": sum(len(one.patient_ids) for one in made),
                }
                rows.append(row)
        numbers = ("mean", "std", "lower", "upper", "pooled")
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, "Float64"))

    def differences(self, reference: str) -> pd.DataFrame:
        """Return ``reference`` minus each other model, on the patients that both predict.

        Both are resampled with the same draws; a mean over the folds in which both have a
        value.
        """
        rows = []
        for name in self._predictions_of:
            for metric in self._metrics:
                if name != reference and metric.statistic is not None:
                    rows.append(self._difference(reference, name, metric))
        columns = ["reference", "model", "metric", "difference", "lower", "upper"]
        table = pd.DataFrame(rows, columns=[*columns, "folds", "patients"])
        return table.astype(dict.fromkeys(columns[3:], "Float64"))

    def undecided(self, models: Sequence[str]) -> list[str]:
        """Return why models have no value of what all folds together decide, or no intervals."""
        sentences = []
        for name in models:
            made = [one for one in self._predictions_of[name] if not isinstance(one, str)]
            for metric in self._metrics:
                score = Score(0.0) if metric.is_per_fold else _pooled(made, metric)
                if score.value is None:
                    sentences.append(f"{metric.label} of {name!r} has no value: {score.reason}")
        judged = [patient for place in self._places for patient in place]
        if not self._can_have_limits(judged):
            sentences.append(
                f"There are no intervals: they need {LEAST_PATIENTS} patients, and "
                f"{LEAST_OF_STRATUM} {self._counted} among them."
            )
        return sentences

    def _limits(self, name: str, metric: Metric[Any]) -> tuple[float | None, float | None]:
        if metric.statistic is None:
            return None, None
        decided = [
            (number, one)
            for number, one in enumerate(self._predictions_of[name])
            if not isinstance(one, str)
            and self._scores[name, metric.name][number].value is not None
        ]
        judged = [patient for _, one in decided for patient in one.patient_ids]
        if not self._can_have_limits(judged):
            return None, None
        # The mean over folds of each draw, so that limits are of the mean that is shown.
        values = [self._values(name, metric, number, one.patient_ids) for number, one in decided]
        return interval_of(np.mean(values, axis=0))[1:]

    def _difference(self, reference: str, name: str, metric: Metric[Any]) -> dict[str, Any]:
        steps: list[Floats] = []
        patients: list[str] = []
        for number in range(len(self._draws)):
            common = self._common(reference, name, number)
            if not common:
                continue
            ours = self._values(reference, metric, number, common)
            step = ours - self._values(name, metric, number, common)
            # The first draw holds everybody once: NaN there means that the fold decides nothing.
            if np.isfinite(step[0]):
                steps.append(step)
                patients += common
        found = interval_of(np.mean(steps, axis=0)) if steps else None
        has_limits = found is not None and self._can_have_limits(patients)
        return {
            "reference": reference,
            "model": name,
            "metric": metric.name,
            "difference": found.value if found else None,
            "lower": found.lower if found and has_limits else None,
            "upper": found.upper if found and has_limits else None,
            "folds": len(steps),
            "patients": len(patients),
        }

    def _can_have_limits(self, patients: Sequence[str]) -> bool:
        """Tell whether a resample of these patients says how far a value may be off."""
        counts = Counter(self._strata[patient] for patient in patients)
        scarcest = min(counts[stratum] for stratum in self._needed)
        return len(patients) >= LEAST_PATIENTS and scarcest >= LEAST_OF_STRATUM

    def _common(self, reference: str, name: str, number: int) -> tuple[str, ...]:
        one, other = self._predictions_of[reference][number], self._predictions_of[name][number]
        if isinstance(one, str) or isinstance(other, str):
            return ()
        shared = set(other.patient_ids)
        return tuple(patient for patient in one.patient_ids if patient in shared)

    def _values(
        self, name: str, metric: Metric[Any], number: int, patient_ids: tuple[str, ...]
    ) -> Floats:
        """Return the metric of every draw, shape (1 + draw,); NaN where it has no value."""
        key = (name, metric.name, number, patient_ids)
        if key not in self._cache:
            self._cache[key] = self._resampled(name, metric, number, patient_ids)
        return self._cache[key]

    def _resampled(
        self, name: str, metric: Metric[Any], number: int, patient_ids: tuple[str, ...]
    ) -> Floats:
        # Only asked for where there is a prediction, and of metrics that have a statistic.
        out_of_fold: Any = self._predictions_of[name][number]
        statistic: Any = metric.statistic
        # Columns are all test patients of the fold; here those whom the model has predicted.
        draws = self._draws[number][:, [self._places[number][p] for p in patient_ids]]
        part, score = out_of_fold, self._scores[name, metric.name][number]
        if patient_ids != out_of_fold.patient_ids:
            part = out_of_fold.take(_rows(out_of_fold.patient_ids, patient_ids))
            score = _score(part, metric)
        if score.value is None:
            return np.full(len(draws), np.nan)
        values: Floats = statistic(part)(draws)
        return values


def _score(out_of_fold: Predictions | str, metric: Metric[Any]) -> Score:
    if isinstance(out_of_fold, str):
        return Score(None, out_of_fold)
    return scored(lambda: metric.value(out_of_fold))


def _pooled(made: Sequence[Predictions], metric: Metric[Any]) -> Score:
    pooled = metric.pooled
    if pooled is None or not made:
        return Score(None)
    return scored(lambda: pooled(made))


def _count(out_of_fold: Predictions | str) -> int:
    return 0 if isinstance(out_of_fold, str) else len(out_of_fold.patient_ids)


def _rows(have: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[np.intp]:
    place = {patient: row for row, patient in enumerate(have)}
    return np.array([place[patient] for patient in wanted], np.intp)
