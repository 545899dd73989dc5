"""Patches and tissue as GeoJSON in QuPath's dialect (FeatureCollection, version 0.4 and later)."""

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from msfusion_sdk.files import store_text

__all__ = ["Polygon", "is_own_geojson", "write_geojson", "write_measured_tiles"]

Polygon = list[list[tuple[float, float]]]
"""[outer ring, hole, …], rings of (x, y), not closed."""

TISSUE = {"classification": {"name": "Tissue", "color": [0, 140, 70]}}


def write_geojson(path: Path, patches: pa.Table, tissue: list[Polygon]) -> Path:
    """Write one annotation per piece of tissue and one tile object per patch.

    Coordinates are level-0 pixels (x, y).
    """
    features = [*_tissue_features(tissue), *_patch_features(patches)]
    return store_text(path, json.dumps({"type": "FeatureCollection", "features": features}))


def write_measured_tiles(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a tile object per row, which QuPath colours by any of its measurements.

    Parameters
    ----------
    rows : iterable of mapping
        ``x``, ``y``, ``size_px`` (level-0 pixels) and ``measurements``: numbers by name.
    """
    features = [
        _feature([_ring(row)], "tile", {"measurements": dict(row["measurements"])}) for row in rows
    ]
    return store_text(path, json.dumps({"type": "FeatureCollection", "features": features}))


def _tissue_features(tissue: list[Polygon]) -> Iterator[dict[str, Any]]:
    for polygon in tissue:
        # A ring of fewer than three points encloses nothing, and QuPath refuses the file.
        rings = [[*ring, ring[0]] for ring in polygon if len(ring) >= 3]
        if rings and len(polygon[0]) >= 3:
            yield _feature(rings, "annotation", TISSUE)


def _patch_features(patches: pa.Table) -> Iterator[dict[str, Any]]:
    columns = patches.column_names
    quality = columns[columns.index("vector") + 1 :]
    for row in patches.drop_columns("vector").to_pylist():
        measurements = {"weight": row["weight"], "context_score": row["context_score"]}
        measurements |= {f"tile_score_{i}": score for i, score in enumerate(row["tile_scores"], 1)}
        # What cannot be told of a patch has no number in JSON.
        measurements |= {name: row[name] for name in quality if not math.isnan(row[name])}
        yield _feature([_ring(row)], "tile", {"measurements": measurements})


def _ring(row: Mapping[str, Any]) -> list[list[int]]:
    left, top = row["x"], row["y"]
    # A ring of GeoJSON ends where it begins (RFC 7946, section 3.1.6).
    right, bottom = left + row["size_px"], top + row["size_px"]
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


def _feature(rings: list[Any], kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": _id(kind, rings),
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": {"objectType": kind, **properties},
    }


def _id(kind: str, rings: list[Any]) -> str:
    # It depends on the shape alone, so the same result gives the same file.
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([kind, rings])))


def is_own_geojson(path: Path) -> bool:
    """Return whether a file holds nothing but what was written here.

    Outlines that somebody drew, moved or gave a class have other ids or properties.
    """
    try:
        return all(map(_is_own, json.loads(path.read_bytes())["features"]))
    except (ValueError, LookupError, TypeError):
        return False


def _is_own(feature: Any) -> bool:
    properties = feature["properties"]
    kind, rings = properties["objectType"], feature["geometry"]["coordinates"]
    says_more = properties != {"objectType": kind, **TISSUE} and set(properties) != {
        "objectType",
        "measurements",
    }
    return not says_more and bool(feature["id"] == _id(kind, rings))
