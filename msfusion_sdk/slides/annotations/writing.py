"""Write outlines as GeoJSON in the layout of QuPath 0.5."""

import json
import uuid
from itertools import groupby
from pathlib import Path
from typing import Any

from shapely import MultiPolygon
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from msfusion_sdk.files import store_text
from msfusion_sdk.slides.annotations.result import AnnotatedRegion, Annotations

__all__ = ["class_colours", "write_qupath_geojson"]

# Dark enough for white glass, and none of them the pink and violet of H&E.
PALETTE = ((0, 110, 190), (0, 140, 70), (200, 90, 0), (0, 150, 160), (140, 120, 0), (90, 60, 20))


def class_colours(annotations: Annotations) -> dict[str, tuple[int, int, int]]:
    """Return red, green and blue of each class, 0 to 255; the same names get the same colours."""
    names = sorted({region.class_name for region in annotations.polygons} - {None}, key=str)
    return {str(name): PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def write_qupath_geojson(annotations: Annotations, path: str | Path) -> Path:
    """Write the outlines so that QuPath opens them and ``read_annotations`` gives them back.

    The pieces of one drawing become one MultiPolygon.  Repairs are kept, as they are in the
    polygons; the list of repairs and what was ignored are not written.

    Parameters
    ----------
    annotations : Annotations
    path : path
        Should end in ``.geojson``.

    Raises
    ------
    StoreError
        When the file cannot be written; an older one is then as it was.
    """
    colours = class_colours(annotations)
    drawings = groupby(annotations.polygons, key=lambda region: region.element)
    features = [_feature(list(regions), colours) for _, regions in drawings]
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return store_text(Path(path), text)


def _feature(
    pieces: list[AnnotatedRegion], colours: dict[str, tuple[int, int, int]]
) -> dict[str, Any]:
    first = pieces[0]
    polygons = [region.polygon for region in pieces]
    geometry = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    properties: dict[str, Any] = {"objectType": "annotation"}
    if first.name is not None:
        properties["name"] = first.name
    if first.class_name is not None:
        colour = list(colours[first.class_name])
        properties["classification"] = {"name": first.class_name, "color": colour}
    return {
        "type": "Feature",
        "id": _uuid(first, geometry),
        "geometry": mapping(geometry),
        "properties": properties,
    }


def _uuid(region: AnnotatedRegion, geometry: BaseGeometry) -> str:
    """Return the region's own id when it is a UUID, which QuPath wants, or one of its shape."""
    try:
        return str(uuid.UUID(region.id or ""))
    except ValueError:
        place = f"{region.element} {geometry.wkb_hex}"
        return str(uuid.uuid5(uuid.NAMESPACE_OID, place))
