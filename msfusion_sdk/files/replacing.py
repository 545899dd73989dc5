"""A file is written over by its own kind only, never what somebody else keeps there."""

import mmap
from collections.abc import Callable
from pathlib import Path

from msfusion_sdk.errors import StoreSchemaError
from msfusion_sdk.files.reading import read_error

__all__ = ["holds", "require_replaceable"]


def require_replaceable(
    path: Path,
    what: str,
    is_earlier: Callable[[Path], bool],
    remedy: str = "Name another file, or move this one away first.",
) -> None:
    """Raise where a file lies at ``path`` that an earlier call has not written.

    An empty file may be replaced, as ``mktemp`` makes them.

    Parameters
    ----------
    what : str
        What is to be written: ``a report``.
    is_earlier : callable
        Says whether a file is such a thing.
    remedy : str
        A sentence.

    Raises
    ------
    StoreSchemaError
    """
    try:
        is_there = path.is_file() and path.stat().st_size > 0
        is_strange = is_there and not is_earlier(path)
    except OSError as error:
        raise read_error(path, error) from error
    if is_strange:
        msg = (
            f"{path} is there and is not {what} that msfusion wrote, which {what} would replace. "
            f"{remedy}"
        )
        raise StoreSchemaError(msg)


def holds(path: Path, *marks: bytes) -> bool:
    """Return whether a file that is not empty holds all of some bytes.

    They are searched, nothing is parsed: a file of somebody else may be damaged on purpose.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return all(content.find(mark) >= 0 for mark in marks)
