"""A small file of each dialect, written by hand, with areas that can be counted."""

import math
from typing import Any

import pytest

from msfusion_sdk.slides.annotations import Annotations

from .conftest import Read

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4]]


def closed(ring: list[Any]) -> list[Any]:
    return [*ring, ring[0]]


def asap(kind: str = "Polygon", group: str = "tumour", ring: list[Any] = SQUARE) -> str:
    points = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>' for i, (x, y) in enumerate(ring))
    return (
        '<?xml version="1.0"?><ASAP_Annotations><Annotations>'
        f'<Annotation Name="A1" Type="{kind}" PartOfGroup="{group}"><Coordinates>{points}'
        "</Coordinates></Annotation></Annotations></ASAP_Annotations>"
    )


def layer(*regions: str, name: str = "", attribute: str = "") -> str:
    return (
        f'<Annotation Id="1" Name="{name}"><Attributes><Attribute Name="{attribute}" Value=""/>'
        f"</Attributes><Regions>{''.join(regions)}</Regions></Annotation>"
    )


def region(ring: list[Any], kind: int = 0, negative: int = 0) -> str:
    points = "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in ring)
    return (
        f'<Region Id="7" Type="{kind}" Text="by hand" NegativeROA="{negative}">'
        f"<Vertices>{points}</Vertices></Region>"
    )


def imagescope(*layers: str) -> str:
    return f'<Annotations MicronsPerPixel="0.25">{"".join(layers)}</Annotations>'


def feature(rings: list[Any], kind: str = "Polygon", **properties: object) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": rings}
    return {"type": "Feature", "id": "a", "geometry": geometry, "properties": properties}


def area(found: Annotations) -> float:
    return found.union().area


@pytest.mark.parametrize("kind", ["Polygon", "Spline", "Rectangle"])
def test_the_class_of_an_asap_outline_is_its_group(read: Read, kind: str) -> None:
    found = read(asap(kind))
    assert (found.dialect, found.class_counts(), area(found)) == ("ASAP XML", {"tumour": 1}, 100)
    assert (found.polygons[0].name, found.polygons[0].element) == ("A1", "Annotation 1 (A1)")


def test_asap_writes_none_for_no_group(read: Read) -> None:
    assert read(asap(group="None")).class_counts() == {None: 1}


def test_asap_decimal_commas_are_decimal_points(read: Read) -> None:
    ring = [("0,5", "0"), ("10,5", "0"), ("10,5", "10"), ("0,5", "10")]
    assert read(asap(ring=ring)).union().bounds == (0.5, 0, 10.5, 10)


def test_asap_coordinates_stand_in_their_stated_order(read: Read) -> None:
    # A bow tie in the order of the file, a square in the stated one.
    text = asap(ring=[[0, 0], [10, 0], [10, 10], [0, 10]])
    first, second = '<Coordinate Order="1" X="10" Y="0"/>', '<Coordinate Order="2" X="10" Y="10"/>'
    found = read(text.replace(first, "SWAP").replace(second, first).replace("SWAP", second))
    assert (area(found), found.repairs) == (100, ())


@pytest.mark.parametrize("kind", ["Dot", "PointSet", "Measurement"])
def test_asap_points_and_rulers_are_ignored_and_counted(read: Read, kind: str) -> None:
    found = read(asap(kind, ring=[[1, 1]]))
    assert (found.polygons, found.ignored) == ((), {kind: 1})


@pytest.mark.parametrize(
    ("name", "attribute", "class_name"),
    [
        ("Tumour", "Description", "Tumour"),
        ("Tumour", "Grade", "Tumour"),
        ("", "Lymphocyte", "Lymphocyte"),
        ("Layer 2", "Lymphocyte", "Lymphocyte"),
        ("Layer 2", "Description", "Layer 2"),
        ("", "Description", None),
        ("", "", None),
    ],
)
def test_the_class_of_an_imagescope_region_is_its_layer(
    read: Read, name: str, attribute: str, class_name: str | None
) -> None:
    found = read(imagescope(layer(region(SQUARE), name=name, attribute=attribute)))
    assert found.class_counts() == {class_name: 1}
    assert (found.polygons[0].name, found.polygons[0].id) == ("by hand", "7")


def test_a_negative_region_is_a_hole_in_its_layer_alone(read: Read) -> None:
    holed = layer(region(SQUARE), region(HOLE, negative=1), name="A")
    found = read(imagescope(holed, layer(region(SQUARE), name="B")))
    assert area(found.select("A")) == 100 - 4
    assert area(found.select("B")) == 100


def test_a_negative_region_outside_its_layer_is_left_out_and_said(read: Read) -> None:
    far = [[50, 50], [60, 50], [60, 60]]
    found = read(imagescope(layer(region(SQUARE), region(far, negative=1))))
    assert area(found) == 100
    assert found.repairs == (
        "Annotation 1, Region 2: a hole that lies in no region of its layer: left out.",
    )


def test_a_region_that_is_all_hole_is_left_out_and_said(read: Read) -> None:
    found = read(imagescope(layer(region(HOLE), region(SQUARE, negative=1))))
    assert found.polygons == ()
    assert found.repairs == ("Annotation 1, Region 1: its holes leave no area: left out.",)


