"""CZI of ZEISS scanners, read through pylibCZIrw; levels are powers of two that it makes."""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError, SlidePixelTypeError
from msfusion_sdk.extras import import_extra
from msfusion_sdk.slides.formats.pyramid import PyramidReader, downsamples_of
from msfusion_sdk.slides.readers.file_kind import Source
from msfusion_sdk.slides.readers.reader import WHITE, SlideHeader

__all__ = ["open_czi"]

# The file can be read at any zoom; a level smaller than this would gain nothing.
SMALLEST_PX = 512
PLANE = {"C": 0, "T": 0, "Z": 0}
BACKGROUND = (1.0, 1.0, 1.0)


Box = tuple[int, int, int, int]


class CziLevel:
    """The picture at one zoom."""

    def __init__(self, document: Any, box: Box, step: int, path: Path) -> None:
        self._document, self._box, self._step, self._path = document, box, step, path
        self.size = (max(1, box[2] // step), max(1, box[3] // step))

    def read(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.uint8], int]:
        """See ``Level.read``."""
        x, y = self._box[0] + left * self._step, self._box[1] + top * self._step
        size = (right - left, bottom - top)
        # The region is in pixels of the full resolution, whatever the zoom.
        roi = (x, y, size[0] * self._step, size[1] * self._step)
        try:
            found = self._document.read(
                roi=roi, plane=PLANE, zoom=1 / self._step, background_pixel=BACKGROUND
            )
        except Exception as error:  # of native code: anything
            msg = (
                f"{self._path} cannot be decoded at ({x}, {y}): {error}. Copy the slide again "
                "from the scanner or the archive."
            )
            raise SlideCorruptError(msg) from error
        # The library gives blue, green, red, and may round a region up.
        pixels = np.asarray(found, np.uint8)[: size[1], : size[0], ::-1]
        if pixels.shape[:2] != (size[1], size[0]):  # by rounding
            pixels = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_NEAREST)
        return np.ascontiguousarray(pixels), 0


def open_czi(source: Source, mpp: float | None) -> PyramidReader:
    """Open the whole picture of a CZI file; scenes lie where the scanner saw them.

    Raises
    ------
    MissingExtraError
    SlideFormatError
        When the file cannot be opened.
    SlidePixelTypeError
        When the pixels are not 8-bit colour.
    """
    library = import_extra("pylibCZIrw.czi", "formats", "Reading CZI")
    try:
        # Closed by its destructor, with the last of the levels.
        document = library.CziReader(str(source.path))
        found = document.total_bounding_rectangle
        box = (int(found.x), int(found.y), int(found.w), int(found.h))
        kinds = set(document.pixel_types.values())
        spacing = _spacing(document.metadata)
        scenes = len(document.scenes_bounding_rectangle)
    except Exception as error:  # of native code: anything
        msg = f"{source.path} cannot be opened as CZI: {error}. Convert it, or copy it again."
        raise SlideFormatError(msg) from error
    if kinds != {"Bgr24"}:
        msg = (
            f"{source.path} holds pixels of {', '.join(sorted(kinds))} (fluorescence?). The model "
            "reads 8-bit RGB brightfield slides; convert the file, or leave it out."
        )
        raise SlidePixelTypeError(msg)
    # Halved as long as the shorter edge keeps 512 pixels.
    steps = 1 + max(0, math.floor(math.log2(max(1, min(box[2:]) / SMALLEST_PX))))
    levels = tuple(CziLevel(document, box, 2**step, source.path) for step in range(steps))
    sizes = tuple(level.size for level in levels)
    remarks = (
        (f"the file holds {scenes} scenes, which are read as one picture",) if scenes > 1 else ()
    )
    header = SlideHeader(
        reader="pylibCZIrw",
        vendor="ZEISS CZI",
        level_dimensions=sizes,
        level_downsamples=downsamples_of(sizes),
        header_mpp=spacing,
        magnification=None,
        background=WHITE,
        warnings=remarks,
    )
    return PyramidReader(source, mpp, header, levels)


def _spacing(metadata: Any) -> tuple[float | None, float | None]:
    """Return µm per pixel; the file states metres."""
    try:
        items = metadata["ImageDocument"]["Metadata"]["Scaling"]["Items"]["Distance"]
        metres = {item["@Id"]: float(item["Value"]) for item in items}
        return (metres["X"] * 1e6, metres["Y"] * 1e6)
    except (LookupError, TypeError, ValueError):
        return (None, None)
