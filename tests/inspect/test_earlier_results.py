"""Results take the place of earlier ones and of nothing else: no slide, outline or table."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.deployment.heat_maps import write_heat_maps
from msfusion_sdk.encoder.result.geojson import is_own_geojson
from msfusion_sdk.errors import StoreSchemaError
from msfusion_sdk.inspect import encode_to_folder
from msfusion_sdk.testing import make_slide

V0_1 = Path(__file__).parents[1] / "data" / "v0_1"
OUTLINE = {
    "type": "Feature",
    "id": "7f9d1c9e-0000-4000-8000-000000000000",
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]},
    "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}},
}


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    return make_slide(tmp_path / "a.svs", 1200, 1200)


def encode(encoder: SlideEncoder, slide: Path, folder: Path) -> str:
    (result,) = encode_to_folder(encoder, [slide], folder, mpp=0.25)
    return result.status


def table_of_somebody(path: Path) -> None:
    pd.DataFrame({"x": [1]}).to_parquet(path)


OTHERS: dict[str, Callable[[Path], object]] = {
    "a.geojson": lambda path: path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [OUTLINE]})
    ),
    "a.png": lambda path: cv2.imwrite(str(path), np.zeros((9, 9, 3), np.uint8)),
    "a.parquet": table_of_somebody,
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_lies_beside_a_slide_stays(
    name: str, small_encoder: SlideEncoder, slide: Path
) -> None:
    """Outlines and pictures of a slide often do, under its name."""
    mine = slide.with_name(name)
    OTHERS[name](mine)
    before = {path.name: path.read_bytes() for path in slide.parent.iterdir()}
    with pytest.raises(StoreSchemaError, match=r"Choose another folder for the results"):
        encode(small_encoder, slide, slide.parent)
    assert {path.name: path.read_bytes() for path in slide.parent.iterdir()} == before


def test_an_image_is_not_replaced_by_its_picture(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    image = tmp_path / "a.png"
    cv2.imwrite(str(image), np.full((1200, 1200, 3), (200, 90, 160), np.uint8))
    before = image.read_bytes()
    with pytest.raises(StoreSchemaError, match=r"a\.png is there"):
        encode(small_encoder, image, tmp_path)
    assert encode(small_encoder, image, tmp_path / "out") in ("ok", "ok_with_warnings")
    # Also where an earlier result lies beside it.
    shutil.copy(tmp_path / "out" / "a.parquet", tmp_path)
    with pytest.raises(StoreSchemaError, match=r"a\.png is there"):
        encode(small_encoder, image, tmp_path)
    assert image.read_bytes() == before


def test_earlier_results_are_replaced(small_encoder: SlideEncoder, slide: Path) -> None:
    folder = slide.parent / "out"
    for _ in range(2):
        encode(small_encoder, slide, folder)
    # As a kill leaves them: the vector comes last.
    (folder / "a.parquet").unlink()
    encode(small_encoder, slide, folder)
    # As version 0.1 wrote them: a picture without a mark, beside a vector.
    cv2.imwrite(str(folder / "a.png"), np.zeros((9, 9, 3), np.uint8))
    encode(small_encoder, slide, folder)


def test_outlines_that_were_changed_are_somebody_s(
    small_encoder: SlideEncoder, slide: Path
) -> None:
    encode(small_encoder, slide, slide.parent / "out")
    path = slide.parent / "out" / "a.geojson"
    assert is_own_geojson(path)
    assert is_own_geojson(V0_1 / "one.geojson")
    written = json.loads(path.read_text())
    tissue = written["features"][0]
    assert tissue["properties"]["classification"]["name"] == "Tissue"
    for change in (
        lambda one: one["properties"]["classification"].update(name="Tumor"),
        lambda one: one["geometry"]["coordinates"][0][1].__setitem__(0, -5.0),
        lambda one: one["properties"].update(name="look at this"),
    ):
        changed = json.loads(path.read_text())
        change(changed["features"][0])
        other = path.with_name("changed.geojson")
        other.write_text(json.dumps(changed))
        assert not is_own_geojson(other)
    assert not is_own_geojson(slide)
    shutil.copy(other, path)
    with pytest.raises(StoreSchemaError, match=r"a\.geojson is there"):
        encode(small_encoder, slide, path.parent)


def test_heat_maps_replace_no_other_picture(tmp_path: Path) -> None:
    mine = tmp_path / "maps" / "a.png"
    mine.parent.mkdir()
    cv2.imwrite(str(mine), np.zeros((9, 9, 3), np.uint8))
    before = mine.read_bytes()
    status = SlideStatus(slide_id="a", status="ok")
    with pytest.raises(StoreSchemaError, match=r"a\.png is there and is not a picture"):
        write_heat_maps(tmp_path, "0" * 64, {"a": tmp_path / "a.svs"}, [status], mine.parent)
    assert mine.read_bytes() == before


def test_features_of_another_program_stay(tmp_path: Path) -> None:
    """They take the time of a graphics card for days."""
    shutil.copytree(V0_1 / "cohort", tmp_path / "cohort")
    cohort = Cohort.open(tmp_path / "cohort")
    assert cohort.export_features(tmp_path / "ours")
    assert cohort.export_features(tmp_path / "ours")  # once more, over its own
    (name,) = sorted(path.name for path in (tmp_path / "ours").iterdir())[:1]
    theirs = tmp_path / "theirs" / name
    theirs.parent.mkdir()
    with h5py.File(theirs, "w") as file:
        file["features"], file["coords"] = np.zeros((2, 8)), np.zeros((2, 2))
        file["coords"].attrs.update({"patch_size_level0": 256, "patch_level": 0})
    before = theirs.read_bytes()
    with pytest.raises(StoreSchemaError, match="is not a file of features that msfusion wrote"):
        cohort.export_features(theirs.parent)
    assert [path.name for path in theirs.parent.iterdir()] == [name]
    assert theirs.read_bytes() == before
