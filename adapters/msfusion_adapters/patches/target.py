"""Outcomes as an adapter is given them to what a head can learn from."""

from typing import TYPE_CHECKING, Any

from msfusion_sdk.errors import TableError
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.inputs.targets import target_of as model_of
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.numbers import NumberOutcome
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.phrases import first_few

if TYPE_CHECKING:
    import pandas as pd

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
            f"(first: {first_few(missing)}). Leave their bags out of fit."
        )
        raise TableError(msg)
    outcome = read_outcome(y).of(patient_ids)
    if isinstance(outcome, ClassOutcome):
        return model_of(outcome), [f"log-odds of {name}" for name in outcome.classes]
    is_number = isinstance(outcome, NumberOutcome)
    return model_of(outcome), ["standardised number" if is_number else "log-hazard"]
