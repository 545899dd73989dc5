"""QuPath GeoJSON, NCRF and V7 Darwin: JSON to drawings.  The layouts are those of their files."""

from collections.abc import Iterator
from typing import Any

from msfusion_sdk.slides.annotations.drawings import Contents, Drawing, text_or_none

__all__ = ["parse_json"]

# Points and paths enclose nothing; a tile is a square of a grid, which nobody drew.
NO_OUTLINES = ("Point", "MultiPoint", "LineString", "MultiLineString", "tile")
NCRF_CLASSES = ("positive", "negative")


def parse_json(data: object) -> Contents | None:
    """Return what a file of any of the three dialects holds; None when it is none of them."""
    if isinstance(data, list):
        return _parse_qupath(data, "[{}]")
    found = _mapping(data)
    if found.get("type") == "FeatureCollection":
        return _parse_qupath(found.get("features"), "features[{}]")
    if found.get("type") == "Feature":
        return _parse_qupath([data], "Feature")
    if found.keys() & set(NCRF_CLASSES):
        return _parse_ncrf(found)
    if "annotations" in found and found.keys() & {"item", "image"}:
        return _parse_darwin(found["annotations"])
    return None


def _parse_qupath(features: object, place: str) -> Contents:
    contents = Contents("QuPath GeoJSON")
    for element, feature in _objects(features, place, contents):
        geometry, properties = (_mapping(feature.get(k)) for k in ("geometry", "properties"))
        kind = "tile" if properties.get("objectType") == "tile" else geometry.get("type")
        if feature.get("type") != "Feature":
            contents.faults.append(f"{element}: a Feature was expected, found {feature!r:.40}.")
        elif not geometry:
            contents.ignored["without geometry"] += 1
        elif kind in ("Polygon", "MultiPolygon"):
            contents.drawings.append(
                Drawing(
                    element=element,
                    parts=_qupath_parts(geometry),
                    class_name=_qupath_class(properties.get("classification")),
                    name=text_or_none(properties.get("name")),
                    id=text_or_none(feature.get("id")),
                )
            )
        elif kind in NO_OUTLINES:
            contents.ignored[str(kind)] += 1
        else:
            contents.faults.append(f"{element}: geometry of type {kind!r:.40} is not known.")
    return contents


def _qupath_parts(geometry: dict[str, Any]) -> object:
    rings = geometry.get("coordinates")
    return [rings] if geometry["type"] == "Polygon" else rings


def _qupath_class(classification: object) -> str | None:
    """Return the name; of a derived class, such as 'Tumor: Positive', QuPath may write a list.

    Other programs write the name, or a number, in place of the mapping or in it.
    """
    found = _mapping(classification)
    names = found.get("names")
    if isinstance(names, list) and names:
        return ": ".join(map(str, names))
    name = found.get("name") if found else classification
    is_number = isinstance(name, int) and not isinstance(name, bool)
    return str(name) if is_number else text_or_none(name)


def _parse_ncrf(data: dict[str, Any]) -> Contents:
    contents = Contents("NCRF JSON")
    for class_name in NCRF_CLASSES:
        for element, item in _objects(data.get(class_name, []), f"{class_name}[{{}}]", contents):
            name, ring = text_or_none(item.get("name")), item.get("vertices")
            contents.drawings.append(Drawing(element, [[ring]], class_name, name))
    return contents


def _parse_darwin(annotations: object) -> Contents:
    contents = Contents("V7 Darwin JSON")
    for element, item in _objects(annotations, "annotations[{}]", contents):
        polygon = _mapping(item.get("polygon"))
        if "paths" in polygon:
            paths = polygon["paths"]
            parts = [[_points(path)] for path in paths] if isinstance(paths, list) else paths
            class_name, id_ = text_or_none(item.get("name")), text_or_none(item.get("id"))
            contents.drawings.append(Drawing(element, parts, class_name, id=id_, even_odd=True))
        elif item.keys() & {"polygon", "complex_polygon"}:
            contents.faults.append(
                f"{element}: a polygon without 'paths', as in Darwin 1.0; export it as Darwin 2.0."
            )
        else:
            contents.ignored[_darwin_kind(item)] += 1
    return contents


def _darwin_kind(item: dict[str, Any]) -> str:
    # Every object with an extent has a box too, so the box is the kind of nothing else.
    others = item.keys() - {"name", "id", "slot_names", "properties", "bounding_box", "ranges"}
    return min(others) if others else "bounding_box"


def _points(path: object) -> object:
    if not isinstance(path, list):
        return path
    return [(p.get("x"), p.get("y")) if isinstance(p, dict) else p for p in path]


def _objects(
    values: object, place: str, contents: Contents
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (element, object) of a list, and note as faults what is no list or no object."""
    if not isinstance(values, list):
        contents.faults.append(f"{place.format('')}: a list was expected, found {values!r:.40}.")
        return
    for number, value in enumerate(values):
        element = place.format(number)
        if isinstance(value, dict):
            yield element, value
        else:
            contents.faults.append(f"{element}: an object was expected, found {value!r:.40}.")


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
