"""OME-Zarr (NGFF 0.4 and 0.5): a folder of chunked arrays, read through zarr."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError, SlidePixelTypeError
from msfusion_sdk.extras import import_extra
from msfusion_sdk.slides.files.companions import ZARR_FILES
from msfusion_sdk.slides.formats.pyramid import PyramidReader, downsamples_of, reads_of
from msfusion_sdk.slides.pyramid_levels.level_content import matching_levels
from msfusion_sdk.slides.readers.file_kind import Source
from msfusion_sdk.slides.readers.levels import false_level_warnings, true_levels
from msfusion_sdk.slides.readers.reader import WHITE, SlideHeader

__all__ = ["open_zarr"]

MICRONS = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6,
           "angstrom": 1e-4, "inch": 25_400.0}  # fmt: skip
METADATA = (*ZARR_FILES, ".zarray", ".zmetadata")

Size = tuple[int, int]

FIRST_SERIES = "0"
"""Where the converter bioformats2raw puts the first picture."""


class ZarrLevel:
    """One array, with axes in any order; of time and depth the first plane."""

    def __init__(self, array: Any, axes: Sequence[str], path: Path) -> None:
        self._array, self._axes, self._path = array, axes, path
        edges = dict(zip(axes, array.shape, strict=True))
        self.size = (int(edges["x"]), int(edges["y"]))
        # What is one file: a shard, or a chunk where there are none.
        self._files = dict(zip(axes, array.shards or array.chunks, strict=True))

    def read(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.uint8], int]:
        """See ``Level.read``."""
        cut = {"c": slice(0, 3), "y": slice(top, bottom), "x": slice(left, right)}
        kept = [axis for axis in self._axes if axis in cut]
        try:
            found = np.asarray(self._array[tuple(cut.get(axis, 0) for axis in self._axes)])
        except Exception as error:  # of whatever store and codec the array has
            msg = (
                f"{self._path} cannot be decoded at ({left}, {top}) of the level of {self.size[0]} "
                f"x {self.size[1]} pixels: {error}. Copy the slide again from the scanner or the "
                "archive."
            )
            raise SlideCorruptError(msg) from error
        pixels = np.transpose(found, [kept.index(axis) for axis in "yxc"])
        whole = np.array(pixels, np.uint8, order="C")
        # What is absent has the fill value: black glass, where a copy lost files.
        return whole, 0 if self._array.fill_value else self._whiten_absent(whole, left, top)

    def _whiten_absent(self, pixels: NDArray[np.uint8], left: int, top: int) -> int:
        """Make white what lies in files that are not there, and return how many pixels."""
        absent = 0
        bottom, right = top + pixels.shape[0], left + pixels.shape[1]
        width, height = self._files["x"], self._files["y"]
        for row in range(top // height, -(-bottom // height)):
            for column in range(left // width, -(-right // width)):
                if not self._is_there(row, column):
                    part = pixels[
                        max(0, row * height - top) : (row + 1) * height - top,
                        max(0, column * width - left) : (column + 1) * width - left,
                    ]
                    part[:] = WHITE
                    absent += part.shape[0] * part.shape[1]
        return absent

    def _is_there(self, row: int, column: int) -> bool:
        """Return whether the files of all channels are there."""
        folder = self._path / self._array.path
        for channel in range(-(-3 // self._files["c"])):
            place = {"x": column, "y": row, "c": channel}
            key = self._array.metadata.encode_chunk_key(tuple(place.get(a, 0) for a in self._axes))
            if not (folder / key).is_file():
                return False
        return True


def open_zarr(source: Source, mpp: float | None) -> PyramidReader:
    """Open the first picture of an OME-Zarr folder.

    Raises
    ------
    MissingExtraError
    SlideFormatError
        When the folder is a Zarr store without the metadata of OME-Zarr.
    SlidePixelTypeError
        When the pixels are not 8-bit RGB.
    """
    zarr = import_extra("zarr", "formats", "Reading OME-Zarr")
    try:
        group = zarr.open_group(str(source.path), mode="r")
        group, beside = _first_series(group)
        scales, axes, arrays = _contents(group)
        spacing = _spacing(scales, axes)
        levels = tuple(ZarrLevel(array, axes, source.path) for array in arrays)
        others = [_size_of(other) for other in beside]
    except (LookupError, TypeError, ValueError, OSError, AttributeError) as error:
        msg = (
            f"{source.path} is a Zarr folder without the metadata of an OME-Zarr picture "
            f"({type(error).__name__}: {error}). Pass the folder that holds 'multiscales'."
        )
        raise SlideFormatError(msg) from error
    _require_rgb(source.path, axes, arrays[0])
    _require_chunks(source.path, arrays[0])
    sizes = tuple(level.size for level in levels)
    _require_largest(source.path, sizes[0], (*others, *sizes[1:]))
    kept = matching_levels(reads_of(levels), sizes, true_levels(sizes, repeats=True))
    header = SlideHeader(
        reader=f"zarr {zarr.__version__}",
        vendor="OME-Zarr",
        level_dimensions=tuple(sizes[level] for level in kept),
        level_downsamples=downsamples_of(tuple(sizes[level] for level in kept)),
        header_mpp=spacing,
        magnification=None,
        warnings=(
            *_several(sizes[0], others),
            *_planes(axes, arrays[0]),
            *false_level_warnings(sizes, kept),
        ),
    )
    return PyramidReader(source, mpp, header, tuple(levels[level] for level in kept))


def _attributes(group: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = dict(group.attrs)
    # Version 0.5 puts under ``ome`` what version 0.4 has at the top.
    nested: Mapping[str, Any] = found.get("ome", found)
    return nested


def _first_series(group: Any) -> tuple[Any, list[Any]]:
    """Return the first picture, and the others beside it."""
    if "multiscales" in _attributes(group) or FIRST_SERIES not in group:
        return group, []
    names = sorted(name for name in group.group_keys() if name.isdigit() and name != FIRST_SERIES)
    return group[FIRST_SERIES], [group[name] for name in names]


def _contents(group: Any) -> tuple[Mapping[str, Any], list[str], list[Any]]:
    """Return the metadata of a picture, the names of its axes and its levels."""
    scales = _attributes(group)["multiscales"][0]
    # Before version 0.4 an axis was its name alone, without a unit.
    axes = [axis if isinstance(axis, str) else axis["name"] for axis in scales["axes"]]
    return scales, axes, [group[item["path"]] for item in scales["datasets"]]


def _size_of(group: Any) -> Size:
    _, axes, arrays = _contents(group)
    edges = dict(zip(axes, arrays[0].shape, strict=True))
    return int(edges["x"]), int(edges["y"])


def _several(first: Size, others: Sequence[Size]) -> tuple[str, ...]:
    remark = (
        f"the folder holds {1 + len(others)} pictures, and the first, of {first[0]} x {first[1]} "
        "pixels, is read"
    )
    return (remark,) if others else ()


def _require_largest(path: Path, first: Size, others: Sequence[Size]) -> None:
    larger = [size for size in others if size[0] * size[1] > first[0] * first[1]]
    if larger:
        msg = (
            f"{path} begins with a picture of {first[0]} x {first[1]} pixels, which is smaller "
            f"than one of {larger[0][0]} x {larger[0][1]} in it: it may be a thumbnail or a label. "
            "Pass the folder of the picture that is meant, with its levels from large to small."
        )
        raise SlideFormatError(msg)


def _require_chunks(path: Path, array: Any) -> None:
    """Raise ``SlideCorruptError`` when no pixel of level 0 was stored.

    What is not stored is shown as a constant, black most often.
    """
    files = (file for file in (path / array.path).rglob("*") if file.is_file())
    if all(file.name in METADATA for file in files):
        msg = (
            f"{path} holds no pixels: level 0 has no chunk. The conversion or the copy did not "
            "finish; copy the slide again."
        )
        raise SlideCorruptError(msg)


def _require_rgb(path: Path, axes: Sequence[str], array: Any) -> None:
    edges = dict(zip(axes, array.shape, strict=True))
    if array.dtype != np.uint8 or edges.get("c") not in (3, 4):
        found = f"{edges.get('c', 1)} channels of {array.dtype}"
        msg = (
            f"{path} holds {found} (fluorescence?). The model "
            "reads 8-bit RGB brightfield slides; convert the picture, or leave it out."
        )
        raise SlidePixelTypeError(msg)


def _planes(axes: Sequence[str], array: Any) -> tuple[str, ...]:
    edges = dict(zip(axes, array.shape, strict=True))
    count = edges.get("z", 1) * edges.get("t", 1)
    remark = f"the picture has {count} planes (focus or time), and the first is read"
    return (remark,) if count > 1 else ()


def _spacing(scales: Mapping[str, Any], axes: Sequence[str]) -> tuple[float | None, float | None]:
    """Return µm per pixel of level 0; None where no unit of length is stated."""
    units = [axis.get("unit") if isinstance(axis, dict) else None for axis in scales["axes"]]
    steps = [1.0] * len(axes)
    # A scale of all levels is applied after the level's own; both multiply.
    for holder in (scales["datasets"][0], scales):
        for step in holder.get("coordinateTransformations", ()):
            if step.get("type") == "scale":
                steps = [old * new for old, new in zip(steps, step["scale"], strict=True)]
    found = []
    for axis in "xy":
        unit = MICRONS.get(units[axes.index(axis)] or "")
        found.append(steps[axes.index(axis)] * unit if unit else None)
    return (found[0], found[1])
