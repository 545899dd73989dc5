import json
import uuid
from pathlib import Path

import pytest

from msfusion_sdk.errors import StoreError
from msfusion_sdk.slides.annotations import Annotations, read_annotations, write_qupath_geojson

from .conftest import Read

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
FAR = [[x + 50.25, y] for x, y in SQUARE]


@pytest.fixture
def drawn(read: Read) -> Annotations:
    parts = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [FAR]]}
    single = {"type": "Polygon", "coordinates": [FAR]}
    known = "2aa7e31c-8437-499d-ba61-88aacd9a2c3f"
    return read(
        [
            {
                "type": "Feature",
                "id": known,
                "geometry": parts,
                "properties": {"name": "Größe", "classification": {"name": "Tumor"}},
            },
            {"type": "Feature", "id": "Object 1", "geometry": single, "properties": {}},
            {"type": "Feature", "id": "Object 1", "geometry": single, "properties": {}},
        ]
    )


def test_what_was_written_is_read_back(drawn: Annotations, tmp_path: Path) -> None:
    back = read_annotations(write_qupath_geojson(drawn, tmp_path / "out.geojson"))
    assert back.class_counts() == drawn.class_counts() == {None: 2, "Tumor": 1}
    assert len(back.polygons) == 4
    for one, other in zip(drawn.polygons, back.polygons, strict=True):
        assert one.polygon.equals_exact(other.polygon)
        assert (one.class_name, one.name) == (other.class_name, other.name)


def test_the_layout_is_that_of_qupath_05(drawn: Annotations, tmp_path: Path) -> None:
    path = write_qupath_geojson(drawn, tmp_path / "out.geojson")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    first, second, third = document["features"]
    assert first["properties"]["objectType"] == "annotation"
    assert first["properties"]["name"] == "Größe"
    assert first["properties"]["classification"]["name"] == "Tumor"
    assert len(first["properties"]["classification"]["color"]) == 3
    assert second["properties"] == {"objectType": "annotation"}
    ids = [uuid.UUID(feature["id"]) for feature in (first, second, third)]
    assert str(ids[0]) == "2aa7e31c-8437-499d-ba61-88aacd9a2c3f"
    assert len(set(ids)) == 3


def test_the_same_outlines_give_the_same_file(drawn: Annotations, tmp_path: Path) -> None:
    one, other = (write_qupath_geojson(drawn, tmp_path / name) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_a_folder_that_is_not_there_is_a_store_error(drawn: Annotations, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Create the folder"):
        write_qupath_geojson(drawn, tmp_path / "nowhere" / "out.geojson")


def test_no_outlines_make_a_file_without_features(read: Read, tmp_path: Path) -> None:
    path = write_qupath_geojson(read([]), tmp_path / "out.geojson")
    assert read_annotations(path).polygons == ()
