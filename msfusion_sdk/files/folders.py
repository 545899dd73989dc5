"""Folders: made, listed, tried, and cleared of what killed processes left in them."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from msfusion_sdk.errors import StoreError, StoreFullError, StoreUnsupportedFSError
from msfusion_sdk.files.owners import has_ended
from msfusion_sdk.files.reading import read_error
from msfusion_sdk.files.writing import PREFIX, drop, flush, store_error, temporary_beside
from msfusion_sdk.places.url import require_disk

__all__ = [
    "entries_of",
    "made_folder",
    "probe_folder",
    "remove_abandoned",
    "require_unused",
]

ORPHAN_AGE_S = 24 * 3600
"""Of temporary files whose process nobody here can ask for: one of another machine."""


def made_folder(folder: Path) -> Path:
    """Make a folder unless it is there, and return it.

    Raises
    ------
    StoreError
        When it cannot be made.
    AddressError
        When it is the address of a server.
    """
    require_disk(folder, "A folder that is written to")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise store_error(folder, error) from error
    return folder


def entries_of(folder: Path) -> list[Path]:
    """Return what is in a folder, hidden names left out, sorted; nothing when there is none.

    Raises
    ------
    StoreError
        When it cannot be listed: what is in it must not look as if it were not there.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        if error.errno == errno.ENOTDIR:
            msg = f"{folder} is a file, where a folder belongs. Move it away."
            raise StoreError(msg) from error
        raise read_error(folder, error) from error


def require_unused(folder: Path, remedy: str) -> None:
    """Raise unless a folder is new or holds hidden files only: it may be the user's own.

    Parameters
    ----------
    remedy : str
        A sentence, for the message.

    Raises
    ------
    StoreError
    """
    is_free = not os.path.lexists(folder) or (folder.is_dir() and not entries_of(folder))
    if not is_free:
        msg = f"{folder} is not empty. {remedy}"
        raise StoreError(msg)


def remove_abandoned(folder: Path, prefix: str = PREFIX) -> list[Path]:
    """Remove temporary files and folders whose process has ended; return them.

    Those of a process that cannot be asked for, on another machine, stay until nobody has
    touched them for a day, by the clock of the disk that they lie on.
    """
    removed, now = [], None
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(prefix):
                continue
            # Names of version 0.1.0 hold no owner: these are judged by their age.
            gone = has_ended(entry.name, prefix)
            with suppress(OSError):
                # Asked only when needed: it writes a file to learn the time.
                if gone is None:
                    now = _clock_of(folder) if now is None else now
                    gone = now - entry.stat(follow_symlinks=False).st_mtime > ORPHAN_AGE_S
                if gone:
                    _remove(Path(entry.path))
                    removed.append(Path(entry.path))
    return removed


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _clock_of(folder: Path) -> float:
    """Return what time it is where the folder is: a file server has a clock of its own."""
    probe = temporary_beside(folder / "clock")
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        drop(probe)


def probe_folder(folder: Path) -> None:
    """Try in ``folder`` what a commit needs: create, flush, rename, and flush the folder.

    Raises
    ------
    StoreUnsupportedFSError
        Naming the step that the file system refuses.
    """
    step, probe = "create a file", temporary_beside(folder / "probe")
    moved = temporary_beside(folder / "probe")
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        step = "flush a file to disk"
        flush(probe)
        step = "rename a file"
        probe.replace(moved)
        step = "flush a folder to disk"
        # A rename is lost in a power cut until its folder is flushed, which some systems refuse.
        flush(folder)
    except OSError as error:
        if isinstance(found := store_error(probe, error), StoreFullError):
            raise found from error
        msg = (
            f"{folder} cannot hold results: the file system does not let this user {step} "
            f"({error.strerror or error}). Choose another folder."
        )
        raise StoreUnsupportedFSError(msg) from error
    finally:
        for path in (probe, moved):
            # A file system that is read-only refuses even where there is nothing to remove.
            with suppress(OSError):
                path.unlink(missing_ok=True)
