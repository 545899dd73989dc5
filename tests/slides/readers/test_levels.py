"""Levels are those of a file that are level 0 made smaller; the others are left out, and said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.readers.levels import true_levels
from msfusion_sdk.slides.tissue.overview import read_overview

from ..pictures import MPP, TILED, Pixels, padded, picture, smaller, write_pictures

pytestmark = pytest.mark.slow

CANVAS = picture(2000, 2000)
OBLONG = picture(2000, 1200)
MACRO = picture(160, 300, seed=5)


def cases() -> dict[str, tuple[list[Pixels], list[tuple[int, int]]]]:
    """Name → (pictures, sizes of the levels that are true)."""
    halves = [smaller(CANVAS, n) for n in (2, 4, 8)]
    true = [(2000, 2000), (1000, 1000), (500, 500), (250, 250)]
    label = picture(900, 2200, seed=7)
    return {
        "true": ([CANVAS, *halves], true),
        "decimated": ([CANVAS, CANVAS[::2, ::2], CANVAS[::4, ::4]], true[:3]),
        "sizes rounded up": ([CANVAS[:1999, :1999], *halves[:2]], [(1999, 1999), *true[1:3]]),
        "padded, square": ([CANVAS, *(padded(half, 384) for half in halves)], true[:1]),
        "padded a little": ([CANVAS, padded(halves[0], 128)], true[:1]),
        "padded, oblong": ([OBLONG, padded(smaller(OBLONG, 2), 384)], [(2000, 1200)]),
        "macro": ([CANVAS, MACRO, halves[1]], [true[0], true[2]]),
        "macro of the slide's shape": ([CANVAS, picture(500, 500, seed=3)], true[:1]),
        "mirrored": ([CANVAS, halves[0][:, ::-1]], true[:1]),
        "label larger than the slide": ([OBLONG, label, smaller(OBLONG, 4)],
                                        [(2000, 1200), (500, 300)]),
        "blank": ([CANVAS, np.full_like(halves[0], 244)], true[:1]),
        "blank, the last": ([CANVAS, halves[0], np.full_like(halves[1], 244)], true[:2]),
        "black": ([CANVAS, np.zeros_like(halves[0])], true[:1]),
        "the middle alone": ([CANVAS, CANVAS[500:1500, 500:1500].copy()], true[:1]),
        "as if YCbCr were RGB": ([CANVAS, cv2.cvtColor(halves[0], cv2.COLOR_RGB2YCrCb)], true[:1]),
        "red and blue exchanged": ([CANVAS, halves[0][..., ::-1].copy(), halves[1]],
                                   [true[0], true[2]]),
        "a level twice": ([CANVAS, halves[0], halves[0], halves[1]], true[:3]),
    }  # fmt: skip


@pytest.mark.parametrize("name", cases())
def test_levels_are_level_0_made_smaller(name: str, tmp_path: Path) -> None:
    pictures, expected = cases()[name]
    flags = [0, *[1] * (len(pictures) - 1)]
    path = write_pictures(tmp_path / "x.tif", list(zip(pictures, flags, strict=True)))
    with open_slide(path) as slide:
        assert list(slide.header.level_dimensions) == expected
        assert bool(slide.header.warnings) == (len(expected) < len(pictures))
        assert slide.header.level_downsamples == pytest.approx(
            [expected[0][0] / width for width, _ in expected], rel=0.01
        )


def test_a_mask_that_is_flagged_as_a_level_is_not_read_in_its_place(tmp_path: Path) -> None:
    half, path = smaller(CANVAS, 2), tmp_path / "x.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(CANVAS, **TILED)
        mask = np.tile(np.where(np.arange(1000) < 400, 255, 0).astype(np.uint8), (1000, 1))
        tiff.write(mask, subfiletype=1, photometric="minisblack", tile=(128, 128))
        tiff.write(half, subfiletype=1, **TILED)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        # As cloud-optimised TIFF has it: 4 is a mask, 1 is smaller.
        tiff.pages[1].tags["NewSubfileType"].overwrite(5)
    with open_slide(path) as slide:
        assert slide.header.level_dimensions == ((2000, 2000), (1000, 1000))
        found = slide.read((0, 0), 1, (1000, 1000)).pixels
    assert np.abs(found.astype(int) - half).mean() < 3


def test_a_level_that_is_absent_does_not_hide_the_slide(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "x.tif", [(CANVAS, 0), (smaller(CANVAS, 2), 1)])
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("TileOffsets", "TileByteCounts"):
            tag = tiff.pages[1].tags[name]
            tag.overwrite([0] * tag.count)
    with open_slide(path) as slide:
        assert slide.header.level_dimensions == ((2000, 2000),)
        assert not read_overview(slide, MPP, 8.0).missing.any()


def test_a_blank_slide_keeps_its_blank_levels(tmp_path: Path) -> None:
    glass = [np.full((edge, edge, 3), 244, np.uint8) for edge in (2000, 1000, 500)]
    flags = (0, 1, 1)
    with open_slide(
        write_pictures(tmp_path / "x.tif", list(zip(glass, flags, strict=True)))
    ) as slide:
        assert slide.level_count == 3


@pytest.mark.parametrize("name", ["padded, square", "macro", "mirrored", "blank", "black"])
def test_an_overview_shows_level_0(name: str, tmp_path: Path) -> None:
    pictures, _ = cases()[name]
    path = write_pictures(
        tmp_path / "x.tif", [(pixels, int(i > 0)) for i, pixels in enumerate(pictures)]
    )
    with open_slide(path) as slide:
        seen = read_overview(slide, MPP, 8.0).pixels
    expected = smaller(pictures[0], 16)[: seen.shape[0], : seen.shape[1]]
    assert np.abs(seen.astype(int) - expected).mean() < 4


def test_threads_and_processes_see_the_same_levels(
    tmp_path: Path, pickled: Callable[[Any], Any]
) -> None:
    path = write_pictures(tmp_path / "x.tif", [(CANVAS, 0), (MACRO, 1), (smaller(CANVAS, 4), 1)])
    with open_slide(path) as slide:
        expected = slide.read((0, 0), 1, (500, 500)).pixels
        for other in (slide.reopen(), pickled(slide)):
            assert other.header == slide.header
            np.testing.assert_array_equal(other.read((0, 0), 1, (500, 500)).pixels, expected)
            other.close()


@pytest.mark.parametrize(
    ("dimensions", "expected"),
    [
        # OpenSlide's test data: CMU-1.svs, CMU-1.ndpi, and a DICOM pyramid down to one pixel.
        (((46_000, 32_914), (11_500, 8228), (2875, 2057)), (0, 1, 2)),
        (((51_200, 38_144), (25_600, 19_072), (12_800, 9536), (6400, 4768)), (0, 1, 2, 3)),
        (((2220, 2967), (277, 370), (69, 92), (8, 11), (2, 2), (1, 1)), (0, 1, 2, 3, 4, 5)),
        (((46_000, 20_000), (512, 512)), (0,)),
        (((2048, 2048), (4_522_112, 128)), (0,)),
        (((100, 100), (100, 100)), (0,)),
    ],
)
def test_true_levels_of_known_slides(
    dimensions: tuple[tuple[int, int], ...], expected: tuple[int, ...]
) -> None:
    assert true_levels(dimensions) == expected


@pytest.mark.parametrize(
    ("part", "level", "value"),
    [
        (np.s_[1:2], 0, 255),
        (np.s_[1:2], 1, 0),
        (np.s_[0:1], 2, 255),
        (np.s_[:, 1:2], 3, 255),
        (np.s_[:, 0:1], 3, 0),
    ],
)
def test_a_level_of_which_half_is_blank_is_left_out(
    part: tuple[slice, ...], level: int, value: int, tmp_path: Path
) -> None:
    pictures = [CANVAS.copy(), *(smaller(CANVAS, n) for n in (2, 4, 8))]
    # A view of four quarters: the half is two of them.
    edge = pictures[level].shape[0] // 2
    pictures[level].reshape(2, edge, 2, edge, 3).swapaxes(1, 2)[part] = value
    path = write_pictures(
        tmp_path / "x.tif", [(pixels, int(i > 0)) for i, pixels in enumerate(pictures)]
    )
    kept = [1, 2, 4, 8] if level else [1]
    with open_slide(path) as slide:
        found = [2000 // width for width, _ in slide.level_dimensions]
        assert found == [n for n in kept if n != 2**level or not level]
        assert slide.header.warnings


def test_levels_with_noise_where_the_scanner_filled_in_nothing_stay(tmp_path: Path) -> None:
    # Glass that was not scanned is one colour on all levels, and specks of dust vanish on some.
    filled = CANVAS.copy()
    filled[:900] = 244
    filled[395:400, 995:1000] = 0
    pictures = [(filled, 0), *((smaller(filled, n), 1) for n in (2, 4, 8))]
    with open_slide(write_pictures(tmp_path / "x.tif", pictures)) as slide:
        assert slide.level_count == 4
