"""HDF5 files of other programs: read in a process of their own, within limits; and written whole.

An HDF5 file may name other files whose bytes are then its content, and a few kilobytes may
claim gigabytes.  Neither is followed.  The only module that imports h5py (extra ``[h5]``).
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import MsfusionError, StoreCorruptError, TableError
from msfusion_sdk.extras import import_extra
from msfusion_sdk.files import read_bytes, store_bytes
from msfusion_sdk.storage.isolation import Child, ChildDiedError, ChildTimeoutError

__all__ = ["ArrayReader", "names_in", "plain_sets", "read_arrays", "require_own", "write_arrays"]

MAX_BYTES = 8 * 2**30
"""Of all arrays of a file: 2 million patches of 1024 numbers."""
MAX_GROWTH = 1100
"""Times that an array may be larger than its file: what deflate can reach at the most."""
MEMORY_BYTES = 3 * MAX_BYTES
TIMEOUT_S = 600.0


class ArrayReader:
    """Reads arrays of HDF5 files in a child process.

    Use it as a context manager for many files: the process is started once.
    """

    def __init__(self) -> None:
        # Said here and not from the child, which has no words for the user.
        _h5py()
        self._child = Child(f"{__name__}:read_arrays", memory_bytes=MEMORY_BYTES)

    def __enter__(self) -> "ArrayReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def read(
        self, path: Path, names: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, NDArray[Any]]:
        """Return what ``read_arrays`` does.

        Raises
        ------
        StoreCorruptError
            Also when the file ends the process that reads it, or that makes no progress.
        TableError, MissingExtraError, StoreError
        """
        try:
            found: dict[str, NDArray[Any]] = self._child.call(
                path, names, optional, timeout_s=TIMEOUT_S
            )
        except ChildDiedError as error:
            msg = f"{path} ends the process that reads it ({error}). It is damaged: copy it again."
            raise StoreCorruptError(msg) from error
        except ChildTimeoutError as error:
            msg = f"{path} could not be read ({error}). It is damaged, or its disk hangs."
            raise StoreCorruptError(msg, retryable=True) from error
        return found


def read_arrays(
    path: Path, names: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    """Return arrays of a file, by name: all of ``names``, and those of ``optional`` that it has.

    Raises
    ------
    FileNotFoundError
    StoreCorruptError
        When it is damaged or no HDF5 file.
    TableError
        When it lacks one of ``names``, leads to other files, holds something else than
        numbers, or claims more of them than its size can hold.
    StoreError
        When the system does not give its bytes.
    """
    h5py = _h5py()
    # The library reads bytes that it is given, and so opens no file by itself.
    data = read_bytes(path)
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            listed = list(file)
            there = [name for name in (*names, *optional) if name in listed]
            _require_names(path, file, names, there)
            sets = plain_sets(path, file, there, len(data))
            return {name: np.asarray(values) for name, values in sets.items()}
    except MsfusionError:
        raise
    except MemoryError as error:
        msg = f"{path} holds more than this machine can (stated: {len(data)} bytes of file)."
        raise TableError(msg) from error
    # Damage shows in the library as almost any error.
    except Exception as error:
        msg = f"{path} is damaged or no HDF5 file ({error}). Copy it again."
        raise StoreCorruptError(msg) from error


def plain_sets(path: Path, file: Any, names: Sequence[str], size: int) -> dict[str, Any]:
    """Return data sets of an open file, each within the file and of a credible size.

    Parameters
    ----------
    names : sequence of str
        Perhaps within groups, ``group/set``.
    size : int
        Of the file, bytes.

    Raises
    ------
    TableError
        When one leads to other files, holds something else than numbers, or claims more of them
        than the file can hold.
    """
    for name in names:
        parts = name.split("/")
        # Before it is looked at: a link is followed by the look.
        for depth in range(1, len(parts) + 1):
            require_own(path, file, "/".join(parts[:depth]))
    sets = {name: file[name] for name in names}
    _require_plain(path, sets, size)
    return sets


def require_own(path: Path, file: Any, name: str) -> None:
    """Raise TableError when a name of a file stands for something of another file or place."""
    if not isinstance(file.get(name, getlink=True), _h5py().HardLink):
        msg = f"{path} has {name!r} as a link. Copy the data themselves into the file."
        raise TableError(msg)


def _require_names(path: Path, file: Any, wanted: tuple[str, ...], there: list[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        found = ", ".join(list(file)[:8]) or "nothing"
        msg = f"{path} has {found}, and lacks {', '.join(missing)}."
        raise TableError(msg)


def _require_plain(path: Path, sets: Mapping[str, Any], size: int) -> None:
    """Refuse what is no array of numbers of a credible size within the file."""
    h5py, total = _h5py(), 0
    for name, values in sets.items():
        if not isinstance(values, h5py.Dataset):
            msg = f"{path} has {name!r} as a group, where an array belongs."
            raise TableError(msg)
        if values.external or values.is_virtual:
            msg = (
                f"{path} has {name!r} in other files, which are not read. Copy the data themselves "
                "into the file."
            )
            raise TableError(msg)
        if values.dtype.kind not in "fiu":
            msg = f"{path} has {name!r} of type {values.dtype}, where numbers belong."
            raise TableError(msg)
        # At least eight bytes a number: most are turned into double precision later.
        total += values.size * max(8, values.dtype.itemsize)
    if total > min(MAX_BYTES, MAX_GROWTH * size):
        msg = (
            f"{path} claims {total / 1e9:.1f} GB in a file of {size / 1e6:.1f} MB, and at most "
            f"{MAX_BYTES / 1e9:.1f} GB are read. It is damaged, or needs to be split."
        )
        raise TableError(msg)


def names_in(path: Path) -> dict[str, set[str]]:
    """Return the names of attributes by array, those of the file under ''; {} if it is no HDF5."""
    try:
        with _h5py().File(path) as file:
            found = {"": set(file.attrs)}
            return found | {name: set(file[name].attrs) for name in file}
    # What a damaged or foreign file raises is said to be anything.
    except (OSError, KeyError, ValueError, RuntimeError):
        return {}


def write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Mapping[str, object]]
) -> Path:
    """Write arrays as an HDF5 file, all at once, and return its path.

    Parameters
    ----------
    notes : mapping
        By the name of an array, its attributes.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written.
    """
    h5py = _h5py()
    # In memory: where the disk is full, the library writes on, and then ends the process.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        for name, values in arrays.items():
            file[name] = values
            file[name].attrs.update(notes.get(name, {}))
        file.flush()
        data: bytes = file.id.get_file_image()
    return store_bytes(path, data)


def _h5py() -> Any:
    return import_extra("h5py", "h5", "A folder of features")
