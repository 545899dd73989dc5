"""The patch vectors of one slide, whoever made them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.cohort.features.attached import Attached, attached_rows
from msfusion_sdk.cohort.features.layouts import read_coords, read_features
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import StoreError, TableError

__all__ = ["PatchFeatures", "Places", "patch_features", "places_of"]


class Places(NamedTuple):
    """Where the patches of a slide are."""

    corners: NDArray[np.float64] | None
    """Top left (x, y), shape (patch, 2); None where a file does not hold them."""
    size: float
    """Edge of a patch in the unit of the corners; 0 where a file does not say."""
    unit: str
    """'px' of level 0, or 'um'."""

    def in_pixels(self, mpp: float | None) -> tuple[NDArray[np.float64], float]:
        """Return the corners, shape (patch, 2), and the edge of a patch, in pixels of level 0.

        Parameters
        ----------
        mpp : float, optional
            µm per pixel of level 0; needed where places are in µm.

        Raises
        ------
        TableError
            When the places of the patches are not known.
        """
        if self.corners is None or not len(self.corners):
            msg = "the attached features do not say where their patches are."
            raise TableError(msg)
        size = self.size or _step(self.corners)
        if self.unit == "px":
            return self.corners, size
        if mpp is None:
            msg = "the slide's spacing is not known, and places are in µm."
            raise TableError(msg)
        return self.corners / mpp, size / mpp


class PatchFeatures(NamedTuple):
    """Patches of a slide as vectors and places."""

    vectors: NDArray[np.float32]
    """Shape (patch, length)."""
    corners: NDArray[np.float64] | None
    """Top left (x, y), shape (patch, 2); None where a file does not hold them."""
    size: float
    """Edge of a patch in the unit of the corners; 0 where a file does not say."""
    unit: str
    """'px' of level 0, or 'um'."""


def patch_features(root: Path, slide_id: str, fingerprint: str) -> PatchFeatures:
    """Return the patch vectors of a slide; see ``Cohort.patch_features``."""
    attached, _ = attached_rows(root, fingerprint)
    if attached:
        return _of_file(slide_id, attached)
    store = EmbeddingStore(root, fingerprint)
    try:
        part = store.read(slide_id)
    except KeyError as error:
        msg = f"Slide {slide_id!r} has no result of this model. Encode the cohort."
        raise StoreError(msg) from error
    rows = store.patch_rows(part)
    if rows is None and part.n_patches:
        msg = (
            f"The patch rows of slide {slide_id!r} were not kept. Encode the cohort again with "
            "patches=True (--patches)."
        )
        raise TableError(msg)
    if rows is None:
        return PatchFeatures(np.zeros((0, 0), np.float32), None, 0.0, "px")
    vectors = rows.column("vector").combine_chunks().flatten().to_numpy()
    corners = np.stack([rows.column("x"), rows.column("y")], 1).astype(np.float64)
    size = float(rows.column("size_px")[0].as_py()) if rows.num_rows else 0.0
    return PatchFeatures(vectors.reshape(rows.num_rows, -1), corners, size, "px")


def _step(corners: NDArray[np.float64]) -> float:
    """Return the step of a grid: what a patch measures where a file does not say it."""
    steps = [np.diff(np.unique(axis)) for axis in corners.T]
    positive = np.concatenate([step[step > 0] for step in steps])
    return float(positive.min()) if len(positive) else 1.0


def _of_file(slide_id: str, attached: dict[str, Attached]) -> PatchFeatures:
    found = attached.get(slide_id)
    if found is None:
        msg = f"No file of features is attached to slide {slide_id!r}."
        raise StoreError(msg)
    places, file = places_of(found), found.file
    vectors = read_features(file) if file.n_patches else np.zeros((0, file.features), np.float32)
    return PatchFeatures(vectors, *places)


def places_of(found: Attached) -> Places:
    """Return where the patches of a slide are, of which another program made the features.

    Raises
    ------
    StoreError
        When the file was changed after it was attached.
    """
    # Before it is read: another file under the same name would be another slide's features.
    found.require_unchanged()
    file = found.file
    unit = "um" if file.layout == "stamp" else "px"
    if not file.n_patches:
        return Places(None, 0.0, unit)
    return Places(read_coords(file), file.size_l0, unit)
