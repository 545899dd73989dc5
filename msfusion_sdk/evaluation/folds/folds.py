"""Folds by patient: who is trained on and who is judged, fixed before anything is fitted."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.errors import DegenerateSplitError, InputTypeError
from msfusion_sdk.evaluation.folds.checks import (
    labels_of,
    require_each_tested_once,
    require_no_straddling,
    require_trainable,
)
from msfusion_sdk.evaluation.folds.stratified_groups import stratified_group_folds
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.phrases import what_is

__all__ = ["Fold", "fold_counts", "make_folds", "split_hash", "without"]


@dataclass(frozen=True)
class Fold:
    """The patients to fit on, and those to judge; ids ascend."""

    train_ids: tuple[str, ...]
    test_ids: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Fold({len(self.train_ids)} to fit on, {len(self.test_ids)} to judge)"


def make_folds(
    y: "pd.DataFrame | pd.Series[Any] | Outcome",
    *,
    folds: "int | pd.Series[Any] | Sequence[Fold]" = 5,
    groups: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    site: "Mapping[str, Any] | pd.Series[Any] | None" = None,
    random_state: int = 0,
) -> tuple[Fold, ...]:
    """Return folds in which every patient is judged once and no group is on both sides.

    Made folds hold events (or classes) in equal shares, as far as groups and sites allow.
    Given folds are checked and returned.

    Parameters
    ----------
    y : DataFrame or Series, indexed by patient_id
        The outcome: ``time`` and ``event``, or classes.
    folds : int, Series, or sequence of Fold
        How many to make; or the fold of each patient; or the folds themselves.
    groups : Series, patient_id to group, optional
        Rows that belong together: several specimens of a person, or a family.
    site : Series, patient_id to site, optional
        Makes folds site-preserved: a test site is never trained on.
    random_state : int
        Of the made folds; not negative.

    Raises
    ------
    InputTypeError
        When ``folds`` or ``random_state`` is something else.
    DegenerateSplitError
        When a group or site is on both sides of a fold, when there are fewer of them than
        folds, or training patients lack events or a class; the message names patients.
    DuplicateIdError
        When given folds judge a patient twice.
    IdMismatchError
        When a patient is in no test fold, has no group or site, or is unknown.
    """
    _require_seed(random_state)
    outcome = read_outcome(y)
    kept = {
        what: labels_of(what, labels, outcome.patient_ids)
        for what, labels in (("group", groups), ("site", site))
        if labels is not None
    }
    if isinstance(folds, int | np.integer):
        place = _made(outcome, int(folds), list(kept.values()), random_state)
        made = _by_place(outcome.patient_ids, place)
    elif isinstance(folds, pd.Series):
        made = _by_place(outcome.patient_ids, labels_of("fold", folds, outcome.patient_ids))
    else:
        made = _given(folds)
    require_each_tested_once(made, outcome.patient_ids)
    for what, labels in kept.items():
        require_no_straddling(made, what, dict(zip(outcome.patient_ids, labels, strict=True)))
    for number, fold in enumerate(made):
        require_trainable(number, fold.train_ids, outcome)
    return made


def _require_seed(random_state: Any) -> None:
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return
    msg = (
        f"random_state is {random_state!r}. Give a whole number from 0 on, such as random_state=0: "
        "the folds of an evaluation are made again from it."
    )
    raise InputTypeError(msg)


def without(folds: Any, patient_ids: Collection[str]) -> Any:
    """Return given folds without some patients; what is no list of folds as it is."""
    if not patient_ids or isinstance(folds, int | np.integer | pd.Series):
        return folds
    return [
        Fold(
            *(
                tuple(one for one in ids if one not in patient_ids)
                for ids in (fold.train_ids, fold.test_ids)
            )
        )
        for fold in _given(folds)
    ]


def split_hash(folds: Sequence[Fold]) -> str:
    """Return the SHA-256 of the ids on both sides of each fold, hexadecimal.

    Two evaluations with the same hash judged the same patients in the same folds.
    """
    # Sorted: the order in which a fold lists its patients decides nothing.
    ids = [[sorted(fold.train_ids), sorted(fold.test_ids)] for fold in folds]
    return hashlib.sha256(json.dumps(ids, separators=(",", ":")).encode()).hexdigest()


def fold_counts(folds: Sequence[Fold], outcome: Outcome) -> pd.DataFrame:
    """Return how many patients of each stratum every fold trains on and judges.

    One row per fold, from 0; columns ``train``, ``test``, then both for each stratum: for
    survival ``train event`` and ``test event`` among them.  Of numbers there is nothing to count.

    Parameters
    ----------
    folds : sequence of Fold
    outcome : Outcome
        As :func:`msfusion_sdk.outcomes.read_outcome` returns it.
    """
    stratum = dict(zip(outcome.patient_ids, outcome.strata.tolist(), strict=True))
    rows = []
    for fold in folds:
        sides = {"train": fold.train_ids, "test": fold.test_ids}
        row = {side: len(ids) for side, ids in sides.items()}
        several = outcome.stratum_names if len(outcome.stratum_names) > 1 else ()
        for code, name in enumerate(several):
            for side, ids in sides.items():
                row[f"{side} {name}"] = sum(stratum[patient] == code for patient in ids)
        rows.append(row)
    return pd.DataFrame(rows).rename_axis("fold")


def _made(
    outcome: Outcome, folds: int, kept: list[NDArray[np.object_]], random_state: int
) -> NDArray[np.int64]:
    """Return the fold of each patient, from 0."""
    units = _units(len(outcome.patient_ids), kept)
    count = int(units.max()) + 1
    if not 2 <= folds <= count:
        msg = (
            f"{folds} folds were asked for, and {count} patients, or groups that must stay "
            f"together, can be laid into them. {_fewer(count)}"
        )
        raise DegenerateSplitError(msg)
    return stratified_group_folds(units, outcome.strata, folds, random_state)


def _units(patients: int, kept: list[NDArray[np.object_]]) -> NDArray[np.int64]:
    """Return for each patient the number of its unit: all it is joined to by any label."""
    unit = pd.Series(np.arange(patients))
    # Labels join in chains: patients of one group may lie in two sites, and those in others.
    while True:
        before = unit
        for labels in kept:
            unit = unit.groupby(labels).transform("min")
        if unit.equals(before):
            return np.unique(unit, return_inverse=True)[1].astype(np.int64)


def _by_place(patient_ids: tuple[str, ...], place: NDArray[Any]) -> tuple[Fold, ...]:
    ids = np.array(patient_ids, np.object_)
    return tuple(
        Fold(tuple(ids[place != number]), tuple(ids[place == number]))
        for number in sorted(set(place.tolist()))
    )


def _given(folds: Any) -> tuple[Fold, ...]:
    is_listed = isinstance(folds, Sequence) and not isinstance(folds, str)
    if not is_listed or not all(hasattr(one, "test_ids") for one in folds):
        msg = (
            f"folds is {what_is(folds)}. Give their number, the fold of each patient as a Series "
            "by patient_id, or a list of Fold(train_ids, test_ids)."
        )
        raise InputTypeError(msg)
    return tuple(Fold(*map(_ascending, (one.train_ids, one.test_ids))) for one in folds)


def _ascending(ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(ids))


def _fewer(count: int) -> str:
    if count < 2:
        return "A judgement needs two at least: add patients with this outcome."
    return f"Ask for 2 to {count} folds: folds=, --folds."
