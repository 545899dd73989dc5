"""DICOM microscopy bulk simple annotations to drawings.

Source: DICOM PS3.3 C.37.1, Microscopy Bulk Simple Annotations Module.  Coordinates of kind 2D
are columns and rows of the total pixel matrix, with 0 at its top left corner: level-0 pixels.
"""

import io
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.config import disable_value_validation

from msfusion_sdk.slides.annotations.drawings import Contents, Drawing, text_or_none

__all__ = ["parse_dicom"]

BULK_ANNOTATIONS = "1.2.840.10008.5.1.4.1.1.91.1"
POINTS_OF = {"RECTANGLE": 4}
NO_OUTLINES = ("POINT", "POLYLINE", "ELLIPSE")


def parse_dicom(data: bytes) -> Contents | None:
    """Return the outlines of a DICOM file; None when it is another kind of file.

    Raises
    ------
    ValueError
        When it is damaged.
    """
    try:
        with disable_value_validation():
            found = pydicom.dcmread(io.BytesIO(data))
    except Exception as error:  # pydicom lets the errors of what it parses through
        msg = f"{type(error).__name__}: {error}"
        raise ValueError(msg) from error
    if str(found.get("SOPClassUID", "")) != BULK_ANNOTATIONS:
        return None
    contents = Contents("DICOM annotations")
    is_2d = found.get("AnnotationCoordinateType", "2D") == "2D"
    for number, group in enumerate(found.get("AnnotationGroupSequence", ())):
        place = f"group {number + 1}"
        kind = str(group.get("GraphicType", ""))
        if not is_2d:
            contents.faults.append(f"{place}: coordinates are in millimetres (3D), not pixels.")
        elif kind in NO_OUTLINES:
            contents.ignored[kind.lower()] += int(group.get("NumberOfAnnotations", 1))
        elif kind not in ("POLYGON", "RECTANGLE"):
            contents.faults.append(f"{place}: graphic type {kind!r:.40} is not known.")
        else:
            try:
                _add_group(contents, group, place, kind)
            except (AttributeError, TypeError, ValueError, LookupError) as error:
                contents.faults.append(f"{place}: its coordinates cannot be read ({error}).")
    return contents


def _add_group(contents: Contents, group: Any, place: str, kind: str) -> None:
    points = _points(group)
    if kind == "POLYGON":
        # The list counts numbers, from 1; each point is two of them.
        starts = np.frombuffer(group.LongPrimitivePointIndexList, np.uint32).astype(np.int64) // 2
        rings = np.split(points, starts[1:])
    else:
        rings = np.split(points, range(POINTS_OF[kind], len(points), POINTS_OF[kind]))
    for number, ring in enumerate(rings):
        contents.drawings.append(
            Drawing(
                element=f"{place}, annotation {number + 1}",
                parts=[[ring.tolist()]],
                class_name=_class_name(group),
                name=text_or_none(str(group.get("AnnotationGroupLabel", "")) or None),
                id=text_or_none(str(group.get("AnnotationGroupUID", "")) or None),
            )
        )


def _points(group: Any) -> NDArray[np.float64]:
    """Return the points of all annotations of a group, shape (point, 2)."""
    if "DoublePointCoordinatesData" in group:
        values = np.frombuffer(group.DoublePointCoordinatesData, np.float64)
    else:
        values = np.frombuffer(group.PointCoordinatesData, np.float32).astype(np.float64)
    return values.reshape(-1, 2)


def _class_name(group: Any) -> str | None:
    codes = group.get("AnnotationPropertyTypeCodeSequence", ())
    return text_or_none(str(codes[0].get("CodeMeaning", "")) or None) if codes else None
