"""One matrix for a ridge model of several modalities: prior variances become column scales.

A ridge penalty is a normal prior on coefficients.  Here every standardised column has its own
prior variance, and columns are multiplied by its square root, so that one penalty of 1 serves all:

* a column of a small table has variance 0.2: a standard deviation more of it changes the log-hazard
  or the log-odds by about 0.45;
* the columns of all tables that the same adapter reads share at most 5, equally, so that
  thousands of genes together say as much as 25 clinical columns could.

Expression, copy number and mutations therefore share one 5, in proportion to their columns.
Giving each table its own 5 lowered the concordance of nested validation by 0.02.

A column that is a score already, learned out of fold by its adapter, keeps its unit: its
coefficient has variance 1, since it would be about 1 if the column were all there is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.modalities import Modalities

__all__ = ["SCORES", "Design", "prior_variances"]

SCORES = "scores"
"""The kind of a modality whose columns are scores."""
COLUMN_VARIANCE = 0.2
SHARED_VARIANCE = 5.0


def prior_variances(widths: Sequence[int], kinds: Sequence[str]) -> Floats:
    """Return the prior variance of a standardised column of each modality.

    Parameters
    ----------
    widths : length modality
        Numbers of columns.
    kinds : length modality
        Modalities of one kind share ``SHARED_VARIANCE``.
    """
    columns: Counter[str] = Counter()
    for kind, width in zip(kinds, widths, strict=True):
        columns[kind] += width
    return np.array([min(COLUMN_VARIANCE, SHARED_VARIANCE / columns[kind]) for kind in kinds])


@dataclass(frozen=True, eq=False)
class Design:
    """How modalities become columns; learned from training patients.

    The last columns, one per modality, tell who has it.  They are 0 where all training patients
    have it.  A patient who lacks a modality has 0 in its columns, the mean of those who have it:
    it adds nothing to the score, and what its absence means is in the last columns.

    Parameters
    ----------
    centre, scale : float64, shape (feature of all modalities + modality,)
    """

    centre: Floats
    scale: Floats

    @classmethod
    def learn(cls, modalities: Modalities, kinds: Sequence[str]) -> Self:
        """Return mean and scale of each column over the patients who have its modality."""
        centres, scales = [], []
        variances = prior_variances(modalities.widths, kinds)
        for place, table in enumerate(modalities.values):
            having = table[modalities.present[:, place]].astype(np.float64)
            centres.append(having.mean(axis=0))
            deviation = having.std(axis=0)
            # With its own variance the deviation cancels: the scale becomes 1.
            own = deviation**2 if kinds[place] == SCORES else variances[place]
            scales.append(_scale(deviation, own))
        present = modalities.present.astype(np.float64)
        # Columns of who has what, standardised like a small table.
        centres.append(present.mean(axis=0))
        scales.append(_scale(present.std(axis=0), COLUMN_VARIANCE))
        return cls(np.concatenate(centres), np.concatenate(scales))

    def with_factors(self, factors: Floats) -> "Design":
        """Return the design with the prior variance of each column times its factor."""
        return Design(self.centre, self.scale * np.sqrt(factors))

    def matrix(self, modalities: Modalities) -> Floats:
        """Return the columns, shape (patient, feature of all modalities + modality)."""
        present = modalities.present.astype(np.float64)
        columns = np.hstack([*modalities.values, present]) - self.centre
        columns *= self.scale
        start = 0
        for place, width in enumerate(modalities.widths):
            columns[~modalities.present[:, place], start : start + width] = 0
            start += width
        return np.asarray(columns)


def _scale(deviation: Floats, variance: Floats | float) -> Floats:
    # A column that is constant up to rounding says nothing, and dividing would blow it up.
    varies = deviation > 1e-7
    return np.where(varies, np.sqrt(variance) / np.where(varies, deviation, 1.0), 0.0)
