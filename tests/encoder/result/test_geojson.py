import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import shape

from msfusion_sdk import SlideEmbedding, SlideEncoder


@pytest.fixture(scope="module")
def result(small_encoder: SlideEncoder, made_slide: Path) -> SlideEmbedding:
    return small_encoder.encode(made_slide)


@pytest.fixture(scope="module")
def features(
    result: SlideEmbedding, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    path = result.to_geojson(tmp_path_factory.mktemp("geojson") / "s.geojson")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    return document["features"]


def of_kind(features: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [f for f in features if f["properties"]["objectType"] == kind]


def test_every_feature_is_a_valid_polygon_with_closed_rings(features: list[dict[str, Any]]) -> None:
    for feature in features:
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Polygon"
        for ring in feature["geometry"]["coordinates"]:
            assert ring[0] == ring[-1]
            assert len(ring) >= 4
        assert shape(feature["geometry"]).is_valid


def test_every_patch_is_a_tile_of_its_size_at_its_place(
    features: list[dict[str, Any]], result: SlideEmbedding
) -> None:
    boxes = [shape(f["geometry"]).bounds for f in of_kind(features, "tile")]
    rows = result.patches.to_pylist()
    assert boxes == [(r["x"], r["y"], r["x"] + 128, r["y"] + 128) for r in rows]


def test_measurements_are_numbers_and_weights_sum_to_one(
    features: list[dict[str, Any]], result: SlideEmbedding
) -> None:
    found = [f["properties"]["measurements"] for f in of_kind(features, "tile")]
    assert sum(m["weight"] for m in found) == pytest.approx(1, abs=1e-6)
    scores = [[m[f"tile_score_{i}"] for i in (1, 2, 3, 4)] for m in found]
    assert scores == [row["tile_scores"] for row in result.patches.to_pylist()]


def test_tissue_is_an_annotation_with_qupaths_colour_triple(
    features: list[dict[str, Any]], result: SlideEmbedding
) -> None:
    tissue = of_kind(features, "annotation")
    assert len(tissue) == len(result.tissue) > 0
    classification = tissue[0]["properties"]["classification"]
    assert classification["name"] == "Tissue"
    assert all(0 <= value <= 255 for value in classification["color"])


def test_ids_are_unique_uuids_and_the_same_every_time(
    features: list[dict[str, Any]], result: SlideEmbedding, tmp_path: Path
) -> None:
    ids = [uuid.UUID(feature["id"]) for feature in features]
    again = json.loads(result.to_geojson(tmp_path / "s.geojson").read_text())["features"]
    assert len(set(ids)) == len(ids)
    assert again == features


def test_rings_that_enclose_nothing_are_left_out(result: SlideEmbedding, tmp_path: Path) -> None:
    line, square = [(0.0, 0.0), (9.0, 9.0)], [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)]
    odd = SlideEmbedding(
        "s", "ok", "", result.vector, result.patches, result.provenance, [[line], [square, line]]
    )
    features = json.loads(odd.to_geojson(tmp_path / "s.geojson").read_text())["features"]
    assert [len(f["geometry"]["coordinates"]) for f in of_kind(features, "annotation")] == [1]
