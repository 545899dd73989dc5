"""Datasets of the four outlined slides: two patches of each class a slide, by hand count."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import TableError
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.datasets import Record, cut_slides, write_index
from msfusion_sdk.pretraining.annotated.from_slides import split_patients
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide, list_slides
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.slides.opening import open_slide

pytestmark = pytest.mark.slow

PLAIN = DatasetConfig(stain=None)
ENCODER = EncoderConfig()


@pytest.fixture(scope="module")
def entries(outlined_slides: Path) -> list[AnnotatedSlide]:
    return list_slides(outlined_slides / "slides.csv", outlined_slides / "outlines", PLAIN)


@pytest.fixture(scope="module")
def cut(
    entries: list[AnnotatedSlide], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Record]]:
    out = tmp_path_factory.mktemp("datasets")
    return out, cut_slides(entries, out, PLAIN, ENCODER)


def test_patches_and_tiles_have_the_class_of_their_side(cut: tuple[Path, list[Record]]) -> None:
    _, records = cut
    for record in records:
        rows = pd.DataFrame(record["rows"]).value_counts(["scale", "class"]).to_dict()
        assert rows == {
            ("context", "Tumor"): 2, ("context", "normal"): 2,
            ("detail", "Tumor"): 8, ("detail", "normal"): 8,
        }  # fmt: skip


def test_images_are_those_the_encoder_sees(
    cut: tuple[Path, list[Record]], entries: list[AnnotatedSlide]
) -> None:
    out, records = cut
    with open_slide(entries[0].path) as slide:
        patch = slide.read((1152, 0), 0, (1152, 1152)).pixels.astype(np.float64)
    rows = [r for r in records[0]["rows"] if "-1152-0" in r["file"]]
    images = {}
    for row in rows:
        path = out / row["scale"] / row["class"] / row["file"]
        images[path.stem] = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB).astype(np.float64)
    context = images.pop(min(images, key=len))
    means = patch.reshape(576, 2, 576, 2, 3).mean((1, 3))
    assert np.abs(context - means).mean() < 2  # JPEG of quality 95
    top_right = images[next(name for name in images if name.endswith("-2"))]
    assert np.abs(top_right - patch[:576, 576:]).mean() < 2


def test_what_is_cut_is_not_cut_again(
    cut: tuple[Path, list[Record]],
    entries: list[AnnotatedSlide],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, records = cut
    monkeypatch.setattr("msfusion_sdk.pretraining.annotated.datasets.cut_slide", None)
    assert cut_slides(entries, out, PLAIN, ENCODER) == records


def test_other_settings_cut_anew_and_leave_nothing_behind(
    entries: list[AnnotatedSlide], tmp_path: Path
) -> None:
    cut_slides(entries[:1], tmp_path, PLAIN, ENCODER)
    fewer = PLAIN.model_copy(update={"patches_per_slide": 1})
    (record,) = cut_slides(entries[:1], tmp_path, fewer, ENCODER)
    files = {path.name for path in tmp_path.rglob("*.jpg")}
    assert files == {row["file"] for row in record["rows"]}
    assert sum(row["scale"] == "context" for row in record["rows"]) == 2


def test_a_bad_slide_stops_no_other_and_says_why(
    outlined_slides: Path, entries: list[AnnotatedSlide], tmp_path: Path
) -> None:
    shutil.copytree(outlined_slides, tmp_path / "bad")
    folder = tmp_path / "bad"
    (folder / "s0.svs").write_bytes(b"not a slide")
    (folder / "s1.svs").unlink()
    (folder / "outlines" / "s2.geojson").write_text("{")
    bad = list_slides(folder / "slides.csv", folder / "outlines", PLAIN)
    records = cut_slides(bad, tmp_path / "out", PLAIN, ENCODER)
    assert [record["status"] for record in records] == ["failed", "failed", "failed", "ok"]
    codes = [record["reason"].split(":")[0] for record in records[:3]]
    assert codes == ["SlideCorruptError", "SlideNotFoundError", "AnnotationError"]
    told = pd.read_csv(tmp_path / "out" / "slides.csv", keep_default_na=False)
    assert told["status"].tolist() == ["failed", "failed", "failed", "ok"]


def test_a_slide_without_outlines_is_left_out_unless_it_is_normal(
    outlined_slides: Path, tmp_path: Path
) -> None:
    config = DatasetConfig(label="kind", stain=None)
    rows = f"s0,p0,{outlined_slides}/s0.svs,luad\ns9,p1,{outlined_slides}/s1.svs,luad\n"
    rows += f"s8,p2,{outlined_slides}/s2.svs,normal\n"
    (tmp_path / "slides.csv").write_text("slide_id,patient_id,path,kind\n" + rows)
    entries = list_slides(tmp_path / "slides.csv", outlined_slides / "outlines", config)
    with_outlines, normal, without = cut_slides(entries, tmp_path / "out", config, ENCODER)
    assert {row["class"] for row in with_outlines["rows"]} == {"luad", "normal"}
    assert {row["class"] for row in normal["rows"]} == {"normal"}
    assert "no file of outlines" in without["reason"]


def test_a_class_that_cannot_name_a_folder_is_refused(
    outlined_slides: Path, tmp_path: Path
) -> None:
    config = DatasetConfig(label="kind", stain=None)
    rows = f"s0,p0,{outlined_slides}/s0.svs,../../luad\n"
    (tmp_path / "slides.csv").write_text("slide_id,patient_id,path,kind\n" + rows)
    entries = list_slides(tmp_path / "slides.csv", outlined_slides / "outlines", config)
    (record,) = cut_slides(entries, tmp_path / "out", config, ENCODER)
    assert "cannot name a folder" in record["reason"]


def test_slides_are_split_by_patient(entries: list[AnnotatedSlide]) -> None:
    parts = split_patients(entries, PLAIN)
    assert sorted(parts.values()) == ["test", "train", "train", "validation"]


def test_the_index_of_a_dataset_brings_the_split(
    cut: tuple[Path, list[Record]], entries: list[AnnotatedSlide]
) -> None:
    out, records = cut
    parts = split_patients(entries, PLAIN)
    index = read_tile_index(write_index(records, entries, parts, out, "detail"))
    assert index.classes == ("Tumor", "normal")
    assert len(index.part("test")[0]) == 16
    assert dict(zip(index.table["group"], index.table["part"], strict=True)) == parts


def test_a_part_without_a_class_is_named(
    cut: tuple[Path, list[Record]], entries: list[AnnotatedSlide]
) -> None:
    out, records = cut
    parts = dict.fromkeys(split_patients(entries, PLAIN), "train")
    with pytest.raises(TableError, match="No validation patient"):
        write_index(records, entries, parts, out, "context")
