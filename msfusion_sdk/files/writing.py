"""Write files so that a file that exists is complete."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msfusion_sdk.errors import MsfusionError, StoreError, StoreFullError
from msfusion_sdk.files.owners import this_process
from msfusion_sdk.places.url import require_disk

__all__ = [
    "PREFIX",
    "drop",
    "flush",
    "put_if_absent",
    "store_bytes",
    "store_error",
    "store_text",
    "storing",
    "temporary_beside",
]

PREFIX = ".tmp-"
# What file systems without hard links answer, among them FAT, some FUSE and SMB mounts.
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def temporary_beside(path: Path) -> Path:
    """Return an unused hidden name in the folder of ``path``, with its suffix.

    The suffix stays, because writers choose the format by it; the leading dot hides the
    file from readers of the folder.  The name tells whose it is: see ``remove_abandoned``.
    """
    return path.with_name(f"{PREFIX}{this_process()}-{secrets.token_hex(4)}{path.suffix}")


@contextmanager
def storing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block succeeds.

    The bytes are flushed to disk before the rename and the folder after it, so neither a
    crash nor a power cut leaves a half-written file.  When the block fails, the
    temporary file is removed and ``path`` is as it was.

    Raises
    ------
    StoreFullError, StoreError
        When it cannot be written.
    """
    target = require_disk(path, "A file that is written")
    temporary = temporary_beside(target)
    try:
        yield temporary
        flush(temporary)
        temporary.replace(target)
        flush(target.parent)
    except MsfusionError:
        # Of another file: what is read while this one is written.
        raise
    except OSError as error:
        raise store_error(target, error, temporary) from error
    finally:
        drop(temporary)


def store_bytes(path: Path, data: bytes | bytearray) -> Path:
    """Write a file all at once and return its path; errors as of ``storing``."""
    with storing(path) as temporary:
        temporary.write_bytes(data)
    return path


def store_text(path: Path, text: str) -> Path:
    """Write a text in UTF-8 all at once; what Unicode cannot hold comes out as ``?``."""
    # With the same ends of lines on every system, so that equal content is equal bytes.
    return store_bytes(path, text.encode("utf-8", "replace"))


def store_error(path: Path, error: OSError, temporary: Path | None = None) -> StoreError:
    """Return the system's error as one that states what to do.

    Parameters
    ----------
    temporary : Path, optional
        What was written in place of ``path``: an error that names any third file is about that.
    """
    named = error.filename
    ours = {os.fsdecode(own) for own in (path, temporary, path.parent) if own is not None}
    if isinstance(named, str | bytes) and os.fsdecode(named) not in ours:
        path = Path(os.fsdecode(named))
    if not path.parent.exists():
        return StoreError(
            f"{path.parent} does not exist, so {path.name} cannot be written. Create the folder."
        )
    reason = error.strerror or str(error)
    return (StoreFullError if error.errno in FULL else StoreError)(
        f"{path} could not be written: {reason}. Free space or choose another folder, then do the "
        "same again."
    )


def put_if_absent(temporary: Path, target: Path) -> bool:
    """Name a complete, flushed file unless the name is taken; return whether it was free.

    Of several processes that try at once exactly one succeeds, also over a network disk:
    making a link is the one operation that all of them do atomically.  Where links do not
    exist, a rename takes its place, and the last of several writers wins.
    """
    try:
        try:
            os.link(temporary, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            # Another process may take the name between this look and the rename: see above.
            if os.path.lexists(target):
                return False
            temporary.replace(target)
        flush(target.parent)
    except OSError as error:
        raise store_error(target, error, temporary) from error
    return True


def drop(temporary: Path) -> None:
    """Remove a temporary file if it is there; one that stays is removed by a later run."""
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have the bytes of a file, or the names in a folder, on the disk itself."""
    # Reading is enough: ``fsync`` acts on the file, and a folder cannot be opened for writing.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
