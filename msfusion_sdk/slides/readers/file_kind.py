"""What kind of file a path is, decided before any decoder sees it.

OpenSlide has one message for a missing file, a folder, an empty file, a loop of links and
a file that may not be read, and it waits for ever on a named pipe.
"""

import errno
import os
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from msfusion_sdk.errors import (
    SlideAccessError,
    SlideChangedError,
    SlideCorruptError,
    SlideError,
    SlideFormatError,
    SlideNotFoundError,
)

__all__ = ["FileKind", "FileStamp", "Source", "require_readable_disk", "classify"]

DICOM_PREAMBLE = 128
PROBES, PROBE_BYTES = 16, 65536


class FileKind(Enum):
    """What the first bytes say."""

    TIFF = "TIFF"
    PNG = "PNG"
    JPEG = "JPEG"
    DICOM = "DICOM"
    OTHER = "unknown"


MAGIC = (
    (b"II*\0", FileKind.TIFF),
    (b"MM\0*", FileKind.TIFF),
    (b"II+\0", FileKind.TIFF),
    (b"MM\0+", FileKind.TIFF),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
)


@dataclass(frozen=True)
class FileStamp:
    """What must stay the same while a slide is read."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileStamp":
        """Take the stamp of a file, or say why it cannot be had."""
        try:
            status = path.stat()
        except OSError as error:
            raise _explain(path, error) from error
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def check(self, path: Path) -> None:
        """Raise ``SlideChangedError`` when ``path`` is no longer the file that was opened."""
        if FileStamp.of(path) != self:
            msg = (
                f"{path} was replaced or modified while it was being read, so its pixels may mix "
                "two versions. Encode it again when the copy is complete."
            )
            raise SlideChangedError(msg, retryable=True)


@dataclass(frozen=True)
class Source:
    """A readable regular file, by absolute path."""

    path: Path
    kind: FileKind
    stamp: FileStamp


def classify(path: str | os.PathLike[str]) -> Source:
    """Return the file that a slide path stands for.

    A folder stands for the DICOM slide inside it.

    Raises
    ------
    SlideNotFoundError, SlideAccessError, SlideFormatError, SlideCorruptError
        Named in the order in which they are looked for.
    """
    # Absolute but not resolved: OpenSlide reopens by name, and companions lie beside the name.
    absolute = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
    try:
        mode = absolute.stat().st_mode
    except OSError as error:
        raise _explain(absolute, error) from error
    if stat.S_ISDIR(mode):
        absolute = _dicom_instance(absolute)
    elif not stat.S_ISREG(mode):
        msg = f"{absolute} is a named pipe, socket or device, not a slide file."
        raise SlideFormatError(msg)
    head = _first_bytes(absolute)
    if not head:
        msg = f"{absolute} holds 0 bytes. The copy did not finish; copy the slide again."
        raise SlideCorruptError(msg)
    if absolute.suffix.lower() == ".mrxs":
        _require_mrxs_companion(absolute)
    return Source(absolute, _kind(head), FileStamp.of(absolute))


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
        raise _explain(path, error) from error


def _kind(head: bytes) -> FileKind:
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    is_dicom = head[DICOM_PREAMBLE : DICOM_PREAMBLE + 4] == b"DICM"
    return FileKind.DICOM if is_dicom else FileKind.OTHER


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(DICOM_PREAMBLE + 4)
    except OSError as error:
        raise _explain(path, error) from error


def _dicom_instance(folder: Path) -> Path:
    """Return one DICOM instance of a folder; OpenSlide finds the others of its series."""
    try:
        files = sorted(entry for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise _explain(folder, error) from error
    for file in files:
        if _kind(_first_bytes(file)) is FileKind.DICOM:
            return file
    msg = (
        f"{folder} is a folder without DICOM instances. Pass a slide file; for MRXS pass the "
        ".mrxs file, for DICOM the folder that holds the .dcm files of one slide."
    )
    raise SlideFormatError(msg)


def _require_mrxs_companion(path: Path) -> None:
    companion = path.with_suffix("")
    if not (companion / "Slidedat.ini").is_file():
        msg = (
            f"{path} has no companion folder {companion.name}/ with Slidedat.ini beside it. An "
            "MRXS slide is the file and the folder; copy both."
        )
        raise SlideFormatError(msg)


def _explain(path: Path, error: OSError) -> SlideError:
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