@pytest.mark.parametrize("corners", [[[0, 0], [10, 4]], [[0, 0], [10, 0], [10, 4], [0, 4]]])
def test_rectangles_and_ellipses_may_be_given_by_corners(read: Read, corners: list[Any]) -> None:
    assert area(read(imagescope(layer(region(corners, kind=1))))) == 40
    ellipse = area(read(imagescope(layer(region(corners, kind=2)))))
    assert ellipse == pytest.approx(math.pi * 5 * 2, rel=0.005)


def test_a_region_marked_as_rectangle_may_be_a_dense_outline(read: Read) -> None:
    ring = [[0, 0], [10, 0], [10, 10], [5, 10], [5, 5], [0, 5]]
    assert area(read(imagescope(layer(region(ring, kind=1))))) == 75


def test_imagescope_arrows_and_rulers_are_ignored_and_counted(read: Read) -> None:
    regions = [region([[0, 0], [5, 5]], kind=kind) for kind in (3, 4, 4, 9)]
    assert read(imagescope(layer(*regions))).ignored == {"arrow": 1, "ruler": 2, "Type 9": 1}


def test_an_empty_layer_holds_nothing(read: Read) -> None:
    assert read(imagescope(layer(attribute="Description"))).polygons == ()


WHOLE = feature(
    [closed(SQUARE), closed(HOLE)], classification={"name": "Tumor", "color": [1, 2, 3]}
)


@pytest.mark.parametrize(
    "document", [{"type": "FeatureCollection", "features": [WHOLE]}, [WHOLE], WHOLE]
)
def test_qupath_writes_collections_lists_and_single_features(read: Read, document: object) -> None:
    found = read(document)
    assert (found.dialect, found.class_counts(), area(found)) == (
        "QuPath GeoJSON",
        {"Tumor": 1},
        96,
    )


def test_a_multipolygon_is_one_drawing_of_several_polygons(read: Read) -> None:
    far = [[x + 50, y] for x, y in SQUARE]
    found = read([feature([[closed(SQUARE), closed(HOLE)], [closed(far)]], "MultiPolygon")])
    assert [r.polygon.area for r in found.polygons] == [96, 100]
    assert found.class_counts() == {None: 1}


@pytest.mark.parametrize(
    ("properties", "class_name"),
    [
        ({}, None),
        ({"name": "Tumor 1"}, None),
        ({"classification": None}, None),
        ({"classification": {"name": "Stroma", "colorRGB": -3670016}}, "Stroma"),
        ({"classification": {"names": ["Tumor", "Positive"]}}, "Tumor: Positive"),
        # As programs beside QuPath write it: a text, or a number.
        ({"classification": " Tumor "}, "Tumor"),
        ({"classification": 3}, "3"),
        ({"classification": {"name": 0}}, "0"),
        ({"classification": {"name": True}}, None),
        ({"classification": ["Tumor"]}, None),
    ],
)
def test_a_qupath_class_is_the_classification_alone(
    read: Read, properties: dict[str, Any], class_name: str | None
) -> None:
    assert read(feature([SQUARE], **properties)).class_counts() == {class_name: 1}


def test_the_class_may_be_taken_from_the_name_on_request(read: Read) -> None:
    found = read(feature([SQUARE], name="Tumor"), class_of=lambda region: region.name)
    assert found.class_counts() == {"Tumor": 1}


def test_qupath_points_lines_tiles_and_nothing_are_ignored_and_counted(read: Read) -> None:
    unplaced = {"type": "Feature", "geometry": None, "properties": {}}
    document = [
        feature([1, 1], "Point"),
        feature(SQUARE, "LineString"),
        feature([SQUARE], objectType="tile"),
        unplaced,
    ]
    found = read(document)
    assert found.polygons == ()
    assert found.ignored == {"Point": 1, "LineString": 1, "tile": 1, "without geometry": 1}


def test_ncrf_lists_are_classes(read: Read) -> None:
    outline = {"name": "Tumor1", "vertices": SQUARE}
    found = read({"positive": [outline, outline], "negative": [{"name": "", "vertices": HOLE}]})
    assert (found.dialect, found.class_counts()) == ("NCRF JSON", {"positive": 2, "negative": 1})


def test_darwin_paths_inside_a_path_are_holes(read: Read) -> None:
    far = [[x + 50, y] for x, y in SQUARE]
    paths = [[{"x": x, "y": y} for x, y in ring] for ring in (SQUARE, far, HOLE)]
    items = [
        {"name": "tumor", "id": "1", "polygon": {"paths": paths}, "bounding_box": {}},
        {"name": "cell", "keypoint": {"x": 1, "y": 1}},
        {"name": "cell", "bounding_box": {"x": 1, "y": 1, "w": 1, "h": 1}},
    ]
    found = read({"version": "2.0", "item": {}, "annotations": items})
    assert (found.dialect, found.class_counts(), area(found)) == (
        "V7 Darwin JSON",
        {"tumor": 1},
        196,
    )
    assert found.ignored == {"keypoint": 1, "bounding_box": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_marks_and_nuls_of_other_encodings_do_not_matter(read: Read, encoding: str) -> None:
    text = asap().replace('"1.0"', '"1.0" encoding="utf-16"')
    assert area(read(text.encode(encoding))) == 100


def test_nuls_after_the_end_do_not_matter(read: Read) -> None:
    assert area(read(asap().encode() + b"\0" * 512)) == 100
