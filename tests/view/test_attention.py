"""The numbers of the heatmap are those of the file, and what is missing is said."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from msfusion_sdk import SlideEncoder
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.testing import make_slide
from msfusion_sdk.view.attention import attention_of
from msfusion_sdk.view.catalog import open_catalog

from .conftest import HOSTILE

pytestmark = pytest.mark.slow


@pytest.fixture
def encoded(tmp_path: Path, small_encoder: SlideEncoder) -> Path:
    """A slide with its result beside it."""
    path = make_slide(tmp_path / "case.svs", 1024, 768, tissue="full", downsamples=(1,))
    small_encoder.encode(path).to_parquet(path.with_suffix(".parquet"))
    return path


def attention(path: Path) -> dict[str, object]:
    return attention_of(open_catalog(path).slides[0], FileStamp.of(path))


def test_the_numbers_equal_the_parquet(
    client: TestClient, keys: dict[str, str], cohort: Path
) -> None:
    told = client.get(f"/slides/{keys['good']}/attention.json").json()
    (file,) = cohort.glob("patches/*/*.parquet")
    stored = pq.read_table(file).column("patches")[0].as_py()
    assert len(stored) > 5
    for name in ("x", "y", "size_px", "context_score", "tile_scores", "weight"):
        assert told["patches"][name] == [row[name] for row in stored]
    outlines = json.loads(pq.read_schema(file).metadata[b"msfusion"])["tissue"]
    assert told["tissue"] == [ring for polygon in outlines for ring in polygon]
    assert told["note"] == ""


def test_the_colour_of_a_tile_is_its_share_over_the_mean(
    client: TestClient, keys: dict[str, str]
) -> None:
    told = client.get(f"/slides/{keys['good']}/attention.json").json()
    weight, scores = (np.array(told["patches"][name]) for name in ("weight", "tile_scores"))
    share = weight[3] * scores[3] / scores[3].sum()
    assert told["patches"]["relative"][3] == pytest.approx(share * 4 * len(weight))
    assert told["reach"] >= np.abs(np.array(told["patches"]["relative"]) - 1).max()


def test_a_result_beside_the_slide_is_used(encoded: Path) -> None:
    assert attention(encoded)["patches"]


def test_without_a_result_the_command_is_named(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "my case.svs", 600, 600, tissue="none", downsamples=(1,))
    told = attention(path)
    assert told["note"] == "No heatmap: the slide has no stored result."
    assert told["command"] == f"msfusion encode '{path}' --out {tmp_path} --patches"


def test_of_a_cohort_the_command_names_the_cohort(
    client: TestClient, keys: dict[str, str], cohort: Path
) -> None:
    told = client.get(f"/slides/{keys[HOSTILE]}/attention.json").json()
    assert told["command"] == f"msfusion cohort encode {cohort} --patches"


def test_a_result_without_patches_shows_the_tissue(
    tmp_path: Path, small_encoder: SlideEncoder
) -> None:
    path = make_slide(tmp_path / "case.svs", 1024, 768, tissue="full", downsamples=(1,))
    small_encoder.encode(path).to_parquet(path.with_suffix(".parquet"), patches=False)
    told = attention(path)
    assert (told["patches"], told["note"]) == ({}, "No heatmap: the patches were not stored.")
    assert told["tissue"]


def test_the_result_of_another_file_is_not_drawn(encoded: Path) -> None:
    os.utime(encoded, (1, 1))
    told = attention(encoded)
    assert told["patches"] == {}
    assert "has changed since it was encoded" in str(told["note"])


def test_the_result_of_other_companions_is_not_drawn(encoded: Path) -> None:
    listed = open_catalog(encoded).slides[0]
    now = FileStamp.of(encoded)
    slide = listed.load().provenance.slide
    with_data = slide.model_copy(update={"companions": "before"})
    assert slide.is_of(now)
    assert with_data.is_of(replace(now, companions="before"))
    assert not with_data.is_of(replace(now, companions="after"))


@pytest.mark.parametrize("name", ["a.b.svs", "1.2.826.0.1"])
def test_the_result_that_encode_writes_is_found(encoded: Path, name: str) -> None:
    slide = encoded.rename(encoded.with_name(name))
    written = name.removesuffix(".svs")
    encoded.with_suffix(".parquet").rename(encoded.with_name(f"{written}.parquet"))
    assert open_catalog(slide).slides[0].load is not None


def test_a_result_that_is_damaged_meanwhile_is_said(encoded: Path) -> None:
    listed = open_catalog(encoded).slides[0]
    encoded.with_suffix(".parquet").write_bytes(b"PAR1 no")
    told = attention_of(listed, FileStamp.of(encoded))
    assert str(told["note"]).startswith("No heatmap: case.parquet is damaged")
