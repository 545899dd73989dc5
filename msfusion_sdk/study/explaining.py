"""Why a model predicts what it does of a patient, patch by patch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Floats
from msfusion_sdk.bags.bag import PatchSource, SlidePatches
from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.errors import TableError
from msfusion_sdk.evaluation.crossfit.inputs import rows_of
from msfusion_sdk.fusion.estimators.patch_shares import OneBag, PatchShares
from msfusion_sdk.fusion.estimators.regressor import FusionRegressor
from msfusion_sdk.phrases import first_few
from msfusion_sdk.study.models import tables_of
from msfusion_sdk.study.trained_model import TrainedModel

__all__ = ["Deletion", "Explanation", "explain_on_cohort", "strongest"]

REMOVED, DRAWS = 0.1, 20


@dataclass(frozen=True)
class Deletion:
    """How far the score moves without some patches: by a map that means nothing, as by chance."""

    removed: int
    """Patches taken away: a tenth of them."""
    strongest: float
    """Change of the score without those that take it farthest from the baseline."""
    random: float
    """Mean size of the change without as many by chance, over 20 draws."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What speaks for a prediction, and what against it."""

    patient_id: str
    of: str
    """``risk``, ``number``, or the class."""
    score: float
    """Log-hazard; or log-probability of the class less the logarithm of its share in training and
    the mean of that over classes; or the number less the mean of training."""
    baseline: float
    """The score of the same patient, if the slides were as slides are on average."""
    patches: pd.DataFrame = field(repr=False)
    """A row per patch: slide_id, x, y, size_px (level-0 pixels), weight, contribution.
    Contributions sum to ``score - baseline``."""
    deletion: Deletion


def explain_on_cohort(
    cohort: Cohort, folder: str | Path, patient_id: str, *, of: str | None = None
) -> Explanation:
    """Return what each patch adds to a trained model's prediction of a patient.

    Parameters
    ----------
    cohort : Cohort
        With the patient's slides encoded, patches and all.
    folder : path
        Where ``train_on_cohort`` saved a model with the modality ``patches``.
    patient_id : str
    of : str, optional
        A class; by default the one that is predicted.

    Raises
    ------
    TableError
        When the model learned from no patches, or there is no such class.
    MissingModalityError
        When the patient has no patches.
    """
    model = TrainedModel.load(folder)
    tables = rows_of(tables_of(cohort, model.record), [patient_id])
    one = OneBag(model.estimator.fitted_, tables, patient_id)
    shares = one.shares()
    what, chosen = _output(model.estimator, of, shares)
    places = pd.concat([_places(slide) for slide in one.bag.slides])
    contribution = chosen(shares.shares)
    patches = places.assign(weight=shares.weights, contribution=contribution)
    return Explanation(
        patient_id=patient_id,
        of=what,
        score=float(chosen(shares.score)),
        baseline=float(chosen(shares.baseline)),
        patches=patches.reset_index(drop=True),
        deletion=_deletion(one, contribution, chosen),
    )


def strongest(patches: pd.DataFrame, count: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the patches that speak most for a prediction, and those most against it.

    Parameters
    ----------
    patches : DataFrame
        With a column ``contribution``.
    count : int
        At most so many of each; a patch that adds nothing is in neither.
    """
    ordered = patches.sort_values("contribution", ascending=False)
    speaks_for = ordered[ordered["contribution"] > 0].head(count)
    against = ordered[ordered["contribution"] < 0].tail(count)[::-1]
    return speaks_for, against


def _output(model: Any, of: str | None, shares: PatchShares) -> tuple[str, Any]:
    """Return the name of what is explained, and how its numbers are got from all outputs."""
    classes = [str(name) for name in getattr(model, "classes_", [])]
    if not classes:
        if of is not None:
            msg = f"The model predicts no classes, and {of!r} is none. Leave it out."
            raise TableError(msg)
        if isinstance(model, FusionRegressor):
            return "number", lambda values: model.spread_ * values[..., 0]
        return "risk", lambda values: values[..., 0]
    if of is not None and of not in classes:
        msg = f"The model knows no class {of!r} (known: {first_few(classes, len(classes))})."
        raise TableError(msg)
    likeliest = int((shares.score + model.log_prior_).argmax())
    place = likeliest if of is None else classes.index(of)
    # A score of classes has no level of its own: it is stated beside the mean of all classes.
    return classes[place], lambda values: values[..., place] - values.mean(-1)


def _places(slide: SlidePatches) -> pd.DataFrame:
    """Return slide, location and size of the patches of one slide."""
    assert isinstance(slide.source, PatchSource)  # as a cohort makes bags
    frame = slide.source.places()
    frame.insert(0, "slide_id", slide.slide_id)
    return frame


def _deletion(one: OneBag, contribution: Floats, chosen: Any) -> Deletion:
    count = len(contribution)
    removed = max(1, round(REMOVED * count))
    if removed == count:
        return Deletion(0, 0.0, 0.0)
    everything = chosen(one.score_of(np.ones(count, np.bool_)))

    def moved(away: Any) -> float:
        kept = np.ones(count, np.bool_)
        kept[away] = False
        return float(chosen(one.score_of(kept)) - everything)

    rng = np.random.default_rng(0)
    # Patches that push the score where it went; without them it should come back most.
    towards = np.sign(contribution.sum())
    strongest = np.argsort(-towards * contribution, kind="stable")[:removed]
    # Sizes, since by chance the score moves either way.
    draws = [abs(moved(rng.permutation(count)[:removed])) for _ in range(DRAWS)]
    return Deletion(removed, moved(strongest), float(np.mean(draws)))
