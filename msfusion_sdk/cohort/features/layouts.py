"""How five programs lay out the features of a slide's patches, written from their files.

    TRIDENT     <slide>.h5   features (patch, D), coords (patch, 2) level-0 px, patch_size_level0
    CLAM        <slide>.h5   features, coords, no size; or <slide>.pt, a tensor (patch, D) alone
    AtlasPatch  <slide>.h5   features/<encoder> (patch, D), coords (patch, 5): x, y, edges, level
    STAMP       <slide>.h5   feats (patch, D), coords (patch, 2) in µm, tile_size_um
    slide2vec   <slide>.pt   a tensor, beside it <slide>.meta.json; <slide>.coordinates.npz

Only the layout of the files is known here; no code of those projects is used.  The only module
that imports h5py (extra ``[h5]``) to read.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.cohort.features.stated import stated_edge, stated_notes, stated_text
from msfusion_sdk.errors import (
    MsfusionError,
    NonFiniteError,
    ShapeError,
    StoreCorruptError,
    TableError,
)
from msfusion_sdk.extras import import_extra
from msfusion_sdk.storage.h5_arrays import plain_sets, require_own

__all__ = ["FeatureFile", "Layout", "look_at", "read_coords", "read_features"]

Layout = Literal["trident", "clam", "clam-pt", "atlaspatch", "stamp", "slide2vec"]
MOST_COORD_BYTES = 10**9
MICRON = ("um", "µm", "μm", "micron", "microns", "micrometer")
ENCODER = ("encoder", "patch_encoder", "extractor", "model_name", "encoder_name")


@dataclass(frozen=True)
class FeatureFile:
    """What a file says of itself without its features being read."""

    path: Path
    layout: Layout
    n_patches: int
    features: int
    """Length of the vector of a patch; 0 where a file of no patch does not tell."""
    encoder: str
    """The name that the program gave the network; '' where it gave none."""
    size_l0: float
    """Edge of a patch in level-0 pixels, or in µm; 0 where the file does not say."""
    dataset: str
    """Where in the file the features are."""


def look_at(path: Path, encoder: str | None = None) -> FeatureFile:
    """Return what a file holds; only its headers are read.

    Parameters
    ----------
    encoder : str, optional
        Which features of a file that holds those of several networks.

    Raises
    ------
    StoreCorruptError
        When it is damaged.
    TableError, ShapeError
        When it has none of the layouts.
    """
    return _look_at_pt(path) if path.suffix == ".pt" else _look_at_h5(path, encoder)


def read_features(file: FeatureFile) -> NDArray[np.float32]:
    """Return the features of a file, shape (patch, D).

    Raises
    ------
    StoreCorruptError, NonFiniteError
    """
    if file.path.suffix == ".pt":
        values = _tensor(file.path).float().numpy()
    else:
        with _opened(file.path) as opened:
            values = np.asarray(_set(file.path, opened, file.dataset), np.float32)
    values = values[0] if values.ndim == 3 else values
    if not np.isfinite(values).all():
        msg = f"{file.path.name} holds NaN or infinity among its features. Make it again."
        raise NonFiniteError(msg)
    return np.ascontiguousarray(values, np.float32)


def read_coords(file: FeatureFile) -> NDArray[np.float64] | None:
    """Return the top-left corners, shape (patch, 2), in the unit of the layout; None without any.

    Level-0 pixels, in STAMP's files µm.

    Raises
    ------
    StoreCorruptError, NonFiniteError
    """
    if file.path.suffix == ".pt":
        return _coords_beside(file.path)
    with _opened(file.path) as opened:
        coords = np.asarray(_set(file.path, opened, "coords"), np.float64)
    coords = coords[0] if coords.ndim == 3 else coords
    # AtlasPatch has edges and level behind the place.
    places = coords[:, :2]
    if not np.isfinite(places).all():
        msg = f"{file.path.name} holds NaN or infinity among its coords. Make it again."
        raise NonFiniteError(msg)
    return places


def _look_at_h5(path: Path, encoder: str | None) -> FeatureFile:
    size_bytes = path.stat().st_size
    with _opened(path) as file:
        # Each look into a file costs: of ten thousand files, every one is felt.
        names = set(file)
        if "coords" not in names or not names & {"feats", "features"}:
            found = ", ".join(sorted(names)) or "nothing"
            msg = f"{path.name} has {found}; features (patch, D), or feats, and coords are needed."
            raise TableError(msg)
        coords = plain_sets(path, file, ["coords"], size_bytes)["coords"]
        notes = dict(file.attrs)
        notes |= dict(coords.attrs)
        layout, dataset = _find_dataset(path, file, names, notes, encoder)
        features = plain_sets(path, file, [dataset], size_bytes)[dataset]
        notes |= dict(features.attrs)
        count, length = _shape_of(path, features.shape, coords.shape)
        size = _size(path, layout, notes, coords)
    name = dataset.partition("/")[2] or next(
        (stated_text(notes[k]) for k in ENCODER if k in notes), ""
    )
    return FeatureFile(path, layout, count, length, name, size, dataset)


def _shape_of(path: Path, features: tuple[int, ...], coords: tuple[int, ...]) -> tuple[int, int]:
    """Return patches and features of a file; both tables may lie in a list of one slide."""
    shape = features[1:] if len(features) == 3 and features[0] == 1 else features
    places = coords[1:] if len(coords) == 3 and coords[0] == 1 else coords
    if len(shape) != 2 or len(places) != 2 or shape[0] != places[0] or places[1] < 2:
        msg = (
            f"{path.name} has features of shape {features} and coords of shape {coords}; "
            "(patch, D) and (patch, 2) are needed."
        )
        raise ShapeError(msg)
    return shape[0], shape[1]


def _find_dataset(
    path: Path, file: Any, names: set[str], notes: dict[str, Any], encoder: str | None
) -> tuple[Layout, str]:
    # Of the five only STAMP calls them so.
    if "feats" in names:
        return "stamp", "feats"
    require_own(path, file, "features")
    found = file["features"]
    # A group has keys: AtlasPatch keeps a table per network in it.
    if not hasattr(found, "keys"):
        return ("trident" if "patch_size_level0" in notes else "clam"), "features"
    inside = list(found)
    if encoder is None and len(inside) == 1:
        return "atlaspatch", f"features/{inside[0]}"
    if encoder not in inside:
        msg = (
            f"{path.name} holds the features of {', '.join(inside) or 'no network'}. Say which "
            "with encoder= (--encoder)."
        )
        raise TableError(msg)
    return "atlaspatch", f"features/{encoder}"


def _size(path: Path, layout: Layout, notes: dict[str, Any], coords: Any) -> float:
    if layout == "stamp":
        unit = stated_text(notes.get("unit", MICRON[0]))
        if unit not in MICRON:
            msg = f"{path.name} states the unit {unit!r} for its coords, and µm is needed."
            raise TableError(msg)
        return stated_edge(path, notes.get("tile_size_um"))
    stated = notes.get("patch_size_level0")
    if stated is None and layout == "atlaspatch" and coords.shape[0] and coords.shape[-1] > 2:
        # Its third column is the edge in level-0 pixels, the same for all patches.
        stated = coords[0, 2]
    return stated_edge(path, stated)


def _look_at_pt(path: Path) -> FeatureFile:
    tensor = _tensor(path)
    # A slide's table may lie in a list of one, as in the other layouts.
    shape = tensor.shape[1:] if tensor.ndim == 3 and len(tensor) == 1 else tensor.shape
    if len(shape) != 2:
        msg = f"{path.name} holds a tensor of shape {tuple(tensor.shape)}; (patch, D) is needed."
        raise ShapeError(msg)
    notes = path.with_name(f"{path.stem}.meta.json")
    layout: Layout = "slide2vec" if notes.is_file() else "clam-pt"
    stated = stated_notes(notes) if notes.is_file() else {}
    encoder = str(next((stated[name] for name in ENCODER if name in stated), ""))
    size = stated_edge(notes, stated.get("tile_size_lv0") or stated.get("tile_size_level0"))
    return FeatureFile(path, layout, shape[0], shape[1], encoder, size, "")


def _tensor(path: Path) -> Any:
    import torch  # only for the two programs that write its files

    try:
        # Mapped: a shape is known without the numbers being read.
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"{path} is damaged, or holds more than a tensor ({reason}). Make it again."
        raise StoreCorruptError(msg) from error
    if not isinstance(found, torch.Tensor):
        msg = f"{path.name} holds {type(found).__name__}, and a tensor (patch, D) is needed."
        raise TableError(msg)
    is_plain = found.layout == torch.strided and not (found.is_quantized or found.is_complex())
    if not is_plain or found.dtype == torch.bool:
        kind = f"{found.layout} {found.dtype}".replace("torch.", "")
        msg = f"{path.name} holds a tensor of the kind {kind}; a dense one of numbers is needed."
        raise TableError(msg)
    return found


def _coords_beside(path: Path) -> NDArray[np.float64] | None:
    places = (path.parent, path.parent.parent / "tiles", path.parent.parent)
    for folder in places:
        beside = folder / f"{path.stem}.coordinates.npz"
        if beside.is_file():
            return _coords_of(beside)
    return None


def _coords_of(path: Path) -> NDArray[np.float64]:
    """Return columns x and y of an archive of arrays, which must not unpack to gigabytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(archive.getinfo(f"{axis}.npy").file_size for axis in "xy")
        if claimed > MOST_COORD_BYTES:
            msg = f"{path} claims {claimed / 1e9:.1f} GB of coordinates, and at most 1 GB is read."
            raise TableError(msg)
        with np.load(path, allow_pickle=False) as arrays:
            return np.stack([arrays["x"], arrays["y"]], 1).astype(np.float64)
    except TableError:
        raise
    # Damage shows in the libraries as almost any error.
    except Exception as error:
        msg = f"{path} is damaged, or lacks x or y ({error}). Make it again."
        raise StoreCorruptError(msg) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = import_extra("h5py", "h5", "A folder of features")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except MsfusionError:
        raise
    except MemoryError as error:
        msg = f"{path} holds more than this machine can."
        raise TableError(msg) from error
    # Damage shows in the library as almost any error.
    except Exception as error:
        msg = f"{path} is damaged or no HDF5 file ({error}). Copy it again."
        raise StoreCorruptError(msg) from error


def _set(path: Path, file: Any, name: str) -> Any:
    return plain_sets(path, file, [name], path.stat().st_size)[name]
