"""What each patch adds to a fused score, whatever fuses it.

A bag's columns, as its adapter makes them, are sums over patches that are 0 for an average bag.
The fused score F is followed along the straight line from 0 to these columns: with

    gⱼ = ∫₀¹ ∂F/∂sⱼ (t s) dt

the patches' shares of column j, times gⱼ, sum to ``F(s) - F(0)`` exactly, by the fundamental
theorem of calculus.  Where F is linear, as in the default model, gⱼ is its coefficient.

Source: Aumann-Shapley values; Sundararajan et al., ICML 2017, arXiv:1703.01365, section 3.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.bags.bag import PATCHES, Bag
from msfusion_sdk.bags.learned import LearnedAttention
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.fusion.estimators.fitted import FittedFusion
from msfusion_sdk.fusion.inputs.inputs import Tables, read_modalities
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.tables.by_name import check_tables

__all__ = ["OneBag", "PatchShares", "attention_of"]

# Gauss-Legendre: exact for polynomials up to degree 31 along the line.
_NODES = 16
_STEP = 1e-2
"""Of a derivative, relative to the columns; these are in half the precision of the score."""


class PatchShares(NamedTuple):
    """One patient's score, by patch."""

    score: Floats
    """Shape (output,)."""
    baseline: Floats
    """Shape (output,): of the same patient, if the slides were as all slides are on average."""
    shares: Floats
    """Shape (patch, output): they sum to ``score - baseline``; above 0 speaks for it."""
    weights: Floats
    """Shape (patch,): the attention; sums to 1."""


class OneBag:
    """A patient's bag under a fitted model, all other tables of the patient held as they are.

    Parameters
    ----------
    fitted : FittedFusion
    tables : mapping of table name to DataFrame indexed by patient_id
        As for prediction.
    patient_id : str

    Raises
    ------
    TableError
        When the model learned from no bags.
    MissingModalityError
        When the patient has none.
    """

    def __init__(self, fitted: FittedFusion, tables: Tables, patient_id: str) -> None:
        name, self._attention = attention_of(fitted)
        checked = check_tables(tables, known=fitted.adapters)
        self.bag = _bag(checked, name, patient_id)
        self.vectors = self.bag.read()
        mine = {key: table.loc[table.index == patient_id] for key, table in checked.items()}
        having = {key: table for key, table in mine.items() if len(table)}
        self._modalities = read_modalities(having, fitted.adapters, fitted.features)
        self._place, self._fuser = self._modalities.names.index(name), fitted.fuser

    def shares(self) -> PatchShares:
        """Return what each patch adds to the fused score, slides in the order of the bag."""
        judged = self._attention.judge(self.vectors)
        score, baseline = self._scores(np.stack([judged.score, np.zeros_like(judged.score)]))
        gradient = self._mean_gradient(judged.score)
        return PatchShares(score, baseline, judged.shares @ gradient, judged.weights)

    def score_of(self, kept: Bools) -> Floats:
        """Return the fused score, shape (output,), if the bag held only these patches."""
        return np.asarray(self._scores(self._attention.judge(self.vectors[kept]).score[None])[0])

    def _mean_gradient(self, columns: Floats) -> Floats:
        """Return the mean derivative of the score on the way from 0, shape (column, output)."""
        where, weights = np.polynomial.legendre.leggauss(_NODES)
        # The nodes are defined on [-1, 1]; the line runs from 0 to 1, so their weights are halved.
        points = (where[:, None] + 1) / 2 * columns
        # At least the step of a column of 1: smaller ones would drown in rounding.
        step = _STEP * np.maximum(np.abs(columns), 1.0)
        moves = np.stack([np.diag(step), -np.diag(step)])
        around = (points[:, None, None] + moves).astype(np.float32)
        scores = self._scores(around.reshape(-1, len(columns)))
        up, down = np.moveaxis(scores.reshape(*around.shape[:3], -1), 1, 0)
        # The steps as half precision has rounded them.
        taken = np.einsum("njj->nj", around[:, 0].astype(np.float64) - around[:, 1])
        return np.asarray(np.einsum("n,njo->jo", weights / 2, (up - down) / taken[..., None]))

    def _scores(self, columns: NDArray[np.floating[Any]]) -> Floats:
        """Return the fused scores of the one patient with each row as the columns of the bag."""
        count, one = len(columns), self._modalities
        values = [np.repeat(table, count, axis=0) for table in one.values]
        values[self._place] = np.asarray(columns, np.float32)
        ids = tuple(str(number) for number in range(count))
        present = np.repeat(one.present, count, axis=0)
        return self._fuser.scores(Modalities(ids, one.names, tuple(values), present))


def attention_of(fitted: FittedFusion) -> tuple[str, LearnedAttention]:
    """Return the name of the table of bags, and what was learned about them.

    Raises
    ------
    TableError
        When the model learned from no bags.
    """
    for name, adapter in fitted.adapters.items():
        attention = getattr(adapter, "attention_", None)
        if isinstance(attention, LearnedAttention):
            return name, attention
    msg = (
        f"The model learned from {', '.join(fitted.adapters)}, and no patch has a share in that. "
        f"Train it with the modality {PATCHES!r}."
    )
    raise TableError(msg)


def _bag(tables: Tables, name: str, patient_id: str) -> Bag:
    cells = tables[name][PATCHES] if name in tables else pd.Series(dtype=object)
    bag = cells.get(patient_id)
    if not isinstance(bag, Bag):
        msg = f"Patient {patient_id!r} has no bag of patches in table {name!r}: nothing to show."
        raise MissingModalityError(msg)
    return bag
