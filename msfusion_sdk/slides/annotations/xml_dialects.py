"""ASAP and Aperio ImageScope: XML to drawings.  The layouts are those of the programs' files."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

import numpy as np

from msfusion_sdk.slides.annotations.drawings import Contents, Drawing, text_or_none

__all__ = ["parse_asap", "parse_imagescope"]

ASAP_OUTLINES = {"Polygon", "Spline", "Rectangle"}
FREE_HAND, RECTANGLE, ELLIPSE = "0", "1", "2"
IMAGESCOPE_OTHERS = {"3": "arrow", "4": "ruler"}
# What ImageScope calls a layer, and the attribute it gives one, when nobody named them.
UNNAMED_LAYER = re.compile(r"(Layer \d+)?")
DEFAULT_ATTRIBUTE = "Description"
ELLIPSE_VERTICES = 72


def parse_asap(root: Element) -> Contents:
    """Return what an ASAP file holds; the class is the group."""
    contents = Contents("ASAP XML")
    for number, annotation in enumerate(root.iter("Annotation"), 1):
        kind = annotation.get("Type", "no type")
        if kind not in ASAP_OUTLINES:
            contents.ignored[kind] += 1
            continue
        name = text_or_none(annotation.get("Name"))
        group = text_or_none(annotation.get("PartOfGroup"))
        contents.drawings.append(
            Drawing(
                element=f"Annotation {number}" + (f" ({name})" if name else ""),
                parts=[[_vertices(sorted(annotation.iter("Coordinate"), key=_order))]],
                class_name=None if group == "None" else group,
                name=name,
            )
        )
    return contents


def parse_imagescope(root: Element) -> Contents:
    """Return what an ImageScope file holds; the class is the name of the layer."""
    contents = Contents("Aperio ImageScope XML")
    for number, layer in enumerate(root.iter("Annotation"), 1):
        class_name = _layer_class(layer)
        for position, region in enumerate(layer.iter("Region"), 1):
            kind = region.get("Type", FREE_HAND)
            if kind not in (FREE_HAND, RECTANGLE, ELLIPSE):
                contents.ignored[IMAGESCOPE_OTHERS.get(kind, f"Type {kind}")] += 1
                continue
            contents.drawings.append(
                Drawing(
                    element=f"Annotation {number}, Region {position}",
                    parts=[[_shape(kind, _vertices(region.iter("Vertex")))]],
                    class_name=class_name,
                    name=text_or_none(region.get("Text")),
                    id=text_or_none(region.get("Id")),
                    layer=str(number),
                    is_hole=region.get("NegativeROA") == "1",
                )
            )
    return contents


def _order(coordinate: Element) -> int:
    order = coordinate.get("Order", "")
    return int(order) if order.isdecimal() and len(order) < 10 else 0


def _vertices(points: Iterable[Element]) -> list[tuple[str, str]]:
    # ASAP writes numbers as the computer's language does: a comma may stand for the point.
    return [(p.get("X", "").replace(",", "."), p.get("Y", "").replace(",", ".")) for p in points]


def _layer_class(layer: Element) -> str | None:
    """Return the layer's name, or the attribute's where nobody named the layer."""
    name = layer.get("Name", "").strip()
    if not UNNAMED_LAYER.fullmatch(name):
        return name
    attributes = (text_or_none(a.get("Name")) for a in layer.findall("Attributes/Attribute"))
    named = [text for text in attributes if text and text != DEFAULT_ATTRIBUTE]
    return named[0] if named else name or None


def _shape(kind: str, vertices: list[tuple[str, str]]) -> list[tuple[object, object]]:
    """Return the ring of a region; a rectangle or an ellipse may be given by corners alone."""
    by_corners = len(vertices) == 2 or (kind == ELLIPSE and len(vertices) <= 4)
    if kind == FREE_HAND or not by_corners:
        return [*vertices]
    try:
        corners = np.asarray(vertices, np.float64).reshape(-1, 2)
    except ValueError:
        return [*vertices]  # not numbers: the next step says so
    if not len(corners):
        return []
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    if kind == RECTANGLE:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    angles = np.linspace(0, 2 * np.pi, ELLIPSE_VERTICES, endpoint=False)
    x = (left + right) / 2 + (right - left) / 2 * np.cos(angles)
    y = (top + bottom) / 2 + (bottom - top) / 2 * np.sin(angles)
    return list(zip(x, y, strict=True))
