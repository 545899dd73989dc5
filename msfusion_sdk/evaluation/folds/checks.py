"""What makes folds unusable, found before the first fit and reported with the patients' names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    IdMismatchError,
    IdTypeError,
)
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.phrases import first_few, what_is

__all__ = ["labels_of", "require_trainable", "require_each_tested_once", "require_no_straddling"]


class _Sides(Protocol):
    @property
    def train_ids(self) -> tuple[str, ...]: ...
    @property
    def test_ids(self) -> tuple[str, ...]: ...


def labels_of(
    what: str, labels: "Mapping[str, Any] | pd.Series[Any]", patient_ids: tuple[str, ...]
) -> NDArray[np.object_]:
    """Return the label of each patient, in the order of ``patient_ids``.

    Raises
    ------
    IdTypeError
        When they are an array or a list.
    DuplicateIdError
        When a patient has two labels.
    IdMismatchError
        When a patient has none.
    """
    if not isinstance(labels, Mapping | pd.Series):
        msg = (
            f"{what} is {what_is(labels)}, which has no patient ids. Give "
            f"pd.Series({what}s, index=patient_ids), or a dict of patient_id to {what}."
        )
        raise IdTypeError(msg)
    series = pd.Series(labels, dtype=object)
    repeated = series.index[series.index.duplicated()]
    if len(repeated):
        msg = f"{len(repeated)} patients have two entries in {what} (first: {first_few(repeated)})."
        raise DuplicateIdError(msg)
    # Labels of other patients are no error: a site is often known for the whole registry.
    found = series.reindex(pd.Index(patient_ids))
    missing = found.index[found.isna()]
    if len(missing):
        msg = (
            f"{len(missing)} of {len(patient_ids)} patients have no {what} (first: "
            f"{first_few(missing)}). Give every patient one, or leave them out of y."
        )
        raise IdMismatchError(msg)
    return found.to_numpy(np.object_)


def require_each_tested_once(folds: Sequence[_Sides], patient_ids: tuple[str, ...]) -> None:
    """Refuse folds that do not judge each patient exactly once, on a model that never saw it."""
    known, times = set(patient_ids), Counter(p for fold in folds for p in fold.test_ids)
    for number, fold in enumerate(folds):
        both = sorted(set(fold.train_ids) & set(fold.test_ids))
        if both:
            msg = (
                f"{len(both)} patients of fold {number} are in training and in test (first: "
                f"{first_few(both)}). Their predictions would be remembered, not made."
            )
            raise DegenerateSplitError(msg)
        unknown = sorted({*fold.train_ids, *fold.test_ids} - known)
        if unknown:
            msg = (
                f"{len(unknown)} patients of fold {number} have no outcome (first: "
                f"{first_few(unknown)}). Leave them out of the folds."
            )
            raise IdMismatchError(msg)
    twice = sorted(patient for patient, count in times.items() if count > 1)
    if twice:
        msg = (
            f"{len(twice)} patients are in more than one test fold (first: {first_few(twice)}). "
            "Give disjoint folds."
        )
        raise DuplicateIdError(msg)
    missing = sorted(known - set(times))
    if missing:
        msg = (
            f"{len(missing)} of {len(known)} patients are in no test fold (first: "
            f"{first_few(missing)}). Add them to one, or leave them out of y."
        )
        raise IdMismatchError(msg)


def require_no_straddling(folds: Sequence[_Sides], what: str, label: Mapping[str, Any]) -> None:
    """Refuse folds that train on the group or site of a patient they judge."""
    for number, fold in enumerate(folds):
        trained = {label[patient] for patient in fold.train_ids}
        leaking = [patient for patient in fold.test_ids if label[patient] in trained]
        if leaking:
            msg = (
                f"Fold {number} leaks: {len(leaking)} of its {len(fold.test_ids)} test patients "
                f"share a {what} with training patients (first: {first_few(leaking)}, {what} "
                f"{label[leaking[0]]!r}). Keep each {what} on one side, or have folds made."
            )
            raise DegenerateSplitError(msg)


def require_trainable(number: int, train_ids: Sequence[str], outcome: Outcome) -> None:
    """Refuse to train fold ``number`` on patients without an event, or who lack a class."""
    stratum = dict(zip(outcome.patient_ids, outcome.strata.tolist(), strict=True))
    names = outcome.stratum_names
    for code in sorted(set(outcome.needed) - {stratum[patient] for patient in train_ids}):
        members = [patient for patient in outcome.patient_ids if stratum[patient] == code]
        msg = (
            f"None of {len(train_ids)} training patients of fold {number} has {names[code]} "
            f"({len(members)} of all {len(stratum)} patients do: {first_few(members)}). Use fewer "
            "folds, merge classes or leave these patients out."
        )
        raise DegenerateSplitError(msg)
