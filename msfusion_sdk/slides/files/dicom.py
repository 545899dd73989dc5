"""What the DICOM instances of a folder are, read from their headers.

A folder as it comes from an archive holds more than the levels of one slide: reports,
annotations, segmentations, a DICOMDIR, other slides.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msfusion_sdk.errors import (
    SlideCorruptError,
    SlideError,
    SlideFormatError,
    SlidePixelTypeError,
)
from msfusion_sdk.slides.files.disk import disk_error

__all__ = [
    "DicomInstance",
    "choose_instance",
    "read_instance",
    "require_slide_instance",
    "series_warnings",
    "slide_instances",
]

# The SOP class "VL Whole Slide Microscopy Image Storage" (DICOM PS3.4, annex B.5).
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
PER_FRAME = 0x52000000
"""From here on a header can be megabytes long, and says nothing that is asked here."""
# pydicom lets the errors of what it parses through.
DAMAGE = (
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    OverflowError,
    MemoryError,
)


@dataclass(frozen=True)
class DicomInstance:
    """One DICOM file."""

    path: Path
    kind: str
    """The name of its SOP class."""
    is_slide: bool
    """Whether it holds pixels of a slide: a level, a thumbnail, a label or an overview."""
    series_uid: str
    image_type: tuple[str, ...]
    bits: int
    samples: int

    @property
    def is_level(self) -> bool:
        """Whether it holds a level, and no label, overview or thumbnail."""
        return "VOLUME" in self.image_type

    @property
    def is_level_0(self) -> bool:
        """Whether it says of itself that it was not made from a larger level."""
        return self.is_level and "RESAMPLED" not in self.image_type


def read_instance(path: Path) -> DicomInstance | None:
    """Return what the header of a DICOM file says, or None when it cannot be parsed.

    Raises
    ------
    OSError
    """
    # Here: it takes a web library with it, which most slides do without.
    from pydicom.config import disable_value_validation
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_partial
    from pydicom.uid import UID

    try:
        # Its warnings of odd values are about what is not asked here.
        with path.open("rb") as file, disable_value_validation():
            header = read_partial(file, stop_when=lambda tag, _vr, _length: tag >= PER_FRAME)
        sop_class = str(header.file_meta.get("MediaStorageSOPClassUID", ""))
        return DicomInstance(
            path=path,
            kind=UID(sop_class).name or "unknown",
            is_slide=sop_class == WHOLE_SLIDE,
            series_uid=str(header.get("SeriesInstanceUID", "")),
            image_type=_words(header),
            bits=int(header.get("BitsAllocated", 8)),
            samples=int(header.get("SamplesPerPixel", 3)),
        )
    except (InvalidDicomError, *DAMAGE):
        return None


def slide_instances(folder: Path) -> list[DicomInstance]:
    """Return the instances of a folder that hold pixels of slides, sorted by name."""
    return [instance for instance in _instances(folder) if instance.is_slide]


def require_slide_instance(path: Path) -> None:
    """Raise unless a DICOM file holds 8-bit colour pixels of a slide, as far as the header shows.

    Raises
    ------
    SlideFormatError, SlidePixelTypeError
    SlideError
        When it cannot be read.
    """
    try:
        found = read_instance(path)
        if found is not None and found.is_slide:
            _require_levels(found)
    except SlideError:  # an OSError as well
        raise
    except OSError as error:
        raise disk_error(path, error) from error
    # Not parsed by pydicom: OpenSlide may still read it, or say what is wrong.
    if found is None:
        return
    if not found.is_slide:
        msg = (
            f"{path} is a DICOM file of another kind ({found.kind}), not a slide. Pass the folder "
            "or a file of the slide itself."
        )
        raise SlideFormatError(msg)
    if found.bits != 8 or found.samples != 3:
        kind = "greyscale" if found.samples == 1 else f"{found.samples} samples"
        msg = (
            f"{path} holds {found.bits}-bit {kind} pixels (fluorescence?). The model reads 8-bit "
            "RGB brightfield slides; convert the file, or leave it out."
        )
        raise SlidePixelTypeError(msg)


def series_warnings(path: Path) -> tuple[str, ...]:
    """Return what a user should know of the files that make up the slide of an instance."""
    try:
        own = read_instance(path)
        beside = slide_instances(path.parent)
    except OSError:
        return ()
    volume = [i for i in beside if own and i.series_uid == own.series_uid and i.is_level]
    if not volume or any(instance.is_level_0 for instance in volume):
        return ()
    return (
        "level 0 is missing: every file of the series says that it was made from a larger level, "
        "so the largest of them is taken for level 0",
    )


def choose_instance(folder: Path) -> Path:
    """Return one instance of the one slide in a folder; OpenSlide finds the others.

    Raises
    ------
    SlideFormatError
        When there is no slide, or more than one.
    SlideError
        When the folder or a file in it cannot be read.
    """
    try:
        found = _instances(folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    slides = [instance for instance in found if instance.is_slide]
    if not slides:
        raise SlideFormatError(_no_slide(folder, found))
    _require_series(slides)
    # Some programs give labels and overviews a series of their own.
    with_levels = {instance.series_uid for instance in slides if instance.is_level}
    slides = [i for i in slides if i.series_uid in with_levels] or slides
    # Reversed, so that the first file of each series is the one that stays.
    by_series = {instance.series_uid: instance.path for instance in reversed(slides)}
    if len(by_series) > 1:
        files = ", ".join(sorted(path.name for path in by_series.values())[:5])
        msg = (
            f"{folder} holds {len(by_series)} slides (DICOM series), and one path stands for one. "
            f"Pass one file of the slide that is meant (first of each: {files}), or move each "
            "series into a folder of its own."
        )
        raise SlideFormatError(msg)
    return slides[0].path


def _require_series(slides: Sequence[DicomInstance]) -> None:
    """Raise ``SlideCorruptError`` for a header that ends before it states a series."""
    cut = [instance.path for instance in slides if not instance.series_uid]
    if cut:
        msg = (
            f"{cut[0]} states no series: its header is cut short, and the level in it would be "
            "missing. Copy the slide again."
        )
        raise SlideCorruptError(msg)


def _require_levels(found: DicomInstance) -> None:
    """Raise ``SlideFormatError`` for a label or overview whose series holds no level."""
    if found.is_level or not found.image_type:
        return
    series = [i for i in slide_instances(found.path.parent) if i.series_uid == found.series_uid]
    if not any(instance.is_level for instance in series):
        msg = (
            f"{found.path} is a picture beside a slide ({', '.join(found.image_type)}), and its "
            "series holds no level (ImageType VOLUME). Pass the folder or a file of the levels."
        )
        raise SlideFormatError(msg)


def _instances(folder: Path) -> list[DicomInstance]:
    files = sorted(entry for entry in folder.iterdir() if entry.is_file())
    read = (read_instance(file) for file in files if _has_magic(file))
    return [instance for instance in read if instance is not None]


def _has_magic(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _no_slide(folder: Path, found: Sequence[DicomInstance]) -> str:
    if found:
        kinds = Counter(instance.kind for instance in found)
        listed = "; ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        what = f"holds DICOM files and none of them is a slide ({listed})"
    else:
        what = "is a folder without DICOM instances"
    below = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and any(_has_magic(file) for file in entry.iterdir() if file.is_file())
    )
    deeper = f" Its folders {', '.join(below[:5])} hold DICOM files." if below else ""
    return (
        f"{folder} {what}.{deeper} Pass a slide file; for MRXS pass the .mrxs file, for DICOM the "
        "folder that holds the files of one slide."
    )


def _words(header: Any) -> tuple[str, ...]:
    value = header.get("ImageType", ())
    return (value,) if isinstance(value, str) else tuple(map(str, value))
