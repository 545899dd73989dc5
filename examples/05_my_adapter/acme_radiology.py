"""Lesions measured on CT as a modality: a row per lesion in, three numbers per patient out."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from msfusion_sdk.adapter import Block, ModalityAdapter
from msfusion_sdk.tables import TableFile, patient_table, read_table, select_columns

MEASURES = ["lesions", "largest_mm", "total_mm"]


class RadiologyAdapter(ModalityAdapter):
    """Number, largest and total diameter of a patient's lesions, standardised in the fold.

    Parameters
    ----------
    smallest_mm : float
        Lesions below this diameter are not counted.
    """

    modality: ClassVar[str] = "radiology"

    def __init__(self, *, smallest_mm: float = 5.0) -> None:
        self.smallest_mm = smallest_mm

    def read(self, source: str | Path | TableFile | pd.DataFrame) -> pd.DataFrame:
        """Return a row per patient from columns ``patient_id`` and ``diameter_mm``."""
        lesions = source if isinstance(source, pd.DataFrame) else read_table(source)
        counted = lesions[lesions["diameter_mm"] >= self.smallest_mm]
        measured = counted.groupby("patient_id")["diameter_mm"].agg(["size", "max", "sum"])
        # Scanned and free of lesions is 0; never scanned is not in the file, so missing.
        everybody = measured.reindex(sorted(set(lesions["patient_id"])), fill_value=0)
        return patient_table(everybody.set_axis(MEASURES, axis=1).rename_axis("patient_id"))

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn mean and standard deviation of each measure."""
        values = _logarithms(select_columns(table, MEASURES, "the radiology table"))
        self.mean_ = np.nanmean(values, axis=0)
        self.scale_ = np.maximum(np.nanstd(values, axis=0), 1e-6)  # a constant stays 0
        return self

    def transform(self, table: pd.DataFrame) -> Block:
        """Return the measures in units of the training patients' standard deviation."""
        check_is_fitted(self)
        chosen = select_columns(table, MEASURES, "the radiology table")
        values = (_logarithms(chosen) - self.mean_) / self.scale_
        return Block.of(chosen.index, values, MEASURES, chosen.notna().any(axis=1))


def _logarithms(table: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(np.log1p(table.to_numpy(np.float64)))
