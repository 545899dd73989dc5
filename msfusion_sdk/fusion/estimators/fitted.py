"""What ``fit`` of an estimator leaves behind: fitted adapters and a fitted fuser."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.design import SCORES
from msfusion_sdk.fusion.inputs.inputs import (
    AdapterChoice,
    Tables,
    choose_adapters,
    fit_modalities,
    read_modalities,
)
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.strategies.decision import DecisionFuser
from msfusion_sdk.fusion.strategies.fuser import Fuser
from msfusion_sdk.fusion.strategies.strategies import Base, Strategy, make_fuser
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["FittedFusion", "fit_fusion", "new_fuser", "shown_weights"]


class FittedFusion(NamedTuple):
    """Tables in, scores out (see ``targets``)."""

    adapters: dict[str, ModalityAdapter]
    """By name of the table, in alphabetical order."""
    features: dict[str, list[str]]
    """What each adapter made of its table."""
    fuser: Fuser

    def scores(self, tables: Tables) -> tuple[pd.Index, Floats]:
        """Return patient ids, and their scores of shape (patient, output)."""
        modalities = read_modalities(tables, self.adapters, self.features)
        return _ids(modalities), self.fuser.scores(modalities)

    def contributions(self, tables: Tables) -> tuple[pd.Index, Floats]:
        """Return patient ids, and what each modality adds, (patient, modality, output).

        What a modality adds is the score minus the score of the same patient without it; without
        the only one the score is 0, that of a patient of whom nothing is known.  NaN where the
        patient lacks the modality.
        """
        modalities = read_modalities(tables, self.adapters, self.features)
        scores = self.fuser.scores(modalities)
        added = np.full((len(scores), len(self.adapters), scores.shape[1]), np.nan)
        for place in range(len(self.adapters)):
            having = modalities.present[:, place]
            added[having, place] = scores[having]
            without = modalities.without(place)
            others = having & without.present.any(axis=1)
            added[others, place] -= self.fuser.scores(without.rows(others))
        return _ids(modalities), added


def fit_fusion(
    tables: Tables,
    target: Target,
    *,
    strategy: Strategy,
    base: Base,
    choice: AdapterChoice | None,
    seed: int,
) -> tuple[FittedFusion, Floats]:
    """Return what was learned from the patients of ``target``, and their out-of-fold scores.

    Parameters
    ----------
    target : Target
        Whose patients ascend by id.
    """
    adapters = choose_adapters(tables, choice)
    fuser = new_fuser(strategy, base, adapters, seed)
    modalities, features = fit_modalities(tables, adapters, target.outcome)
    held_out = fuser.fit(modalities, target)
    return FittedFusion(adapters, features, fuser), held_out


def new_fuser(
    strategy: Strategy, base: Base, adapters: Mapping[str, ModalityAdapter], seed: int
) -> Fuser:
    """Return an unfitted fuser for what ``adapters`` read."""
    kinds = [SCORES if one.gives_scores else one.modality for one in adapters.values()]
    return make_fuser(strategy, base, kinds, seed)


def shown_weights(fitted: FittedFusion) -> "pd.Series[float] | None":
    """Return the weights of decision-level experts by table, None for other strategies."""
    if not isinstance(fitted.fuser, DecisionFuser):
        return None
    return pd.Series(fitted.fuser.weights, index=list(fitted.adapters), name="weight")


def _ids(modalities: Modalities) -> pd.Index:
    return pd.Index(modalities.patient_ids, name=ID_COLUMN)
