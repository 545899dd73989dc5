"""Files that people drew, against counts by hand and areas the programs wrote down."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from msfusion_sdk.slides.annotations import read_annotations, write_qupath_geojson

pytestmark = pytest.mark.slow

COUNTS = {
    "slides/monusac_A9K0_1.xml": {"Epithelial": 314, "Macrophage": 7},
    "slides/monusac_A9K0_2.xml": {"Lymphocyte": 299, "Epithelial": 15},
    "slides/wholeslidepacker_example.xml": {None: 1},
    "annotations/aperio_imagescope/TCGA-EJ-5518-01Z-00-DX1.xml": {"CaP": 2, None: 2},
    "annotations/asap/derived_camelyon16_tumor_081.xml": {"_0": 1},
    "annotations/camelyon16_ncrf_json/Tumor_081.json": {"positive": 1},
    "annotations/qupath_geojson/histoqc_geojson_example.json": {"Tumor": 1, "Invborder": 1},
    "annotations/qupath_geojson/histoqc_holed.geojson": {None: 1},
    "annotations/qupath_geojson/dlup_qupath05.geojson": {None: 3},
    "annotations/darwin/103S.json": {"stroma (area)": 2, "tumor (area)": 2},
}


IMAGESCOPE = ("monusac_A9K0_1.xml", "monusac_A9K0_2.xml", "aperio_imagescope")


@pytest.fixture
def data(shared: Path) -> Path:
    if not (shared / "data" / "annotations").is_dir():
        pytest.skip("../shared/data/annotations is not there")
    return shared / "data"


@pytest.mark.parametrize("name", COUNTS)
def test_classes_are_counted_as_by_hand(data: Path, name: str) -> None:
    assert read_annotations(data / name).class_counts() == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_every_file_survives_the_way_through_qupath(data: Path, name: str, tmp_path: Path) -> None:
    drawn = read_annotations(data / name)
    back = read_annotations(write_qupath_geojson(drawn, tmp_path / "out.geojson"))
    assert back.class_counts() == drawn.class_counts()
    assert back.repairs == ()
    pairs = zip(drawn.polygons, back.polygons, strict=True)
    assert all(one.polygon.equals_exact(other.polygon) for one, other in pairs)


@pytest.mark.parametrize("number", ["081", "093"])
def test_asap_and_ncrf_agree_on_the_same_outlines(data: Path, number: str) -> None:
    folder = data / "annotations"
    asap = read_annotations(folder / "asap" / f"derived_camelyon16_tumor_{number}.xml")
    ncrf = read_annotations(folder / "camelyon16_ncrf_json" / f"Tumor_{number}.json")
    assert asap.union().equals(ncrf.union())


@pytest.mark.parametrize("name", [name for name in COUNTS if name.split("/")[1] in IMAGESCOPE])
def test_each_area_is_what_imagescope_wrote_down(data: Path, name: str) -> None:
    areas: dict[str, float] = {}
    for region in read_annotations(data / name).polygons:
        areas[region.element] = areas.get(region.element, 0) + region.polygon.area
    stated = {
        f"Annotation {i}, Region {j}": float(region.get("Area", "nan"))
        for i, layer in enumerate(ElementTree.parse(data / name).iter("Annotation"), 1)
        for j, region in enumerate(layer.iter("Region"), 1)
    }
    assert areas == pytest.approx(stated, rel=0.002)


def test_parts_and_holes_are_counted_as_by_hand(data: Path) -> None:
    folder = data / "annotations" / "qupath_geojson"
    several = read_annotations(folder / "histoqc_geojson_example.json")
    assert [len(several.select(name).polygons) for name in ("Tumor", "Invborder")] == [3, 5]
    (holed,) = read_annotations(folder / "histoqc_holed.geojson").polygons
    assert len(holed.polygon.interiors) == 1


def test_names_without_a_class_stay_names(data: Path) -> None:
    path = data / "annotations" / "qupath_geojson" / "dlup_qupath05.geojson"
    assert [r.name for r in read_annotations(path).polygons] == ["UT", "I", "I"]
    by_name = read_annotations(path, class_of=lambda region: region.name)
    assert by_name.class_counts() == {"I": 2, "UT": 1}


def test_what_is_no_outline_is_counted(data: Path) -> None:
    found = read_annotations(data / "annotations" / "darwin" / "103S.json")
    assert found.ignored == {"keypoint": 5, "bounding_box": 8}
