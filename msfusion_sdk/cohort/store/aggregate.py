"""A patient's slides as one vector.

Slides of a patient differ in size: by default each counts by its tissue, so that a large
resection outweighs a fragment.
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import NonFiniteError, ShapeError

__all__ = ["SlideUse", "aggregate_slides", "vector_columns"]

SlideUse = Literal["weighted", "mean", "all"]


def aggregate_slides(slides: pd.DataFrame, how: SlideUse = "weighted") -> pd.DataFrame:
    """Return slide vectors as columns ``v0000``, ``v0001`` …, a row per patient.

    Parameters
    ----------
    slides : DataFrame, a row per slide
        ``patient_id``; ``slide_id``; ``tissue_area_mm2``, at least 0; ``vector``, float
        arrays of one length, or None for a slide without tissue, which is left out.
    how : 'weighted', 'mean' or 'all'
        The mean weighted by tissue area, the plain mean, or every slide by itself.

    Returns
    -------
    DataFrame of float32
        Indexed by patient_id, in the order of first appearance; with 'all' by patient_id and
        slide_id, in the order given.  ``attrs["n_slides"]`` maps each patient to how many
        slides went in.

    Raises
    ------
    NonFiniteError
        When a vector or an area is NaN, infinite, or an area is negative.
    ShapeError
        When vectors differ in length, or there is no vector at all.

    Notes
    -----
    A patient whose slides have no tissue area gets their plain mean.
    """
    used = slides[slides["vector"].notna()]
    vectors = _stacked(used)
    # Patients are numbered as they first appear, which is the order of the result.
    codes, patients = pd.factorize(used["patient_id"].to_numpy(object))
    counts = np.bincount(codes)
    if how == "all":
        index = pd.MultiIndex.from_frame(used[["patient_id", "slide_id"]].astype(object))
    else:
        index = pd.Index(patients, name="patient_id", dtype=object)
        weights = _weights(used) if how == "weighted" else np.ones(len(used))
        vectors = _weighted_means(vectors, weights, codes)
    names = vector_columns(vectors.shape[1])
    table = pd.DataFrame(vectors.astype(np.float32), index, names)
    table.attrs["n_slides"] = dict(zip(patients, counts.tolist(), strict=True))
    return table


def vector_columns(length: int) -> list[str]:
    """Return the names of the columns of a slide vector."""
    return [f"v{place:04d}" for place in range(length)]


def _stacked(slides: pd.DataFrame) -> Floats:
    vectors = slides["vector"].tolist()
    if not vectors:
        msg = "There is no slide with a vector. Encode the slides first."
        raise ShapeError(msg)
    lengths = sorted({len(vector) for vector in vectors})
    if len(lengths) != 1:
        msg = f"Slide vectors must have one length, and have {lengths}. Use those of one model."
        raise ShapeError(msg)
    # Summed in double precision, so that the order of slides does not show in float32.
    stacked = np.array(vectors, np.float64)
    _refuse(slides, ~np.asarray(np.isfinite(stacked).all(axis=1)), "vector holds NaN or infinity")
    return stacked


def _weights(slides: pd.DataFrame) -> Floats:
    areas = slides["tissue_area_mm2"].to_numpy(np.float64, na_value=np.nan)
    _refuse(slides, ~(np.isfinite(areas) & (areas >= 0)), "tissue_area_mm2 is no area")
    return areas


def _refuse(slides: pd.DataFrame, wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        first = ", ".join(map(repr, slides["slide_id"].to_numpy()[wrong][:3]))
        msg = f"The {what} for {int(wrong.sum())} slides (first: {first}). Encode them again."
        raise NonFiniteError(msg)


def _weighted_means(vectors: Floats, weights: Floats, codes: NDArray[np.intp]) -> Floats:
    totals = np.bincount(codes, weights)
    # Without any tissue area all slides of the patient count alike.
    weights = np.where(totals[codes] > 0, weights, 1.0)
    order = np.argsort(codes, kind="stable")
    # ``reduceat`` wants the slides of each patient side by side.
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    sums = np.add.reduceat(vectors[order] * weights[order, None], starts)
    # Totals anew: the weights of patients without area were replaced.
    means: Floats = sums / np.bincount(codes, weights)[:, None]
    return means
