"""A bag: the patch vectors of one patient's slides, read from disk when they are needed.

All slides of a patient are one bag.  A patch counts alike whichever slide it lies on, so a large
slide counts more than a small one, as tissue does.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from msfusion_sdk.errors import NonFiniteError, ShapeError, StoreSchemaError, TableError
from msfusion_sdk.storage.parquet import read_parquet
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["PATCHES", "Bag", "PatchSource", "SlidePatches", "bag_table", "vectors_of_rows"]

PATCHES = "patches"
"""The column of a table of bags, and the modality that reads it."""

Vectors = NDArray[np.floating[Any]]


class PatchSource(ABC):
    """Where the patch vectors of one slide lie, for places that a path does not tell."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """The file."""

    @abstractmethod
    def read(self) -> Vectors:
        """Return the vectors, shape (patch, feature).

        Raises
        ------
        StoreError
            When the file is damaged or gone, or holds no patches.
        """

    def places(self) -> pd.DataFrame:
        """Return ``x``, ``y`` and ``size_px`` of every patch, level-0 pixels.

        Raises
        ------
        TableError
            When the file does not tell them.
        """
        msg = f"{self.path} does not tell where on the slide its patches are."
        raise TableError(msg)


@dataclass(frozen=True, eq=False)
class SlidePatches:
    """The patch vectors of one slide, where they lie.

    Parameters
    ----------
    slide_id : str
    source : path, array or PatchSource
        A ``.parquet`` file that encoding wrote with its patches, a ``.npy`` file, or the vectors
        themselves: shape (patch, feature), in any floating point, half precision say.
    """

    slide_id: str
    source: Path | Vectors | PatchSource

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same slide of the same file, or the same numbers."""
        if not isinstance(other, SlidePatches) or self.slide_id != other.slide_id:
            return False
        mine, theirs = self.source, other.source
        if isinstance(mine, np.ndarray):
            return isinstance(theirs, np.ndarray) and np.array_equal(mine, theirs)
        return not isinstance(theirs, np.ndarray) and _path_of(mine) == _path_of(theirs)

    def __hash__(self) -> int:
        return hash(self.slide_id)

    @property
    def stamp(self) -> str:
        """What changes when the vectors do: size and time of the file, or a digest of an array."""
        if isinstance(self.source, np.ndarray):
            array = np.ascontiguousarray(self.source)
            # The same bytes are other vectors when they are taken as longer ones.
            kind = f"{array.dtype} {array.shape}".encode()
            return hashlib.sha256(kind + array.tobytes()).hexdigest()
        # Gigabytes are not hashed to learn whether they have changed.
        path = _path_of(self.source)
        found = path.stat()
        return f"{path} {found.st_size} {found.st_mtime_ns}"

    def read(self) -> Vectors:
        """Return the patch vectors, shape (patch, feature), in the precision they are stored in.

        Raises
        ------
        StoreError
            When the file is damaged, or holds no patches.
        ShapeError, NonFiniteError
            When it is no matrix of numbers.
        """
        vectors = _vectors_of(self.source)
        if vectors.ndim != 2 or vectors.dtype.kind != "f":
            msg = (
                f"The patches of slide {self.slide_id!r} are {vectors.dtype} of shape "
                f"{vectors.shape}, and must be floating-point numbers of shape (patch, feature)."
            )
            raise ShapeError(msg)
        if not np.isfinite(vectors).all():
            msg = (
                f"The patches of slide {self.slide_id!r} hold NaN or infinity. Encode the slide "
                "again, or leave it out."
            )
            raise NonFiniteError(msg)
        return vectors


# No sequence protocol: a cell of a table holds a bag, and pandas would take a sequence apart.
@dataclass(frozen=True)
class Bag:
    """The patches of all slides of a patient; holds where they are, and not the numbers."""

    slides: tuple[SlidePatches, ...]

    def __repr__(self) -> str:
        return f"Bag({', '.join(slide.slide_id for slide in self.slides)})"

    def blocks(self) -> Iterator[Vectors]:
        """Yield the patch vectors slide by slide, so that one slide is in memory at a time."""
        for slide in self.slides:
            yield slide.read()

    def read(self) -> NDArray[np.float32]:
        """Return all patch vectors, shape (patch, feature), slides in their order."""
        return np.concatenate([block.astype(np.float32) for block in self.blocks()])


def bag_table(bags: Mapping[str, Bag | Vectors | Sequence[SlidePatches]]) -> pd.DataFrame:
    """Return the table that the adapter ``patches`` takes: a bag per patient.

    Parameters
    ----------
    bags : mapping of patient_id to bag
        A ``Bag``, its slides, or a matrix of shape (patch, feature).

    Returns
    -------
    DataFrame indexed by patient_id, with the one column ``patches``

    Examples
    --------
    >>> import numpy as np
    >>> table = bag_table({"0012": np.zeros((40, 1024), np.float16)})
    >>> table.loc["0012", "patches"].read().shape
    (40, 1024)
    """
    cells = [_bag(patient, bag) for patient, bag in bags.items()]
    index = pd.Index(list(bags), name=ID_COLUMN, dtype=object)
    return pd.DataFrame({PATCHES: pd.Series(cells, index, dtype=object)})


def _bag(patient: str, given: Bag | Vectors | Sequence[SlidePatches]) -> Bag:
    if isinstance(given, Bag):
        return given
    if isinstance(given, np.ndarray):
        return Bag((SlidePatches(patient, given),))
    slides = tuple(given)
    if not slides:
        msg = f"Patient {patient!r} has no slide. Leave the patient out of the bags."
        raise TableError(msg)
    return Bag(slides)


def _path_of(source: Path | PatchSource) -> Path:
    return source.path if isinstance(source, PatchSource) else source


def _vectors_of(source: Path | Vectors | PatchSource) -> Vectors:
    if isinstance(source, np.ndarray):
        return source
    if isinstance(source, PatchSource):
        return source.read()
    if source.suffix == ".npy":
        # Mapped: the pages of a slide leave memory when its turn is over.  "c" never writes to the
        # file, and torch takes such an array without a copy.
        vectors: Vectors = np.load(source, mmap_mode="c", allow_pickle=False)
        return vectors
    patches = read_parquet(source).patches
    if patches is None:
        msg = f"{source} holds a slide without its patches. Encode it again with patches=True."
        raise StoreSchemaError(msg)
    return vectors_of_rows(patches)


def vectors_of_rows(patches: pa.Table) -> Vectors:
    """Return the vectors of a patch table, shape (patch, feature)."""
    column = patches.column("vector").combine_chunks()
    rows: Vectors = column.flatten().to_numpy().reshape(len(column), column.type.list_size)
    return rows
