"""Read files of ours: the true reason when that cannot be done, and never a wait for a pipe."""

import errno
import os
import stat
from pathlib import Path

from msfusion_sdk.errors import StoreCorruptError, StoreError

__all__ = ["read_bytes", "read_error"]

# Without it, opening a named pipe waits for somebody to write into it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: Path) -> bytes:
    """Return all bytes of a file.

    Raises
    ------
    FileNotFoundError
        When there is nothing of this name.
    StoreCorruptError
        When there is something else than a file: a folder, a pipe, a link that leads nowhere.
    StoreError
        When the system does not give its bytes: no right to read it, a disk that fails.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        if not os.path.lexists(path):
            raise
        raise _no_file(path, "a link that leads nowhere") from error
    except OSError as error:
        raise read_error(path, error) from error
    try:
        # Of the open file: a name could stand for another file by now.
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            raise _no_file(path, "a folder" if stat.S_ISDIR(kind) else "a pipe or a device")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    except StoreError:
        raise
    except OSError as error:
        raise read_error(path, error) from error
    finally:
        os.close(descriptor)


def read_error(path: Path, error: OSError) -> StoreError:
    """Return why a file or a folder cannot be read, and what to do."""
    if error.errno == errno.ELOOP:
        return _no_file(path, "a link that leads to itself")
    if error.errno in (errno.EACCES, errno.EPERM):
        return StoreError(f"{path} may not be read by this user. Change its permissions.")
    reason = error.strerror or str(error)
    return StoreError(
        f"{path} cannot be read: {reason}. The file may be whole: try again, then look at the "
        "disk.",
        retryable=True,
    )


def _no_file(path: Path, what: str) -> StoreCorruptError:
    msg = f"{path} is {what}, where a file of ours belongs. Move it away."
    return StoreCorruptError(msg)
