"""OME-Zarr (NGFF 0.4 and 0.5): a folder of chunked arrays, read through zarr."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError, SlidePixelTypeError
from msfusion_sdk.extras import import_extra
from msfusion_sdk.slides.formats.pyramid import PyramidReader, downsamples_of
from msfusion_sdk.slides.readers.file_kind import Source
from msfusion_sdk.slides.readers.levels import false_level_warnings, true_levels
from msfusion_sdk.slides.readers.reader import SlideHeader

__all__ = ["open_zarr"]

MICRONS = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6,
           "angstrom": 1e-4, "inch": 25_400.0}  # fmt: skip
FIRST_SERIES = "0"
"""Where the converter bioformats2raw puts the first picture."""


class ZarrLevel:
    """One array, with axes in any order; of time and depth the first plane."""

    def __init__(self, array: Any, axes: Sequence[str], path: Path) -> None:
        self._array, self._axes, self._path = array, axes, path
        edges = dict(zip(axes, array.shape, strict=True))
        self.size = (int(edges["x"]), int(edges["y"]))

    def read(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.uint8], int]:
        """See ``Level.read``."""
        cut = {"c": slice(0, 3), "y": slice(top, bottom), "x": slice(left, right)}
        kept = [axis for axis in self._axes if axis in cut]
        try:
            found = np.asarray(self._array[tuple(cut.get(axis, 0) for axis in self._axes)])
        except Exception as error:  # of whatever store and codec the array has
            msg = (
                f"{self._path} cannot be decoded at ({left}, {top}) of the level of {self.size[0]} "
                f"x {self.size[1]} pixels: {error}. Copy the slide again, or skip the region with "
                "on_bad_region='skip'."
            )
            raise SlideCorruptError(msg) from error
        pixels = np.transpose(found, [kept.index(axis) for axis in "yxc"])
        return np.ascontiguousarray(pixels, np.uint8), 0


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
        group, others = _first_series(group)
        scales = _attributes(group)["multiscales"][0]
        # Before version 0.4 an axis was its name alone, without a unit.
        axes = [axis if isinstance(axis, str) else axis["name"] for axis in scales["axes"]]
        arrays = [group[item["path"]] for item in scales["datasets"]]
    except (LookupError, TypeError, ValueError, OSError) as error:
        msg = (
            f"{source.path} is a Zarr folder without the metadata of an OME-Zarr picture "
            f"({type(error).__name__}: {error}). Pass the folder that holds 'multiscales'."
        )
        raise SlideFormatError(msg) from error
    _require_rgb(source.path, axes, arrays[0])
    levels = tuple(ZarrLevel(array, axes, source.path) for array in arrays)
    sizes = tuple(level.size for level in levels)
    kept = true_levels(sizes)
    header = SlideHeader(
        reader=f"zarr {zarr.__version__}",
        vendor="OME-Zarr",
        level_dimensions=tuple(sizes[level] for level in kept),
        level_downsamples=downsamples_of(tuple(sizes[level] for level in kept)),
        header_mpp=_spacing(scales, axes),
        magnification=None,
        warnings=(*others, *_planes(axes, arrays[0]), *false_level_warnings(sizes, kept)),
    )
    return PyramidReader(source, mpp, header, tuple(levels[level] for level in kept))


def _attributes(group: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = dict(group.attrs)
    # Version 0.5 puts under ``ome`` what version 0.4 has at the top.
    nested: Mapping[str, Any] = found.get("ome", found)
    return nested


def _first_series(group: Any) -> tuple[Any, tuple[str, ...]]:
    if "multiscales" in _attributes(group) or FIRST_SERIES not in group:
        return group, ()
    count = sum(name.isdigit() for name in group.group_keys())
    remark = f"the folder holds {count} pictures, and the first is read"
    return group[FIRST_SERIES], (remark,) if count > 1 else ()


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
