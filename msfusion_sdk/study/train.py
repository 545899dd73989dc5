"""From a cohort to a model in a folder."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from msfusion_sdk.bags.bag import PATCHES
from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.deprecation import renamed_argument
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import StoreMixedFeaturesError
from msfusion_sdk.evaluation.crossfit.inputs import rows_of, with_values
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.files import making, require_free
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES, Strategy
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.shift.profile import profile_tables, write_profile
from msfusion_sdk.storage.model_folder import MODEL
from msfusion_sdk.study.learnable import FewOutcomesWarning, find_too_few
from msfusion_sdk.study.tables import SlideMean, Study, read_study
from msfusion_sdk.study.trained_model import ENCODER_FOLDER, ESTIMATORS
from msfusion_sdk.study.training_record import TrainingRecord, write_training_record

__all__ = ["estimator_of", "train_on_cohort"]

REMEDY = "Choose a new folder for the model."


@renamed_argument("slides", "aggregate", since="0.2", removal="0.3")
def train_on_cohort(
    cohort: Cohort,
    outcome: str,
    folder: str | Path,
    *,
    modalities: Sequence[str] | None = None,
    aggregate: SlideMean = "weighted",
    slide_model: str | None = None,
    fusion: Strategy | None = None,
    random_state: int = 0,
    encoder: SlideEncoder | None = None,
    evaluation: Evaluation | None = None,
) -> TrainingRecord:
    """Fit a model on every patient who has the outcome and a modality, and save it.

    Parameters
    ----------
    cohort : Cohort
        With the outcome declared.
    random_state : int
        Equal ones give equal models on one machine.
    outcome : str
        Declared in the cohort: survival gives ``FusionSurvival``, classes
        ``FusionClassifier``, numbers ``FusionRegressor``.
    folder : path
        New or empty.  Gets ``config.json`` and ``model.safetensors``, ``training.json`` (what is
        returned) and ``README.md``, a model card.
    modalities : list of str, optional
        ``slide``, ``patches`` (attention over the patch vectors, learned here) and names of
        modalities; all but ``patches`` by default.
    aggregate : 'weighted' or 'mean'
        How a patient's slides become one vector, as in ``Cohort.tables``.
    slide_model : str, optional
        The first letters of a fingerprint, when several models have encoded the slides.
    fusion : str, optional
        A strategy; that of the estimator by default.
    encoder : SlideEncoder, optional
        The one that encoded the slides: saved in the folder, which then takes slide files
        (``msfusion apply``, and for classes ``SlideClassifier``), with the attention over patches
        where one was learned.
    evaluation : Evaluation, optional
        From ``evaluate_on_cohort`` with the same settings, for the model card.

    Raises
    ------
    TableError
        When the outcome or a modality is not there, or labels or tables cannot be used.
    StoreMixedFeaturesError
        When the slides were not encoded by ``encoder``.
    StoreError
        When the folder is in use or cannot be written.

    Warns
    -----
    FewOutcomesWarning
        When events, or patients of a class, are fewer than 10 or far fewer than columns.
    """
    folder = Path(folder)
    require_free(folder, MODEL, REMEDY)
    study = read_study(cohort, outcome, modalities, aggregate, slide_model)
    if encoder is not None:
        _require_encoder_of(study, encoder)
    model = estimator_of(study.outcome, fusion, random_state).fit(study.tables, study.outcome)
    # The profile describes those who were learned from, not the whole cohort.
    used = rows_of(study.tables, study.outcome.patient_ids)
    _warn_of_few(study.outcome, used)
    record = TrainingRecord(
        outcome=outcome,
        **_counts(study.outcome),
        modalities={name: len(with_values(table)) for name, table in used.items()},
        patients=len(study.outcome.patient_ids),
        left_out=study.left_out,
        slides=aggregate,
        slide_model=study.slide_model,
        fusion=model.fusion,
        random_state=random_state,
    )
    with making(folder, MODEL, REMEDY) as staged:
        model.save(staged)
        if encoder is not None:
            # Encoding a new slide then fuses it by what was learned about patches.
            has_bags = PATCHES in used and encoder.config.attention is None
            own = encoder.with_attention(model) if has_bags else encoder
            own.save_pretrained(staged / ENCODER_FOLDER)
        # Bags have no columns to describe, and would tell where the slides lie.
        write_profile(staged, profile_tables({n: t for n, t in used.items() if n != PATCHES}))
        write_training_record(staged, record, evaluation)
    return record


def estimator_of(outcome: Outcome, fusion: Strategy | None, random_state: int) -> Any:
    """Return an unfitted estimator for this kind of outcome.

    Raises
    ------
    ValueError
        When there is no such strategy.
    """
    if fusion is not None and fusion not in STRATEGIES:
        msg = f"fusion must be one of {', '.join(STRATEGIES)}, and is {fusion!r}."
        raise ValueError(msg)
    model = ESTIMATORS[outcome.kind](random_state=random_state)
    return model if fusion is None else model.set_params(fusion=fusion)


def _require_encoder_of(study: Study, encoder: SlideEncoder) -> None:
    """Refuse an encoder whose vectors the model did not see."""
    if study.slide_model != encoder.fingerprint:
        found = "not used" if study.slide_model is None else f"encoded by {study.slide_model[:12]}"
        msg = (
            f"The slides were {found}, and the encoder given has the fingerprint "
            f"{encoder.fingerprint[:12]}. Encode the cohort by it, and choose it by slide_model."
        )
        raise StoreMixedFeaturesError(msg)


def _counts(outcome: Outcome) -> dict[str, Any]:
    """Return kind and unit of the outcome, and how many patients have which."""
    counts: dict[str, Any] = {"kind": outcome.kind, "unit": outcome.unit}
    counts |= {"events": None, "classes": None}
    if isinstance(outcome, SurvivalOutcome):
        counts["events"] = int(outcome.event.sum())
    if isinstance(outcome, ClassOutcome):
        sizes = zip(outcome.classes, outcome.counts.tolist(), strict=True)
        counts["classes"] = {str(name): size for name, size in sizes}
    return counts


def _warn_of_few(outcome: Outcome, tables: Mapping[str, pd.DataFrame]) -> None:
    counts = np.bincount(outcome.strata, minlength=len(outcome.stratum_names))
    rarest = min(outcome.needed, key=counts.__getitem__)
    is_class = isinstance(outcome, ClassOutcome)
    what = f"patients of {outcome.stratum_names[rarest]}" if is_class else outcome.counted
    for text in find_too_few(int(counts[rarest]), what, tables):
        warnings.warn(text, FewOutcomesWarning, stacklevel=4)
