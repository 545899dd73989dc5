"""Feature folders of CLAM and TRIDENT: one HDF5 file per slide, read and written.

    <slide_id>.h5    features (patch, feature) or (1, patch, feature); coords (patch, 2), level-0 px

The layout is that of the files; no code of those projects is used here.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.cohort.features.attached import features_fingerprint
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts
from msfusion_sdk.errors import NonFiniteError, ShapeError, StoreCorruptError, TableError
from msfusion_sdk.files import entries_of, made_folder
from msfusion_sdk.files.replacing import require_replaceable
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.storage.h5_arrays import ArrayReader, names_in, write_arrays

__all__ = ["export_features", "import_features"]

SUFFIXES = (".h5", ".hdf5")
UnusableFile = TableError | ShapeError | NonFiniteError | StoreCorruptError
UNUSABLE = (TableError, ShapeError, NonFiniteError, StoreCorruptError)
MOST_SHOWN = 5
PATCH_SIZE = "patch_size_level0"
REMEDY = "Choose another folder, or move this file away first."


def import_features(root: Path, slide_ids: list[str], folder: Path, name: str) -> dict[str, int]:
    """Store the mean of each slide's patch features as its vector; see ``Cohort.import_features``.

    Returns
    -------
    dict
        Slides ``imported``, slides of the cohort ``without_file``, and ``unknown_files`` that
        belong to no slide.

    Raises
    ------
    TableError, ShapeError, NonFiniteError, StoreCorruptError
        After all files: what is wrong with each that cannot be used.
    """
    if not folder.is_dir():
        msg = f"{folder} is no folder. Give the one with the <slide_id>.h5 files."
        raise TableError(msg)
    files = {path.stem: path for path in entries_of(folder) if path.suffix in SUFFIXES}
    mine = [slide_id for slide_id in slide_ids if slide_id in files]
    if not mine:
        msg = (
            f"None of the {len(files)} .h5 files in {folder} is named after a slide of the cohort "
            f"(files: {', '.join(sorted(files)[:3])}; slides: {', '.join(slide_ids[:3])}). Files "
            "must be called <slide_id>.h5."
        )
        raise TableError(msg)
    store, length = EmbeddingStore(root, features_fingerprint(name)), None
    failures: list[UnusableFile] = []
    with ArrayReader() as reader:
        for slide_id in mine:
            try:
                features = _features_of(reader, files[slide_id], length)
            except UNUSABLE as error:  # one bad file costs its slide and no other
                failures.append(error)
                continue
            length = features.shape[1]
            # Not before something can be stored: an empty folder would look like a model.
            store.prepare()
            _store(store, slide_id, files[slide_id], features, name)
    if failures:
        raise _all_of(failures, len(mine))
    return {
        "imported": len(mine),
        "without_file": len(slide_ids) - len(mine),
        "unknown_files": len(files) - len(mine),
    }


def _features_of(reader: ArrayReader, path: Path, length: int | None) -> NDArray[np.float32]:
    """Return the features of a file, which must be as long as those before it."""
    features, _ = read_features(reader, path)
    if length not in (None, features.shape[1]):
        msg = (
            f"{path.name} has {features.shape[1]} features, the files before it {length}. Import "
            "the features of one model under one name."
        )
        raise ShapeError(msg)
    return features


def _all_of(failures: list[UnusableFile], tried: int) -> UnusableFile:
    """Return one error, of the kind of the first, that says what is wrong with each file."""
    first, more = failures[0], len(failures) - MOST_SHOWN
    lines = [str(error) for error in failures[:MOST_SHOWN]]
    if more > 0:
        lines.append(f"… and {more} more.")
    return type(first)(
        f"{len(failures)} of {tried} files cannot be used, and {tried - len(failures)} are "
        f"imported. {' '.join(lines)}"
    )


def _store(
    store: EmbeddingStore, slide_id: str, path: Path, features: NDArray[np.float32], name: str
) -> None:
    stamp, fingerprint = FileStamp.of(path), store.fingerprint
    row = {
        "slide_id": slide_id,
        "status": "ok",
        "reason": "",
        # In double precision: a float32 sum of 100,000 patches loses digits.
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


def read_features(reader: ArrayReader, path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features, shape (patch, feature), and coords, shape (patch, 2), of a file.

    Raises
    ------
    StoreCorruptError, TableError, ShapeError, NonFiniteError
    """
    arrays = reader.read(path, ("features", "coords"))
    # Numbers too large for the kind become infinite, which is refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        features = arrays["features"].astype(np.float32)
        coords = arrays["coords"].astype(np.int64)
    # Some programs put a slide's table into a list of one.
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
    """Write an .h5 file per slide that has patch rows; return how many.

    Raises
    ------
    StoreSchemaError
        When a file lies there that is none of these, features of another program say; nothing
        is written then.
    """
    store, written = EmbeddingStore(root, fingerprint), 0
    if folder.is_dir():
        for slide_id in slide_ids:
            path = folder / _features_name(store, slide_id)
            require_replaceable(path, "a file of features", _is_own, REMEDY)
    there = {path.name for path in entries_of(store.patch_folder)}
    having = [name for name in slide_ids if store.patch_part(name).name in there]
    for slide_id, part in load_parts(root, having, fingerprint).items():
        patches = store.patch_rows(part)
        if patches is None or not patches.num_rows:
            continue
        vectors = patches.column("vector").combine_chunks().flatten().to_numpy()
        write_arrays(
            made_folder(folder) / _features_name(store, slide_id),
            {
                "features": vectors.reshape(patches.num_rows, -1),
                "coords": np.stack([patches.column("x"), patches.column("y")], axis=1),
            },
            {"coords": {PATCH_SIZE: patches.column("size_px")[0].as_py()}},
        )
        written += 1
    if not written:
        msg = "No slide has patch rows. Encode the cohort with patches=True, which keeps them."
        raise TableError(msg)
    return written


def _features_name(store: EmbeddingStore, slide_id: str) -> str:
    return store.patch_part(slide_id).name.removeprefix("slide=").replace(".parquet", ".h5")


def _is_own(path: Path) -> bool:
    """Return whether a file has all that ``export_features`` writes, and no more."""
    return names_in(path) == {"": set(), "features": set(), "coords": {PATCH_SIZE}}
