"""Feature folders of CLAM and TRIDENT: one HDF5 file per slide, read and written.

    <slide_id>.h5    features (patch, feature) or (1, patch, feature); coords (patch, 2), level-0 px

The layout is that of the files; no code of those projects is used here.  The only module
that imports h5py (extra ``[h5]``).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.cohort.features.attached import features_fingerprint
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import (
    NonFiniteError,
    ShapeError,
    StoreCorruptError,
    TableError,
)
from msfusion_sdk.extras import import_extra
from msfusion_sdk.files import storing
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.storage.parquet import read_parquet

__all__ = ["export_features", "import_features"]

SUFFIXES = (".h5", ".hdf5")


def import_features(root: Path, slide_ids: list[str], folder: Path, name: str) -> dict[str, int]:
    """Store the mean of each slide's patch features as its vector; see ``Cohort.import_features``.

    Returns
    -------
    dict
        Slides ``imported``, slides of the cohort ``without_file``, and ``unknown_files`` that
        belong to no slide.
    """
    files = {path.stem: path for path in folder.iterdir() if path.suffix in SUFFIXES}
    mine = [slide_id for slide_id in slide_ids if slide_id in files]
    if not mine:
        msg = (
            f"None of the {len(files)} .h5 files in {folder} is named after a slide of the cohort "
            f"(files: {', '.join(sorted(files)[:3])}; slides: {', '.join(slide_ids[:3])}). Files "
            "must be called <slide_id>.h5."
        )
        raise TableError(msg)
    store, length = EmbeddingStore(root, features_fingerprint(name)), None
    for slide_id in mine:
        features, _ = read_features(files[slide_id])
        if length not in (None, features.shape[1]):
            msg = (
                f"{files[slide_id].name} has {features.shape[1]} features, the files before it "
                f"{length}. Import the features of one model under one name."
            )
            raise ShapeError(msg)
        length = features.shape[1]
        # Not before something can be stored: an empty folder would look like a model.
        store.prepare()
        _store(store, slide_id, files[slide_id], features, name)
    return {
        "imported": len(mine),
        "without_file": len(slide_ids) - len(mine),
        "unknown_files": len(files) - len(mine),
    }


def _store(
    store: EmbeddingStore, slide_id: str, path: Path, features: NDArray[np.float32], name: str
) -> None:
    stamp, fingerprint = FileStamp.of(path), store.fingerprint
    row = {
        "slide_id": slide_id,
        "status": "ok",
        "reason": "",
        "vector": features.mean(axis=0, dtype=np.float64).astype(np.float32),
        "n_patches": len(features),
        "tissue_area_mm2": 0.0,  # not in such files: a patient's slides then count alike
        "tissue_recall": None,
        "n_bad_regions": 0,
        "fingerprint": fingerprint,
    }
    provenance = {
        "slide": {"size_bytes": stamp.size_bytes, "mtime_ns": stamp.mtime_ns},
        "spacing": {"slide_mpp": None, "source": "unknown"},
        "model": {"name": name, "fingerprint": fingerprint, "weights_sha256": ""},
        "config": {"pooling": "mean of all patch features"},
    }
    store.commit_row(row, provenance)


def read_features(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features, shape (patch, feature), and coords, shape (patch, 2), of a file.

    Raises
    ------
    StoreCorruptError, TableError, ShapeError, NonFiniteError
    """
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as file:
            names = list(file)
            if "features" not in file or "coords" not in file:
                msg = f"{path.name} has {', '.join(names) or 'nothing'}, not features and coords."
                raise TableError(msg)
            features = np.asarray(file["features"], np.float32)
            coords = np.asarray(file["coords"], np.int64)
    except OSError as error:
        msg = f"{path} is damaged or no HDF5 file ({error}). Copy it again."
        raise StoreCorruptError(msg) from error
    features = features[0] if features.ndim == 3 and len(features) == 1 else features
    coords = coords[0] if coords.ndim == 3 and len(coords) == 1 else coords
    if features.ndim != 2 or not features.size or coords.shape != (len(features), 2):
        msg = (
            f"{path.name} has features of shape {features.shape} and coords of shape "
            f"{coords.shape}; (patch, feature) and (patch, 2) are needed, with one patch at least."
        )
        raise ShapeError(msg)
    if not np.isfinite(features).all():
        msg = f"{path.name} holds NaN or infinity among its features. Make it again."
        raise NonFiniteError(msg)
    return features, coords


def export_features(root: Path, slide_ids: list[str], folder: Path, fingerprint: str) -> int:
    """Write an .h5 file per slide that has patch rows; return how many."""
    h5py, store = _h5py(), EmbeddingStore(root, fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for slide_id in slide_ids:
        source = store.patch_part(slide_id)
        if not source.exists():
            continue
        patches = read_parquet(source, must_be_sealed=True).patches
        if patches is None or not patches.num_rows:
            continue
        vectors = patches.column("vector").combine_chunks().flatten().to_numpy()
        target = folder / source.name.removeprefix("slide=").replace(".parquet", ".h5")
        with storing(target) as temporary, h5py.File(temporary, "w") as file:
            file["features"] = vectors.reshape(patches.num_rows, -1)
            file["coords"] = np.stack([patches.column("x"), patches.column("y")], axis=1)
            file["coords"].attrs["patch_size_level0"] = patches.column("size_px")[0].as_py()
        written += 1
    if not written:
        msg = "No slide has patch rows. Encode the cohort with patches=True, which keeps them."
        raise TableError(msg)
    return written


def _h5py() -> Any:
    return import_extra("h5py", "h5", "A folder of features")
