"""What an error of a disk means, distinguished from damage of a file."""

import errno
import os
from pathlib import Path

from msfusion_sdk.errors import SlideAccessError, SlideError, SlideNotFoundError

__all__ = ["disk_error", "require_readable_disk"]

# Spread over the file: a disk or a network may give the first bytes from its cache.
PROBES, PROBE_BYTES = 16, 65536


def require_readable_disk(path: Path) -> None:
    """Raise the disk's own error, if it cannot give the bytes of a file.

    A decoder says of a disk that fails what it says of a damaged file.  Reads a little in
    16 places.

    Raises
    ------
    SlideError
        One that may be gone when the slide is read again: ``retryable`` is set.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            for probe in range(PROBES):
                file.seek(size * probe // PROBES)
                file.read(PROBE_BYTES)
    except OSError as error:
        raise disk_error(path, error) from error


def disk_error(path: Path, error: OSError) -> SlideError:
    """Return the error of ours that says what a disk's error means."""
    # ENOTDIR: a part of the path is a file.
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return SlideNotFoundError(
            f"{path} does not exist. Check the path and that the disk is mounted."
        )
    if error.errno == errno.ELOOP:
        return SlideNotFoundError(f"{path} is a loop of symbolic links and leads to no file.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SlideAccessError(f"{path} may not be read by this user. Change its permissions.")
    reason = error.strerror or str(error)
    return SlideError(
        f"{path} cannot be read: {reason}. Try again, or copy it to a local disk.", retryable=True
    )
