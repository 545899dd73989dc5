"""Every file that a slide consists of, found by content and not by name."""

import os
import re
from pathlib import Path

from msfusion_sdk.slides.files.dicom import read_instance, slide_instances

__all__ = [
    "LIST_BYTES",
    "ZARR_FILES",
    "companions",
    "is_dicom",
    "is_list",
    "is_zarr",
    "listed_names",
]

DICOM_PREAMBLE = 128
ZARR_FILES = (".zattrs", ".zgroup", "zarr.json")
# Hamamatsu VMS and VMU, NDPIS: a short text that names the files with the pixels.
LISTS = (b"[Virtual Microscope Specimen]", b"[Uncompressed Virtual", b"[NanoZoomer")
# A list has a few kilobytes; what begins like one and is larger is not read as a whole.
LIST_BYTES = 1_000_000


def companions(path: Path) -> list[Path]:
    """Return every file of the slide whose main file, or folder, is ``path``; sorted by name.

    Raises
    ------
    OSError
    """
    if path.is_dir():
        if is_zarr(path):
            return sorted(file for file in path.rglob("*") if file.is_file())
        return [instance.path for instance in slide_instances(path)]
    head = _first_bytes(path)
    if is_dicom(head):
        return _series_of(path)
    beside = path.with_suffix("")
    if path.suffix and (beside / "Slidedat.ini").is_file():  # MRXS
        return [path, *sorted(file for file in beside.rglob("*") if file.is_file())]
    pyramid = path.with_name(f"_{path.stem}_")
    if path.suffix.lower() == ".vsi" and pyramid.is_dir():
        return [path, *sorted(file for file in pyramid.rglob("*") if file.is_file())]
    if is_list(head):
        return [path, *_listed(path)]
    return [path]


def is_dicom(head: bytes) -> bool:
    """Return whether the first 132 bytes of a file are those of DICOM."""
    return head[DICOM_PREAMBLE : DICOM_PREAMBLE + 4] == b"DICM"


def is_list(head: bytes) -> bool:
    """Return whether a file that begins with these bytes names the files with the pixels."""
    return any(head.lstrip(b"\xef\xbb\xbf \r\n").startswith(words) for words in LISTS)


def listed_names(text: bytes) -> set[str]:
    """Return the names of files in a list."""
    # Each key of the list has its own file; the value behind the sign is the name.
    return {value.strip() for value in re.findall(r"=([^\r\n]+)", os.fsdecode(text))}


def is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr store."""
    return any((folder / name).is_file() for name in ZARR_FILES)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(DICOM_PREAMBLE + 4)


def _series_of(path: Path) -> list[Path]:
    own = read_instance(path)
    if own is None or not own.is_slide:
        return [path]
    # A series is one slide; a folder may hold several.
    return [i.path for i in slide_instances(path.parent) if i.series_uid == own.series_uid]


def _listed(path: Path) -> list[Path]:
    """Return the files that a list names and that lie beside it."""
    with path.open("rb") as file:
        names = listed_names(file.read(LIST_BYTES))
    beside = {entry.name: entry for entry in path.parent.iterdir() if entry.is_file()}
    return sorted(beside[name] for name in names & beside.keys() if name != path.name)
