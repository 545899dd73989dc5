"""What kind of file a path is, decided before any decoder sees it.

OpenSlide has one message for a missing file, a folder, an empty file, a loop of links and
a file that may not be read, and it waits for ever on a named pipe.
"""

import os
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError, SlideNotFoundError
from msfusion_sdk.places.url import find_url
from msfusion_sdk.slides.files.companions import is_dicom, is_zarr
from msfusion_sdk.slides.files.dicom import choose_instance, require_slide_instance
from msfusion_sdk.slides.files.disk import disk_error
from msfusion_sdk.slides.files.stamp import FileStamp

__all__ = ["FileKind", "FileStamp", "Source", "classify"]

# DICOM has its mark last: ``DICM`` after a preamble of 128 bytes.
HEAD_BYTES = 132


class FileKind(Enum):
    """What the first bytes say."""

    TIFF = "TIFF"
    PNG = "PNG"
    JPEG = "JPEG"
    DICOM = "DICOM"
    ZARR = "Zarr"
    CZI = "CZI"
    OTHER = "unknown"


# TIFF and BigTIFF, each in both byte orders, come first.
MAGIC = (
    (b"II*\0", FileKind.TIFF),
    (b"MM\0*", FileKind.TIFF),
    (b"II+\0", FileKind.TIFF),
    (b"MM\0+", FileKind.TIFF),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"ZISRAWFILE", FileKind.CZI),
)


@dataclass(frozen=True)
class Source:
    """A readable regular file, or the folder of a Zarr store, by absolute path."""

    path: Path
    kind: FileKind
    stamp: FileStamp


def classify(path: str | os.PathLike[str]) -> Source:
    """Return the file that a slide path stands for.

    A folder stands for the DICOM slide inside it, or is a Zarr store.

    Raises
    ------
    SlideNotFoundError, SlideAccessError, SlideFormatError, SlideCorruptError
        Named in the order in which they are looked for.
    """
    if (url := find_url(path)) is not None:
        msg = (
            f"{url} is on no disk of this machine. Slides at addresses are fetched to be encoded, "
            "and for nothing else: copy it here, and give its path."
        )
        raise SlideNotFoundError(msg)
    # Absolute but not resolved: OpenSlide reopens by name, and companions lie beside the name.
    absolute = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
    try:
        mode = absolute.stat().st_mode
    except OSError as error:
        raise disk_error(absolute, error) from error
    if stat.S_ISDIR(mode):
        if is_zarr(absolute):
            return Source(absolute, FileKind.ZARR, FileStamp.of(absolute))
        absolute = choose_instance(absolute)
    elif not stat.S_ISREG(mode):
        msg = f"{absolute} is a named pipe, socket or device, not a slide file."
        raise SlideFormatError(msg)
    head = _first_bytes(absolute)
    if not head:
        msg = f"{absolute} holds 0 bytes. The copy did not finish; copy the slide again."
        raise SlideCorruptError(msg)
    kind = _kind(head)
    # An MRXS begins as the JPEG that it also is; another slide may have been given its name.
    if absolute.suffix.lower() == ".mrxs" and kind in (FileKind.JPEG, FileKind.OTHER):
        _require_mrxs_companion(absolute)
    if kind is FileKind.DICOM:
        require_slide_instance(absolute)
    return Source(absolute, kind, FileStamp.of(absolute))


def _kind(head: bytes) -> FileKind:
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    return FileKind.DICOM if is_dicom(head) else FileKind.OTHER


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise disk_error(path, error) from error


def _require_mrxs_companion(path: Path) -> None:
    companion = path.with_suffix("")
    if not (companion / "Slidedat.ini").is_file():
        msg = (
            f"{path} has no companion folder {companion.name}/ with Slidedat.ini beside it. An "
            "MRXS slide is the file and the folder; copy both."
        )
        raise SlideFormatError(msg)
