"""Several modalities of the same patients, with who has what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.adapter import Block
from msfusion_sdk.arrays import Bools, Rows
from msfusion_sdk.errors import MissingModalityError
from msfusion_sdk.phrases import first_few

__all__ = ["Modalities", "require_some"]


@dataclass(frozen=True, eq=False)
class Modalities:
    """Blocks of the same patients in the same order.

    Parameters
    ----------
    patient_ids : tuple of str, length patient
    names : tuple of str, length modality
        Names of the tables.
    values : tuple of float32 arrays, each of shape (patient, feature of that modality)
        Rows of patients who lack the modality mean nothing.
    present : bool, shape (patient, modality)
    """

    patient_ids: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[NDArray[np.float32], ...]
    present: Bools

    @classmethod
    def of(cls, blocks: Mapping[str, Block], patient_ids: Sequence[str]) -> Self:
        """Return the blocks, in alphabetical order of their names, for these patients."""
        names = sorted(blocks)
        aligned = [blocks[name].aligned(patient_ids) for name in names]
        return cls(
            tuple(patient_ids),
            tuple(names),
            tuple(block.values for block in aligned),
            np.stack([block.present for block in aligned], axis=1),
        )

    @property
    def widths(self) -> list[int]:
        """Number of features of each modality."""
        return [table.shape[1] for table in self.values]

    def rows(self, rows: Rows | Bools) -> "Modalities":
        """Return these patients only."""
        places = np.arange(len(self.patient_ids))[rows]
        return Modalities(
            tuple(self.patient_ids[place] for place in places),
            self.names,
            tuple(table[places] for table in self.values),
            self.present[places],
        )

    def only(self, modality: int) -> "Modalities":
        """Return one modality, and the patients who have it."""
        having = self.rows(self.present[:, modality])
        return Modalities(
            having.patient_ids,
            (self.names[modality],),
            (having.values[modality],),
            having.present[:, [modality]],
        )

    def without(self, modality: int) -> "Modalities":
        """Return the same patients as if nobody had this modality."""
        present = self.present.copy()
        present[:, modality] = False
        return Modalities(self.patient_ids, self.names, self.values, present)


def require_some(modalities: Modalities) -> None:
    """Refuse patients without any modality.

    Raises
    ------
    MissingModalityError
        Naming the first of them.
    """
    nothing = np.flatnonzero(~modalities.present.any(axis=1))
    if len(nothing):
        first = first_few(modalities.patient_ids[row] for row in nothing)
        msg = (
            f"{len(nothing)} of {len(modalities.patient_ids)} patients have no modality at all "
            f"(first: {first}; modalities: {', '.join(modalities.names)}). Leave them out, or give "
            "a table with a row of theirs."
        )
        error = MissingModalityError(msg)
        # So that an evaluation can leave these patients out and go on.
        error.patient_ids = tuple(modalities.patient_ids[row] for row in nothing)
        raise error
