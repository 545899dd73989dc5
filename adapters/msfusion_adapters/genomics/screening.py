"""Choose columns by what they say about the outcome of the training patients, one at a time."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif

from msfusion_sdk.errors import DegenerateSplitError, IdMismatchError, TableError
from msfusion_sdk.survival.cox.screening import cox_score_test

__all__ = ["strongest_columns"]


def strongest_columns(
    values: NDArray[np.float64],
    patient_ids: pd.Index,
    y: pd.DataFrame | pd.Series | None,
    count: int,
) -> NDArray[np.intp]:
    """Return the places of the ``count`` columns that go with the outcome most, ascending.

    Parameters
    ----------
    values : shape (patient, column)
        Of training patients only.
    y : DataFrame or Series indexed by patient_id
        ``time`` and ``event``: the score test of a Cox model, by its absolute value.  One
        class per patient: the F test of analysis of variance.

    Raises
    ------
    TableError
        When ``y`` is None.
    IdMismatchError
        When ``y`` lacks one of the patients.
    DegenerateSplitError
        When there is no event, or one class only.
    """
    if y is None:
        msg = "Columns are to be screened by the outcome, and fit() was given no y."
        raise TableError(msg)
    unknown = [patient for patient in patient_ids if patient not in y.index]
    if unknown:
        msg = (
            f"{len(unknown)} of {len(patient_ids)} patients have no outcome (first: "
            f"{', '.join(unknown[:3])}). Give fit() the outcomes of all of them."
        )
        raise IdMismatchError(msg)
    outcome = y.loc[patient_ids]
    if isinstance(outcome, pd.DataFrame):
        time, event, entry = outcome["time"], outcome["event"], outcome.get("entry")
        strength = np.abs(cox_score_test(values, time=time, event=event, entry=entry))
    else:
        classes = outcome.to_numpy()
        if outcome.nunique() < 2:
            msg = f"All {len(outcome)} training patients are of class {classes[0]!r}."
            raise DegenerateSplitError(msg)
        strength, _ = f_classif(values, classes)
    # Stable, so that of equal columns the first is chosen on every machine.
    order = np.argsort(-np.nan_to_num(strength), kind="stable")
    return np.sort(order[:count])
