"""Shares are counted by hand on squares of 10 pixels."""

from pathlib import Path

import numpy as np
import pytest
from shapely import Polygon, box

from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.labels import (
    choose,
    label_images,
    outlined_class,
    shares_inside,
)
from msfusion_sdk.slides.annotations import AnnotatedRegion, Annotations

SQUARES = np.array([(0, 0), (10, 0), (20, 0), (100, 0)])


def region(polygon: Polygon, name: str | None, number: int = 0) -> AnnotatedRegion:
    return AnnotatedRegion(polygon, name, None, None, f"region {number}")


def annotations(*regions: AnnotatedRegion) -> Annotations:
    return Annotations(regions, Path("a.geojson"), "QuPath GeoJSON")


# Holds the first square, half of the second, and a tenth of the third.
DRAWN = annotations(
    region(box(0, 0, 15, 10), "Tumor", 1),
    region(box(20, 0, 21, 10), "Tumor", 2),
    region(box(10, 0, 15, 10), "Necrosis", 3),
)


def test_outlines_name_their_own_classes() -> None:
    inside = shares_inside(DRAWN, SQUARES, 10, None, DatasetConfig())
    assert inside["Tumor"].tolist() == [1.0, 0.5, 0.1, 0.0]
    assert inside["Necrosis"].tolist() == [0.0, 0.5, 0.0, 0.0]


def test_outlines_have_the_class_of_their_slide() -> None:
    inside = shares_inside(DRAWN, SQUARES, 10, "luad", DatasetConfig(label="diagnosis"))
    assert list(inside) == ["luad"]
    assert inside["luad"].tolist() == [1.0, 0.5, 0.1, 0.0]


def test_outlines_of_other_classes_do_not_count() -> None:
    config = DatasetConfig(label="diagnosis", outlines=("Necrosis",))
    assert shares_inside(DRAWN, SQUARES, 10, "luad", config)["luad"].tolist() == [0, 0.5, 0, 0]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, ["luad", "luad", "", "normal"]),
        ({"min_overlap": 0.6}, ["luad", "", "", "normal"]),
        ({"max_outside": 0.1}, ["luad", "luad", "normal", "normal"]),
        ({"normal_outside": False}, ["luad", "luad", "", ""]),
    ],
)
def test_a_share_decides_and_what_lies_between_has_no_class(
    settings: dict[str, float], wanted: list[str]
) -> None:
    inside = {"luad": np.array([1.0, 0.5, 0.1, 0.0])}
    config = DatasetConfig.model_validate(settings)
    assert label_images(inside, 4, is_normal=False, config=config).tolist() == wanted


def test_all_of_a_normal_slide_is_normal() -> None:
    config = DatasetConfig(normal_outside=False)
    assert label_images({}, 3, is_normal=True, config=config).tolist() == ["normal"] * 3


def test_the_class_that_holds_most_wins() -> None:
    inside = {"a": np.array([0.5, 0.6]), "b": np.array([0.7, 0.0])}
    config = DatasetConfig(max_outside=0.0)
    assert label_images(inside, 2, is_normal=False, config=config).tolist() == ["b", "a"]


def test_at_most_so_many_of_each_class_are_chosen() -> None:
    labels = np.array(["a"] * 5 + [""] * 3 + ["b"] * 2, object)
    rows = choose(labels, 3, np.random.default_rng(0))
    assert sorted(rows) == list(rows)
    assert labels[rows].tolist().count("a") == 3
    assert labels[rows].tolist().count("b") == 2
    assert (rows == choose(labels, 3, np.random.default_rng(0))).all()


def test_limits_that_leave_nothing_between_are_refused() -> None:
    with pytest.raises(ValueError, match="must be below min_overlap"):
        DatasetConfig(max_outside=0.5, min_overlap=0.5)


def test_a_file_has_the_class_of_its_largest_outlines(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"positive": [], "negative": []}')
    assert outlined_class(path, DatasetConfig()) == "normal"
    path.write_text("damaged")
    assert outlined_class(path, DatasetConfig()) == "normal"
