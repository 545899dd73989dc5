"""Outcomes as an adapter is given them to what a head can learn from."""

from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.errors import TableError
from msfusion_sdk.fusion.inputs.targets import ClassTarget, SurvivalTarget, Target
from msfusion_sdk.outcomes.survival import survival_outcome

__all__ = ["target_of"]


def target_of(
    y: "pd.DataFrame | pd.Series[Any] | None", patient_ids: list[str]
) -> tuple[Target, list[str]]:
    """Return the outcomes of these patients, in this order, and a name per number of a score.

    Raises
    ------
    TableError
        When there are none, or a patient has none.
    """
    if y is None:
        msg = (
            "The adapter 'patches' learns which patches count from the patients' outcomes, and "
            "none were given. Pass y to fit, or use the slide vectors: the adapter 'slide'."
        )
        raise TableError(msg)
    missing = [patient for patient in patient_ids if patient not in y.index]
    if missing:
        msg = (
            f"{len(missing)} of {len(patient_ids)} patients of the bags have no outcome in y "
            f"(first: {', '.join(missing[:3])}). Leave their bags out of fit."
        )
        raise TableError(msg)
    mine = y.loc[patient_ids]
    if isinstance(mine, pd.DataFrame):
        labels = survival_outcome(mine)
        return SurvivalTarget(labels.time, labels.event), ["log-hazard"]
    classes, codes = np.unique(mine.to_numpy(), return_inverse=True)
    names = [f"log-odds of {name}" for name in classes]
    return ClassTarget(codes.astype(np.intp), len(classes)), names
