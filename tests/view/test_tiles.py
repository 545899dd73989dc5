"""Pixels: those of OpenSlide, whoever else reads, and an answer in words when there are none."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import openslide
import pytest
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image
from starlette.testclient import TestClient

from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.testing import make_slide
from msfusion_sdk.testing.damage import damage_stored_tile
from msfusion_sdk.view.catalog import Catalog
from msfusion_sdk.view.pyramid import Pyramid
from msfusion_sdk.view.tiles import TiledSlide

from .conftest import tile_address

pytestmark = pytest.mark.slow


@pytest.fixture
def tiled(catalog: Catalog) -> Iterator[TiledSlide]:
    slide = TiledSlide(catalog.slides[0].path, None)
    yield slide
    slide.close()


def test_a_tile_of_full_resolution_is_the_region_that_openslide_reads(
    tiled: TiledSlide, cohort: Path
) -> None:
    with openslide.OpenSlide(cohort.parent / "good.svs") as slide:
        wanted = np.asarray(slide.read_region((3 * 256, 2 * 256), 0, (256, 256)))[..., :3]
    assert wanted.std() > 10
    assert np.array_equal(tiled.pixels(11, 3, 2), wanted)


@pytest.mark.parametrize("level", range(12))
def test_every_level_shows_what_openslide_shows(
    tiled: TiledSlide, cohort: Path, level: int
) -> None:
    with openslide.OpenSlide(cohort.parent / "good.svs") as slide:
        reference = DeepZoomGenerator(slide, 256, 0)
        columns, rows = reference.level_tiles[level]
        assert tiled.max_level == reference.level_count - 1
        for address in {(0, 0), (columns - 1, rows - 1)}:
            wanted = np.asarray(reference.get_tile(level, address), np.int16)
            seen = tiled.pixels(level, *address).astype(np.int16)
            assert seen.shape == wanted.shape
            # Levels 11 and 9 are the slide's own; elsewhere two ways of shrinking differ, most
            # on the smallest.
            limit = 1e-9 if level in (9, 11) else 5 if level > 4 else 15
            assert np.abs(seen - wanted).mean() < limit


def test_what_is_sent_is_that_tile_as_jpeg(
    client: TestClient, keys: dict[str, str], tiled: TiledSlide
) -> None:
    answer = client.get(tile_address(client, keys["good"], 11, 3, 2))
    assert answer.headers["content-type"] == "image/jpeg"
    seen = np.asarray(Image.open(BytesIO(answer.content)), np.int16)
    wanted = tiled.pixels(11, 3, 2).astype(np.int16)
    assert seen.shape == wanted.shape
    assert np.abs(seen - wanted).mean() < 5


def test_many_at_once_get_what_one_gets(client: TestClient, keys: dict[str, str]) -> None:
    start = tile_address(client, keys["good"], 11, 0, 0).removesuffix("0_0.jpg")
    addresses = [f"{start}{column}_{row}.jpg" for column in range(8) for row in range(6)]
    with ThreadPoolExecutor(16) as threads:
        together = list(threads.map(lambda address: client.get(address).content, addresses))
    assert len({bytes(tile) for tile in together}) > 30
    assert together == [client.get(address).content for address in addresses]


def test_a_downsample_that_is_almost_whole_counts_as_whole(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        assert slide.header.level_downsamples[2] > 16.005
        assert Pyramid(slide).get_best_level_for_downsample(16) == 2


def test_a_slide_without_small_levels_is_never_read_as_a_whole(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "flat.svs", 9000, 9000, tissue="none", downsamples=(1,))
    tiled = TiledSlide(path, None)
    # 256 pixels of the smallest level that is shown are 4000 of level 0 or less.
    assert tiled.max_level - tiled.min_level == 3
    assert not tiled.has(tiled.min_level - 1, 0, 0)
    assert tiled.tile(tiled.min_level, 0, 0)
    tiled.close()


def test_a_damaged_region_is_said_and_the_others_are_shown(
    own: tuple[Path, TestClient, str],
) -> None:
    path, client, key = own
    damage_stored_tile(path, 300, 300)
    answer = client.get(tile_address(client, key, 10, 1, 1))
    assert (answer.status_code, answer.json()["code"]) == (422, "SlideCorrupt")
    assert client.get(tile_address(client, key, 10, 0, 0)).status_code == 200


def test_a_slide_that_is_gone_is_said(own: tuple[Path, TestClient, str]) -> None:
    path, client, key = own
    address = tile_address(client, key, 10, 0, 0)
    assert client.get(address).status_code == 200
    path.unlink()
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "SlideNotFound")
    assert answer.json()["message"].startswith("own.svs does not exist.")


def test_a_slide_that_has_changed_is_not_mixed_with_what_it_was(
    own: tuple[Path, TestClient, str],
) -> None:
    path, client, key = own
    address = tile_address(client, key, 10, 0, 0)
    assert client.get(address).status_code == 200
    os.utime(path, (1, 1))
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "SlideChanged")
    assert "Load the page again" in answer.json()["message"]
    assert client.get(tile_address(client, key, 10, 0, 0)).status_code == 200


@pytest.mark.parametrize(
    ("slide_id", "code"),
    [
        ("zero", "SlideCorrupt"),
        ("gone", "SlideNotFound"),
        ("../../etc/passwd", "SlideNotFound"),
    ],
)
def test_a_broken_slide_says_why_and_names_no_folder(
    client: TestClient, keys: dict[str, str], cohort: Path, slide_id: str, code: str
) -> None:
    answer = client.get(f"/slides/{keys[slide_id]}/info.json")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert str(cohort.parent) not in answer.text
    assert client.get(f"/slides/{keys['good']}/info.json").status_code == 200


def test_info_tells_size_and_spacing(client: TestClient, keys: dict[str, str]) -> None:
    info = client.get(f"/slides/{keys['good']}/info.json").json()
    assert (info["width"], info["height"], info["mpp"], info["note"]) == (2048, 1536, 0.25, "")


def test_without_spacing_there_is_no_scale_bar(client: TestClient, keys: dict[str, str]) -> None:
    info = client.get(f"/slides/{keys['<script>alert(1)</script>']}/info.json").json()
    assert info["mpp"] is None
    assert info["note"].startswith("No scale bar: ")
