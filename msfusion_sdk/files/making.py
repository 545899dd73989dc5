"""Folders that are made all at once, and written over all at once.

What belongs into a folder is written into a hidden one inside it, and moved when all of it is
there: whatever fails before leaves the folder as it was.  While it is moved the folder is
marked: readers refuse it, and the next process that makes one of the same kind begins anew.
The folder itself is never renamed, for it may be there already, or be a mounted disk.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from msfusion_sdk.errors import MsfusionError, StoreError, StoreSchemaError, StoreUnfinishedError
from msfusion_sdk.files.folders import entries_of, made_folder, remove_abandoned, require_unused
from msfusion_sdk.files.owners import is_gone, this_process
from msfusion_sdk.files.reading import read_bytes
from msfusion_sdk.files.writing import drop, flush, put_if_absent, store_error, temporary_beside
from msfusion_sdk.places.url import require_disk

__all__ = ["MARKER", "FolderKind", "making", "require_finished", "require_free"]

MARKER = ".unfinished"
MOVING_S = 60
"""Longer than files are ever moved: after that, one of another machine is taken for killed."""


class FolderKind(NamedTuple):
    """What folders of one kind have in common."""

    name: str
    """What it is called in messages: ``cohort``."""
    contents: tuple[str, ...]
    """Files and folders that an earlier version of it may have, by name or pattern
    (``map-*.png``): removed before a new one."""
    record: str
    """The file among them that every finished one has."""
    mark: bytes
    """Stands in ``record``, and in no other program's file of that name."""


@contextmanager
def making(folder: Path, kind: FolderKind, remedy: str | None = None) -> Iterator[Path]:
    """Yield an empty folder for what belongs into ``folder``, and move it there in the end.

    Parameters
    ----------
    remedy : str, optional
        A sentence for the error when something is in ``folder``.  None writes over what an
        earlier call has finished, and over no other file of the names that are written.

    Raises
    ------
    StoreError
        When the folder is in use, is being made by another process, or cannot be written.
    """
    folder = require_disk(folder, f"A {kind.name}")
    # A folder that this call has made goes again when it fails.
    was_there = os.path.lexists(folder)
    require_free(folder, kind, remedy)
    remove_abandoned(made_folder(folder))
    staged = temporary_beside(folder / "new")
    try:
        made_folder(staged)
        yield staged
        _move(staged, folder, kind, remedy)
    except StoreError as error:
        # To people, what is written lies where it was to lie.
        text = str(error).replace(str(staged), str(folder))
        raise type(error)(text, retryable=error.retryable) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if not was_there:
            with suppress(OSError):  # it is in use
                folder.rmdir()


def require_finished(
    folder: Path, error: type[MsfusionError] = StoreUnfinishedError, remedy: str = ""
) -> None:
    """Raise when a process that moved files into a folder was killed, or is still at it.

    Parameters
    ----------
    error : type
        What is raised.
    remedy : str
        A sentence; by default the same command again.
    """
    if os.path.lexists(folder / MARKER):
        msg = (
            f"{folder} is unfinished: the command that makes it was interrupted. "
            f"{remedy or 'Run it again, which makes the folder anew.'}"
        )
        raise error(msg)


def _move(staged: Path, folder: Path, kind: FolderKind, remedy: str | None) -> None:
    """Put what is staged in the place of what was there before."""
    fresh = entries_of(staged)
    try:
        # On disk before it is moved: a name must not get there ahead of its bytes.
        flush(staged)
        marker = _mark(folder, kind)
        # Looked at again: another process may have finished since.
        require_free(folder, kind, remedy)
        for path in fresh:
            _require_alike(folder / path.name, path)
        # Also what only the earlier version has: it would look like a part of the new one.
        for path in _parts_of(folder, kind):
            _remove(path)
        for path in fresh:
            _remove(folder / path.name)
            path.rename(folder / path.name)
        flush(folder)
        marker.unlink()
        flush(folder)
    except OSError as error:
        raise error if isinstance(error, StoreError) else store_error(folder, error) from error


def _mark(folder: Path, kind: FolderKind) -> Path:
    """Mark a folder as unfinished for this process, and return the marker."""
    marker, temporary = folder / MARKER, temporary_beside(folder / MARKER)
    try:
        temporary.write_text(json.dumps({"kind": kind.name, "owner": this_process()}) + "\n")
        flush(temporary)
        while not put_if_absent(temporary, marker):
            _require_abandoned(folder, kind)
            marker.unlink(missing_ok=True)
    except OSError as error:
        raise error if isinstance(error, StoreError) else store_error(marker, error) from error
    finally:
        drop(temporary)
    return marker


def require_free(folder: Path, kind: FolderKind, remedy: str | None) -> None:
    """Raise when a folder holds what is not ours to write over.

    Parameters
    ----------
    remedy : str, optional
        As in ``making``.

    Raises
    ------
    StoreError
    """
    found = _read(folder / MARKER)
    if found.get("owner") == this_process():
        is_ours = True
    elif is_ours := os.path.lexists(folder / MARKER):
        _require_abandoned(folder, kind)
    if remedy is None:
        if not is_ours:
            _require_earlier(folder, kind)
        return
    if not is_ours:
        require_unused(folder, remedy)
    parts = _parts_of(folder, kind)
    strange = [path.name for path in entries_of(folder) if path not in parts]
    if strange:
        msg = f"{folder} holds {', '.join(strange[:3])}. {remedy}"
        raise StoreError(msg)


def _parts_of(folder: Path, kind: FolderKind) -> list[Path]:
    """Return what lies in a folder under the names of this kind."""
    known = kind.contents
    return [p for p in entries_of(folder) if any(fnmatchcase(p.name, name) for name in known)]


def _require_earlier(folder: Path, kind: FolderKind) -> None:
    """Raise when what would be written over is not what an earlier call has written."""
    there = [path.name for path in _parts_of(folder, kind)]
    if not there:
        return
    try:
        is_earlier = kind.mark in read_bytes(folder / kind.record)
    except FileNotFoundError:
        is_earlier = False
    if not is_earlier:
        msg = (
            f"{folder} holds {', '.join(there[:3])}, which a new {kind.name} would replace, and no "
            f"{kind.record} of an earlier one. Choose a new folder, or move them away first."
        )
        raise StoreSchemaError(msg)


def _require_abandoned(folder: Path, kind: FolderKind) -> None:
    """Raise when a folder is unfinished and somebody may still be at it, or made another kind."""
    marker = folder / MARKER
    found = _read(marker)
    told, owner = found.get("kind", kind.name), found.get("owner", "")
    if told != kind.name:
        msg = (
            f"{folder} is an unfinished {told}, and a {kind.name} was to be made. Choose a new "
            "folder, or remove it."
        )
        raise StoreError(msg)
    gone = is_gone(owner)
    if gone is None:
        with suppress(FileNotFoundError):
            gone = time.time() - marker.stat().st_mtime > MOVING_S
    if gone is False:
        msg = f"{folder} is being made by another process. Wait for it, or choose a new folder."
        raise StoreError(msg)


def _require_alike(there: Path, made: Path) -> None:
    """Raise when a folder has the name of a file that was made: it is somebody else's."""
    if os.path.lexists(there) and there.is_dir() != made.is_dir():
        what = "a folder" if there.is_dir() else "a file"
        msg = (
            f"{there} could not be written: {what} of that name is there. Move it away, or choose "
            "a new folder."
        )
        raise StoreError(msg)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _read(marker: Path) -> dict[str, str]:
    """Return what a marker says; nothing when it is damaged, which its name survives."""
    try:
        found = json.loads(read_bytes(marker))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
