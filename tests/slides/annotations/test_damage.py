"""What is corrected, what is left out, and what is refused with every fault named."""

import json
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk.errors import AnnotationError
from msfusion_sdk.slides.annotations import read_annotations

from .conftest import Read

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
BOW_TIE = [[0, 0], [10, 10], [10, 0], [0, 10]]


def feature(*rings: object, kind: str = "Polygon") -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": [*rings]}
    return {"type": "Feature", "geometry": geometry, "properties": {}}


def holed(hole: list[Any]) -> dict[str, Any]:
    return feature(SQUARE, hole)


def test_a_bow_tie_becomes_its_two_halves_as_one_drawing(read: Read) -> None:
    found = read([feature(BOW_TIE)])
    assert [r.polygon.area for r in found.polygons] == [25, 25]
    assert found.class_counts() == {None: 1}
    assert found.repairs == (
        "[0]: the outline crosses or touches itself: corrected to 2 pieces of 50 px².",
    )


def test_a_spike_is_taken_off(read: Read) -> None:
    spike = [*SQUARE[:2], [30, 0], [10, 0], *SQUARE[2:]]
    (region,) = read([feature(spike)]).polygons
    assert region.polygon.bounds == (0, 0, 10, 10)


@pytest.mark.parametrize(
    ("ring", "reason"),
    [
        ([], "fewer than 3 different points"),
        ([[1, 1]], "fewer than 3 different points"),
        ([[1, 1], [5, 5], [1, 1]], "fewer than 3 different points"),
        ([[1, 1]] * 9, "fewer than 3 different points"),
        ([[0, 0], [5, 5], [9, 9]], "encloses no area"),
    ],
)
def test_a_click_that_encloses_nothing_is_left_out_and_said(
    read: Read, ring: list[Any], reason: str
) -> None:
    found = read([feature(SQUARE), feature(ring)])
    assert len(found.polygons) == 1
    assert found.repairs[0].startswith("[1]: the outline ")
    assert reason in found.repairs[0]


def test_a_hole_outside_its_outline_does_not_become_area(read: Read) -> None:
    found = read([holed([[50, 50], [60, 50], [60, 60]])])
    assert found.union().area == 100
    assert found.repairs == ("[0]: hole 1 lies outside the outline: left out.",)


def test_of_a_hole_that_reaches_out_the_part_inside_counts(read: Read) -> None:
    assert read([holed([[5, 0], [20, 0], [20, 10], [5, 10]])]).union().area == 50


def test_holes_that_overlap_are_cut_out_once(read: Read) -> None:
    holes = [[[1, 1], [5, 1], [5, 5], [1, 5]], [[3, 1], [7, 1], [7, 5], [3, 5]]]
    assert read([feature(SQUARE, *holes)]).union().area == 100 - 24


def test_a_hole_as_large_as_its_outline_leaves_nothing_and_says_so(read: Read) -> None:
    found = read([holed(SQUARE)])
    assert found.polygons == ()
    assert found.repairs == ("[0]: its holes leave no area: left out.",)


def test_pieces_of_one_drawing_that_overlap_are_joined(read: Read) -> None:
    moved = [[x + 5, y] for x, y in SQUARE]
    found = read([feature([SQUARE], [moved], kind="MultiPolygon")])
    assert [r.polygon.area for r in found.polygons] == [150]
    assert "joined" in found.repairs[0]


def test_all_faults_of_a_file_come_in_one_error(read: Read, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError) as caught:
        read([feature([["a", 1], [2, 2], [3, 3]]), feature(SQUARE), 7, feature(None)])
    message = str(caught.value)
    assert str(tmp_path / "outlines.txt") in message
    assert "3 drawings cannot be used" in message
    assert "[0]: vertex 1 is ['a', 1], which is not a pair of numbers." in message
    assert "[2]: an object was expected, found 7." in message
    assert "[3]: a list of vertices was expected, found None." in message


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1e999", "1e12", "1" + "0" * 400])
def test_a_vertex_that_is_no_place_is_refused(read: Read, bad: str) -> None:
    text = json.dumps([feature([[0, 0], [10, 0], ["BAD", 10]])]).replace('"BAD"', bad)
    with pytest.raises(AnnotationError, match=r"\[0\]: vertex 3 is"):
        read(text)


def test_an_xml_vertex_without_a_number_is_refused(read: Read) -> None:
    points = '<Vertex X="1" Y="1"/><Vertex X="nan" Y="2"/><Vertex Y="5"/>'
    regions = f"<Regions><Region><Vertices>{points}</Vertices></Region></Regions>"
    with pytest.raises(AnnotationError, match="Annotation 1, Region 1: vertex 2"):
        read(f"<Annotations><Annotation>{regions}</Annotation></Annotations>")


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": "far"},
        {"type": "Polygon", "coordinates": [[[[0, 0], [1, 0], [1, 1]]]]},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "MultiPolygon", "coordinates": {"a": 1}},
        {"type": "GeometryCollection", "geometries": []},
        {"type": []},
        {"coordinates": [SQUARE]},
    ],
)
def test_a_geometry_that_makes_no_sense_is_refused(read: Read, geometry: object) -> None:
    with pytest.raises(AnnotationError, match=r"\[0\]"):
        read([{"type": "Feature", "geometry": geometry, "properties": {}}])


@pytest.mark.parametrize(
    "document",
    [
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": {"a": 1}},
        [{"type": "Polygon", "coordinates": [SQUARE]}],
        {"positive": None},
        {"positive": [[1, 2]]},
        {"positive": [{"name": "no vertices"}]},
        {"item": {}, "annotations": "none"},
        {"item": {}, "annotations": [{"polygon": {"path": []}}]},
        {"item": {}, "annotations": [{"polygon": {"paths": [[1, 2, 3]]}}]},
    ],
)
def test_a_known_layout_with_wrong_content_is_refused(read: Read, document: object) -> None:
    with pytest.raises(AnnotationError, match="1 drawing cannot be used"):
        read(document)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\0" * 100, "is empty"),
        (b"<ASAP_Annotations><Annotations>", "cut short"),
        (b"<Annotations>" * 100_000, "cut short"),
        (b'[{"type": "Feature", "geom', "cut short"),
        (b"[" * 100_000, "nested too deep"),
        (b"[" + b"9" * 5000 + b"]", "a number too long"),
        (b"x,y\n1,2\n", "layout is not known"),
        (b'"text"', "layout is not known"),
        (b'{"shapes": []}', "layout is not known"),
        (b"<html></html>", "layout is not known"),
        (b"\x89PNG\r\n\x1a\n", "not text"),
        (
            b"\0" * 128 + b"DICM" + b"\0" * 100,
            "damaged or cut|without microscopy",
        ),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(
    read: Read, content: bytes, message: str
) -> None:
    with pytest.raises(AnnotationError, match=message):
        read(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_entities_are_refused_before_they_are_expanded(read: Read, encoding: str) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><Annotations>&c;</Annotations>'
    with pytest.raises(AnnotationError, match="entities"):
        read(bomb.encode(encoding))


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.xml, and it cannot be read"):
        read_annotations(tmp_path / "nowhere.xml")


def test_a_collection_without_objects_holds_nothing(read: Read) -> None:
    found = read({"type": "FeatureCollection", "features": []})
    assert (found.polygons, found.class_counts(), found.union().is_empty) == ((), {}, True)


def test_an_error_stays_readable_however_many_faults_there_are(read: Read) -> None:
    with pytest.raises(AnnotationError) as caught:
        read([7] * 1000)
    assert "1000 drawings" in str(caught.value)
    assert str(caught.value).endswith("and 950 more.")
