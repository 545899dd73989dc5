"""Drawings to valid polygons: what is corrected, what is left out and what is refused.

Corrected or left out, and reported: an outline that crosses itself, one that encloses nothing, a
hole outside its outline, pieces of one drawing that overlap.  Refused: coordinates that are
no numbers, not finite, or farther out than any slide; there, something is lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from msfusion_sdk.slides.annotations.drawings import Drawing
from msfusion_sdk.slides.annotations.result import AnnotatedRegion

__all__ = ["Built", "build"]

Ring = NDArray[np.float64]

# The largest slides have some 10^6 pixels a side; beyond this the file is not about pixels.
FARTHEST_PX = 1e8
MOST_CROSSINGS = 500
"""Of an outline with itself.  A hand makes a few; mending thousands takes minutes and gigabytes."""
NOTHING_LEFT = "its holes leave no area: left out."


@dataclass(frozen=True)
class Built:
    """Polygons, and sentences on what was corrected and what cannot be used."""

    polygons: tuple[AnnotatedRegion, ...]
    repairs: tuple[str, ...]
    faults: tuple[str, ...]


class _DrawingError(Exception):
    """A drawing cannot be used, for the reason in the message."""


def build(drawings: Iterable[Drawing]) -> Built:
    """Return the polygons of all drawings; drawings marked as holes are cut out of their layer."""
    outlines: list[tuple[Drawing, BaseGeometry]] = []
    repairs: list[str] = []
    faults: list[str] = []
    for drawing in drawings:
        notes: list[str] = []
        try:
            outlines.append((drawing, _outline(drawing, notes)))
        except _DrawingError as fault:
            faults.append(f"{drawing.element}: {fault}")
        repairs += [f"{drawing.element}: {note}" for note in notes]
    solid = [item for item in outlines if not item[0].is_hole]
    for hole, area in (item for item in outlines if item[0].is_hole):
        solid = _cut_layer(solid, hole, area, repairs)
    regions = tuple(
        AnnotatedRegion(piece, drawing.class_name, drawing.name, drawing.id, drawing.element)
        for drawing, outline in solid
        for piece in shapely.get_parts(outline)
        if not piece.is_empty
    )
    return Built(regions, tuple(repairs), tuple(faults))


def _cut_layer(
    solid: list[tuple[Drawing, BaseGeometry]],
    hole: Drawing,
    area: BaseGeometry,
    repairs: list[str],
) -> list[tuple[Drawing, BaseGeometry]]:
    """Return the drawings, ``area`` cut out of those of its layer."""
    cut, is_used = [], area.is_empty
    for drawing, outline in solid:
        remains = outline
        if drawing.layer == hole.layer and outline.intersects(area):
            notes: list[str] = []
            remains, is_used = _cut(outline, area, notes), True
            repairs += [f"{drawing.element}: {note}" for note in notes]
        cut.append((drawing, remains))
    if not is_used:
        repairs.append(f"{hole.element}: a hole that lies in no region of its layer: left out.")
    return cut


def _cut(outline: BaseGeometry, hole: BaseGeometry, notes: list[str]) -> BaseGeometry:
    remains = outline.difference(hole)
    if remains.is_empty and not outline.is_empty:
        notes.append(NOTHING_LEFT)
    return remains


def _outline(drawing: Drawing, notes: list[str]) -> BaseGeometry:
    """Return the area of one drawing: a polygon, or several that do not overlap."""
    pieces = [_piece(part, notes) for part in _parts(drawing.parts)]
    pieces = [piece for piece in pieces if not piece.is_empty]
    if drawing.even_odd:
        area = reduce(lambda one, other: one.symmetric_difference(other), pieces, Polygon())
        if area.is_empty and pieces:
            notes.append(NOTHING_LEFT)
        return area
    polygons = [polygon for piece in pieces for polygon in shapely.get_parts(piece)]
    if MultiPolygon(polygons).is_valid:
        return MultiPolygon(polygons)
    notes.append("its pieces overlap or share an edge: joined.")
    return shapely.union_all(polygons)


def _parts(parts: Any) -> list[list[Ring]]:
    """Return the rings as arrays of shape (vertex, 2)."""
    if not isinstance(parts, list) or not all(isinstance(part, list) and part for part in parts):
        msg = f"lists of rings were expected as coordinates, found {parts!r:.40}."
        raise _DrawingError(msg)
    return [[_coordinates(ring) for ring in part] for part in parts]


def _coordinates(ring: Any) -> Ring:
    if not isinstance(ring, list):
        msg = f"a list of vertices was expected, found {ring!r:.40}."
        raise _DrawingError(msg)
    points = [_point(number, point) for number, point in enumerate(ring, 1)]
    return np.asarray(points, np.float64).reshape(-1, 2)


def _point(number: int, point: Any) -> tuple[float, float]:
    try:
        x, y = float(point[0]), float(point[1])
    except (TypeError, ValueError, LookupError, OverflowError):
        msg = f"vertex {number} is {point!r:.60}, which is not a pair of numbers."
        raise _DrawingError(msg) from None
    # Also false for NaN.
    if not (abs(x) < FARTHEST_PX and abs(y) < FARTHEST_PX):
        msg = f"vertex {number} is ({x:g}, {y:g}), which is no place on a slide."
        raise _DrawingError(msg)
    return x, y


def _require_few_crossings(ring: Ring, what: str) -> None:
    """Raise for an outline that crosses itself so often that it is none."""
    closed = np.vstack([ring, ring[:1]])
    edges = shapely.linestrings(np.stack([closed[:-1], closed[1:]], axis=1))
    near = shapely.STRtree(edges).query(edges, predicate="crosses")
    crossings = near.shape[1] // 2  # each is found from both sides
    if crossings > MOST_CROSSINGS:
        msg = f"{what} crosses itself {crossings} times, and at most {MOST_CROSSINGS} are mended."
        raise _DrawingError(msg)


def _piece(rings: Sequence[Ring], notes: list[str]) -> BaseGeometry:
    """Return the area of an outer ring without its holes."""
    if all(len(ring) >= 3 for ring in rings):
        drawn = Polygon(rings[0], rings[1:])
        if drawn.is_valid:
            return drawn
    area = _enclosed(rings[0], "the outline", notes)
    for number, ring in enumerate(rings[1:], 1):
        hole = _enclosed(ring, f"hole {number}", notes)
        # Repaired as one polygon, a hole outside the outline would become more area.
        if hole.intersection(area).area == 0 < hole.area:
            notes.append(f"hole {number} lies outside the outline: left out.")
        area = _cut(area, hole, notes)
    return area


def _enclosed(ring: Ring, what: str, notes: list[str]) -> BaseGeometry:
    """Return the area inside a ring, however it was drawn; empty when it encloses none."""
    if len(np.unique(ring, axis=0)) < 3:
        notes.append(f"{what} has fewer than 3 different points: left out.")
        return Polygon()
    drawn = Polygon(ring)
    if drawn.is_valid:
        return drawn
    _require_few_crossings(ring, what)
    area = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
    if area.area == 0:
        notes.append(f"{what} encloses no area: left out.")
        return Polygon()
    pieces = "1 piece" if (n := len(shapely.get_parts(area))) == 1 else f"{n} pieces"
    notes.append(f"{what} crosses or touches itself: corrected to {pieces} of {area.area:.6g} px².")
    return area
