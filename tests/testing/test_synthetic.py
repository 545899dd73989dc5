import hashlib
from pathlib import Path

import numpy as np
import openslide
import pytest

from msfusion_sdk.testing import Tissue, damage_stored_tile, make_slide
from msfusion_sdk.testing.tissue import he_texture, tissue_map

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", [(1000, 700), (1024, 512), (257, 255), (16, 16), (1, 1)])
def test_openslide_reads_any_size_as_aperio(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make_slide(tmp_path / "x.svs", *size)
    with openslide.OpenSlide(path) as slide:
        assert slide.dimensions == size
        assert slide.properties["openslide.vendor"] == "aperio"
        slide.read_region((0, 0), slide.level_count - 1, slide.level_dimensions[-1])


def test_levels_are_those_that_were_asked_for(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "x.svs", 1600, 800, downsamples=(1, 2, 8))
    with openslide.OpenSlide(path) as slide:
        assert slide.level_dimensions == ((1600, 800), (800, 400), (200, 100))


@pytest.mark.parametrize(("mpp", "power"), [(0.25, "40"), (0.5, "20"), (0.2, "50")])
def test_spacing_and_power_are_in_the_header(tmp_path: Path, mpp: float, power: str) -> None:
    with openslide.OpenSlide(make_slide(tmp_path / "x.svs", 300, 200, mpp=mpp)) as slide:
        assert float(slide.properties["openslide.mpp-x"]) == mpp
        assert slide.properties["openslide.objective-power"] == power


def test_a_slide_without_spacing_has_none(tmp_path: Path) -> None:
    with openslide.OpenSlide(make_slide(tmp_path / "x.svs", 300, 200, mpp=None)) as slide:
        assert "openslide.mpp-x" not in slide.properties


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    paths = [
        make_slide(tmp_path / f"{i}.svs", 900, 700, seed=seed) for i, seed in enumerate((3, 3, 4))
    ]
    first, same, other = (hashlib.sha256(path.read_bytes()).digest() for path in paths)
    assert first == same != other


@pytest.mark.parametrize(
    ("kind", "coverage", "share"),
    [("none", 0.4, 0.0), ("full", 0.4, 1.0), ("resection", 0.3, 0.3), ("core", 0.1, 0.1)],
)
def test_tissue_covers_the_share_that_was_asked_for(
    kind: Tissue, coverage: float, share: float
) -> None:
    assert tissue_map(kind, 300, 200, coverage, 0).mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_texture_repeats_without_a_seam(axis: int) -> None:
    texture = he_texture(0).astype(float)
    repeated = np.concatenate([texture, texture], axis)
    # Second differences: a blur that stops at the border leaves a kink there.
    kinks = np.abs(np.diff(repeated, 2, axis)).mean((1 - axis, 2))
    assert kinks[1020:1027].max() < 1.2 * kinks.max(where=np.arange(len(kinks)) < 1000, initial=0)


def test_all_levels_show_the_same_place(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "x.svs", 3200, 2400, mpp=0.3, tissue="full")
    with openslide.OpenSlide(path) as slide:
        for x, y in [(0, 0), (1600, 1200), (2400, 1600)]:
            fine = slide.read_region((x, y), 0, (640, 640)).convert("RGB").resize((40, 40), 4)
            coarse = slide.read_region((x, y), 2, (40, 40)).convert("RGB")
            difference = np.asarray(fine).astype(float) - np.asarray(coarse)
            assert np.corrcoef(np.asarray(fine).ravel(), np.asarray(coarse).ravel())[0, 1] > 0.9
            assert np.abs(difference).mean() < 8


def test_damage_hits_the_stored_tile_of_the_pixel_and_no_other(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "x.svs", 1000, 700)
    assert damage_stored_tile(path, 300, 600) == (256, 512, 256, 256)
    with openslide.OpenSlide(path) as slide:
        slide.read_region((0, 0), 0, (256, 700))
        with pytest.raises(openslide.OpenSlideError):
            slide.read_region((256, 512), 0, (10, 10))
