"""Write files so that a file that exists is complete."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msfusion_sdk.errors import StoreError, StoreFullError, StoreUnsupportedFSError

__all__ = [
    "atomic_path",
    "made_folder",
    "probe_folder",
    "put_if_absent",
    "require_unused",
    "store_error",
    "storing",
    "temporary_beside",
]

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


def temporary_beside(path: Path) -> Path:
    """Return an unused hidden name in the folder of ``path``, with its suffix.

    The suffix stays, because writers choose the format by it; the leading dot hides the
    file from readers of the folder.
    """
    return path.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block succeeds.

    The bytes are flushed to disk before the rename and the folder after it, so neither a
    crash nor a power cut leaves a half-written file.  When the block fails, the
    temporary file is removed and ``path`` is as it was.
    """
    target = Path(path)
    temporary = temporary_beside(target)
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
        _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def storing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path``; say what to do when it cannot be written."""
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except OSError as error:
        raise store_error(path, error) from error


def store_error(path: Path, error: OSError) -> StoreError:
    """Return what the system said as an error that tells what to do."""
    if isinstance(error, FileNotFoundError):
        return StoreError(
            f"{path.parent} does not exist, so {path.name} cannot be written. Create the folder."
        )
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return (StoreFullError if is_full else StoreError)(
        f"{path} could not be written: {error.strerror or error}. Free space or choose another "
        "folder, then do the same again."
    )


def made_folder(folder: Path) -> Path:
    """Make a folder unless it is there, and return it.

    Raises
    ------
    StoreError
        When it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise store_error(folder, error) from error
    return folder


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
    is_free = not folder.exists() or (
        folder.is_dir() and all(path.name.startswith(".") for path in folder.iterdir())
    )
    if not is_free:
        msg = f"{folder} is not empty. {remedy}"
        raise StoreError(msg)


def put_if_absent(temporary: Path, target: Path) -> bool:
    """Name a complete, flushed file unless the name is taken; return whether it was free.

    Of several processes that try at once exactly one succeeds, also over a network disk:
    making a link is the one operation that all of them do atomically.  Where links do not
    exist, a rename takes its place, and the last of several writers wins.
    """
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise store_error(target, error) from error
        if target.exists():
            return False
        temporary.replace(target)
    _flush(target.parent)
    return True


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
        _flush(probe)
        step = "rename a file"
        probe.replace(moved)
        step = "flush a folder to disk"
        _flush(folder)
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


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
