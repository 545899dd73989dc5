"""What a fused model has to be compared with, fitted in the same folds as the model itself.

* ``rna alone``: the same estimator with one table, on the patients who have it.
* ``without rna``: the same estimator with all other tables; what is lost is what the table
  contributes.
* ``rna permuted``: the rows of one table dealt out anew among those who have it, within
  training and within test patients.  It should fall to the level of ``without rna``.
* ``late average``: the models of single tables, averaged with equal weights over the tables
  a patient has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from msfusion_sdk.arrays import Floats
from msfusion_sdk.evaluation.crossfit.inputs import Tables, with_values
from msfusion_sdk.evaluation.folds.folds import Fold
from msfusion_sdk.evaluation.metrics.predictions import (
    ClassPredictions,
    Predictions,
    SurvivalPredictions,
)

__all__ = ["LATE_AVERAGE", "Baseline", "late_average", "make_baselines", "narrowed"]

LATE_AVERAGE = "late average"


@dataclass(frozen=True)
class Baseline:
    """One comparison: its name, and the tables it uses in a fold."""

    name: str
    tables: Callable[[Fold, int], Tables]
    alone: str | None = None
    """The table, when it is the only one."""
    dropped: str | None = None
    """The table whose contribution this shows, when it is the only one left out."""


def make_baselines(tables: Tables, random_state: int) -> list[Baseline]:
    """Return the baselines of ``tables``; of two, one alone is the other one's absence."""
    several = len(tables) > 1
    dropped = {next(n for n in tables if n != name): name for name in tables if len(tables) == 2}
    # By place in the sorted names, so that the order of the tables does not decide.
    place = {name: number for number, name in enumerate(sorted(tables))}
    alone = [
        Baseline(f"{name} alone", _fixed({name: table}), alone=name, dropped=dropped.get(name))
        for name, table in tables.items()
        if several
    ]
    without = [
        Baseline(
            f"without {name}",
            _fixed({other: table for other, table in tables.items() if other != name}),
            dropped=name,
        )
        for name in tables
        if len(tables) > 2
    ]
    permuted = [
        Baseline(f"{name} permuted", _permuted(tables, name, (random_state, place[name])))
        for name in tables
    ]
    return [*alone, *without, *permuted]


def narrowed(model: Any, tables: Tables) -> Any:
    """Return ``model`` with ``adapters`` for these tables only; others would be refused."""
    adapters = model.get_params(deep=False).get("adapters")
    if not adapters:
        return model
    kept = {name: adapter for name, adapter in adapters.items() if name in tables}
    return clone(model).set_params(adapters=kept)


def late_average(alone: Sequence[Predictions]) -> Predictions:
    """Return the equal-weight average of models of single tables, in one fold.

    Probabilities and survival curves are averaged as they are; risks after each was scaled to
    mean 0 and standard deviation 1 of its training patients.  A patient gets the average of
    the tables they have.
    """
    ids = tuple(sorted({patient for one in alone for patient in one.patient_ids}))
    classes = [one for one in alone if isinstance(one, ClassPredictions)]
    if classes:
        proba = _average(ids, [(one.patient_ids, one.proba) for one in classes])
        return ClassPredictions(ids, _known(ids, classes, "codes"), proba, classes[0].classes)
    times = [one for one in alone if isinstance(one, SurvivalPredictions)]
    scales = [_scale(one.train_risk) for one in times]
    risks = [
        (one.patient_ids, ((one.risk - mean) / spread)[:, None])
        for one, (mean, spread) in zip(times, scales, strict=True)
    ]
    trained = [
        (one.train_risk - mean) / spread for one, (mean, spread) in zip(times, scales, strict=True)
    ]
    return SurvivalPredictions(
        patient_ids=ids,
        time=_known(ids, times, "time"),
        event=_known(ids, times, "event"),
        risk=_average(ids, risks)[:, 0],
        survival=_average(ids, [(one.patient_ids, one.survival) for one in times]),
        train_time=times[0].train_time,
        train_event=times[0].train_event,
        train_risk=pd.concat(trained, axis=1).mean(axis=1).sort_index(),
    )


def _known(patient_ids: tuple[str, ...], parts: Sequence[Predictions], field: str) -> NDArray[Any]:
    """Return what any of ``parts`` knows about each patient; all of them know the same."""
    known = {
        patient: value
        for one in parts
        for patient, value in zip(one.patient_ids, getattr(one, field).tolist(), strict=True)
    }
    return np.array([known[patient] for patient in patient_ids])


def _fixed(tables: Tables) -> Callable[[Fold, int], Tables]:
    return lambda fold, number: tables


def _permuted(tables: Tables, name: str, seed: tuple[int, int]) -> Callable[[Fold, int], Tables]:
    def permute(fold: Fold, number: int) -> Tables:
        generator = np.random.default_rng([*seed, number])
        table = tables[name]
        order = np.arange(len(table))
        have = table.index.isin(with_values(table))
        for side in (fold.train_ids, fold.test_ids):
            rows = np.flatnonzero(have & table.index.isin(side))
            order[rows] = generator.permutation(rows)
        return {**tables, name: table.iloc[order].set_axis(table.index)}

    return permute


def _scale(train_risk: "pd.Series[float]") -> tuple[float, float]:
    """Return mean and standard deviation; 1 for a model that calls all patients alike."""
    return float(train_risk.mean()), float(train_risk.std(ddof=0)) or 1.0


def _average(
    patient_ids: tuple[str, ...], parts: Sequence[tuple[tuple[str, ...], Floats]]
) -> Floats:
    total = np.zeros((len(patient_ids), parts[0][1].shape[1]))
    count = np.zeros((len(patient_ids), 1))
    place = {patient: row for row, patient in enumerate(patient_ids)}
    for ids, values in parts:
        rows = [place[patient] for patient in ids]
        total[rows] += values
        count[rows] += 1
    mean: Floats = total / count
    return mean
