"""A model that ``train`` wrote, ready for patients it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from msfusion_sdk.errors import (
    ModelIdError,
    ShapeError,
    StoreMixedFeaturesError,
    WeightsMismatchError,
)
from msfusion_sdk.fusion.estimators.base import FusionEstimator
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.estimators.regressor import FusionRegressor
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.shift.profile import read_profile
from msfusion_sdk.study.training_record import TrainingRecord

if TYPE_CHECKING:
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.fusion.inputs.inputs import Tables
    from msfusion_sdk.outcomes.outcome import Kind

__all__ = [
    "ENCODER_FOLDER",
    "ESTIMATORS",
    "TrainedModel",
    "require_its_encoder",
    "survival_columns",
]

ENCODER_FOLDER = "encoder"
ESTIMATORS: "dict[Kind, type[FusionEstimator]]" = {
    "survival": FusionSurvival,
    "class": FusionClassifier,
    "number": FusionRegressor,
}
"""By kind of outcome."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """An estimator, what it learned from, and where its encoder lies; made by ``load``."""

    folder: Path
    record: TrainingRecord
    estimator: FusionEstimator
    profile: pd.DataFrame | None = field(repr=False)
    """What the tables of training looked like; None for a model of before version 0.2."""

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return the model in a folder.

        Raises
        ------
        WeightsError
            One of its subclasses, when the folder is damaged or holds no such model.
        StoreError
            When the profile of its training tables is damaged.
        PluginError
            When an adapter that it needs is not registered.
        """
        record, folder = TrainingRecord.read(Path(folder)), Path(folder)
        estimator = ESTIMATORS[record.kind].load(folder)
        return cls(folder, record, estimator, read_profile(folder))

    @property
    def has_encoder(self) -> bool:
        """Whether the folder holds the encoder of the slide vectors too."""
        return (self.folder / ENCODER_FOLDER).is_dir()

    def encoder(self, *, device: str = "auto", precision: str = "auto") -> "SlideEncoder":
        """Return the encoder that makes the slide and patch vectors of this model.

        It is without the attention that was learned from its patches: that is part of the model.

        Parameters
        ----------
        device, precision
            As in ``SlideEncoder.from_pretrained``.

        Raises
        ------
        ModelIdError
            When the folder holds none.
        WeightsMismatchError
            When it holds another than the model has learned from.
        """
        # Here, so that a model of tables is loaded without the encoder's modules.
        from msfusion_sdk.encoder.slide_encoder import SlideEncoder

        if not self.has_encoder:
            msg = (
                f"{self.folder} holds no encoder, so it takes vectors and no slide files. Train it "
                "again with the model that encoded the slides: msfusion train --encoder "
                "(encoder= of train_on_cohort)."
            )
            raise ModelIdError(msg)
        where = self.folder / ENCODER_FOLDER
        encoder = SlideEncoder.from_pretrained(where, device=device, precision=precision)
        return require_its_encoder(where, encoder, self.record.slide_model)

    def require_encoder(self, encoder: "SlideEncoder") -> None:
        """Refuse an encoder whose vectors the model never saw.

        Raises
        ------
        StoreMixedFeaturesError
        """
        wanted = self.record.slide_model
        if encoder.fingerprint != wanted:
            found = "no slides" if wanted is None else f"vectors of {wanted[:12]}"
            msg = (
                f"The model in {self.folder} learned from {found}, and the encoder given makes "
                f"those of {encoder.fingerprint[:12]}: they mean different things. Give the "
                "encoder of training."
            )
            raise StoreMixedFeaturesError(msg)

    def predict(self, tables: "Tables", *, times: Sequence[float] = ()) -> pd.DataFrame:
        """Return what the model predicts for every patient in ``tables``, indexed by patient_id.

        Parameters
        ----------
        tables : mapping of name to DataFrame indexed by patient_id
            One or more of those of training; everybody has a value in one of them.
        times : sequence of float
            For survival: horizons, ascending, in the unit of training.

        Returns
        -------
        DataFrame
            For survival ``risk`` (higher = earlier event) and ``survival@<time>``, the chance of
            no event up to then.  For classes ``class``, the most probable one, and
            ``proba_<class>`` for each.  For numbers ``predicted``.

        Raises
        ------
        ShapeError
            When ``times`` are given and there is no time, or do not ascend from above 0.
        """
        _require_times(times, self.record)
        if isinstance(self.estimator, FusionSurvival):
            risk = self.estimator.predict_risk(tables).to_frame()
            if not len(times):
                return risk
            curves = self.estimator.predict_survival(tables, times)
            return risk.join(curves.set_axis(survival_columns(times), axis=1))
        if isinstance(self.estimator, FusionRegressor):
            return self.estimator.predict(tables).to_frame("predicted")
        assert isinstance(self.estimator, FusionClassifier)
        chances = self.estimator.predict_proba(tables)
        # Not ``estimator.predict``, which would compute the probabilities once more.
        likeliest = self.estimator.classes_[chances.to_numpy().argmax(axis=1)]
        named = chances.add_prefix("proba_").rename_axis(columns=None)
        named.insert(0, "class", likeliest)
        return named


def require_its_encoder(where: Path, encoder: "SlideEncoder", wanted: str | None) -> "SlideEncoder":
    """Return the encoder of training, or refuse one whose vectors a model has not learned from.

    An attention that was learned together with the model is taken out: the slide vectors of
    training were not fused by it.

    Parameters
    ----------
    where : path
        Of the encoder, for the message.
    wanted : str or None
        The fingerprint of the encoder of training; None when nobody knows.

    Raises
    ------
    WeightsMismatchError
    """
    if wanted is None or wanted == encoder.fingerprint:
        return encoder
    if encoder.config.attention is not None:
        return require_its_encoder(where, encoder.without_attention(), wanted)
    msg = (
        f"{where} holds the encoder {encoder.fingerprint[:12]}, and the model learned from vectors "
        f"of {wanted[:12]}: it would give other answers. Copy the whole model folder again."
    )
    raise WeightsMismatchError(msg)


def survival_columns(times: Sequence[float]) -> list[str]:
    """Return the names of the columns of survival at ``times``.

    Examples
    --------
    >>> survival_columns([12, 36.5])
    ['survival@12', 'survival@36.5']
    """
    return [f"survival@{time:g}" for time in times]


def _require_times(times: Sequence[float], record: TrainingRecord) -> None:
    if len(times) and record.kind != "survival":
        msg = (
            f"Times were given ({', '.join(f'{time:g}' for time in times)}), and the model "
            f"predicts {record.outcome!r}, a {record.kind}, which has none. Leave them out."
        )
        raise ShapeError(msg)
    steps = np.diff([0.0, *times])
    if not np.all(steps > 0):
        msg = (
            f"Times must ascend from above 0, and are {', '.join(f'{time:g}' for time in times)}. "
            f"Give them in {record.unit}, the unit of training."
        )
        raise ShapeError(msg)
