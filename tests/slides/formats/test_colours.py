"""Colours are those that were stored, whatever holds them: samples, markers, planes or strips."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from msfusion_sdk.errors import SlideFormatError
from msfusion_sdk.slides import open_slide

from ..pictures import Pixels, picture, rewrite_tiles, smaller

IMAGE = picture(500, 400)
HALF = smaller(IMAGE, 2)
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
# Adobe's segment with the transform that the tile does not have.
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
LEVELS = pytest.mark.parametrize("levels", [1, 2])
"""One level is opened by OpenSlide where it can; two lie in SubIFDs, which it does not see."""


def write(path: Path, levels: int, image: Pixels = IMAGE, **options: object) -> Path:
    keys = {"photometric": "rgb", "tile": (128, 128), "compression": "deflate", **options}
    axes = "SYX" if options.get("planarconfig") == "separate" else "YXS"
    steps = (..., slice(None, None, 2), slice(None, None, 2))
    half = image[steps] if axes == "SYX" else image[::2, ::2]
    with tifffile.TiffWriter(path, ome=True) as tiff:
        metadata = {"axes": axes, "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        tiff.write(image, subifds=levels - 1, metadata=metadata, **keys)
        if levels > 1:
            tiff.write(np.ascontiguousarray(half), subfiletype=1, **keys)
    return path


def shown(path: Path) -> Pixels:
    with open_slide(path) as slide:
        return slide.read((0, 0), 0, slide.dimensions).pixels


@LEVELS
def test_a_fourth_sample_without_a_meaning_is_no_alpha(levels: int, tmp_path: Path) -> None:
    four = np.dstack([IMAGE, np.full(IMAGE.shape[:2], 100, np.uint8)])
    path = write(tmp_path / "x.ome.tif", levels, four, extrasamples=["unspecified"])
    np.testing.assert_array_equal(shown(path), IMAGE)


@LEVELS
@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha"])
def test_alpha_is_laid_on_white(kind: str, levels: int, tmp_path: Path) -> None:
    # TIFF 6.0, page 31: with associated alpha the colours are stored multiplied by it.
    share = 100 / 255
    stored = np.rint(IMAGE * share).astype(np.uint8) if kind == "assocalpha" else IMAGE
    four = np.dstack([stored, np.full(IMAGE.shape[:2], 100, np.uint8)])
    path = write(tmp_path / "x.ome.tif", levels, four, extrasamples=[kind])
    expected = IMAGE * share + 255 * (1 - share)
    assert np.abs(shown(path) - expected).max() <= 1


@LEVELS
@pytest.mark.parametrize("compression", [None, "deflate", "lzw"])
def test_ycbcr_without_jpeg_becomes_rgb(
    compression: str | None, levels: int, tmp_path: Path
) -> None:
    ycbcr = np.ascontiguousarray(cv2.cvtColor(IMAGE, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]])
    path = write(
        tmp_path / "x.ome.tif", levels, ycbcr, photometric="ycbcr", compression=compression,
        extratags=[(530, "H", 2, (1, 1), True)],
    )  # fmt: skip
    assert np.abs(shown(path).astype(int) - IMAGE).max() <= 1


def test_ycbcr_of_half_its_range_is_refused_and_not_stretched(tmp_path: Path) -> None:
    black_white = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    path = write(
        tmp_path / "x.ome.tif", 2, photometric="ycbcr",
        extratags=[(530, "H", 2, (1, 1), True), (532, "2I", 6, black_white, True)],
    )  # fmt: skip
    with pytest.raises(SlideFormatError, match="reference black and white"):
        open_slide(path)


@LEVELS
@pytest.mark.parametrize("segment", [JFIF, ADOBE + b"\1", JFIF + ADOBE + b"\1"])
def test_a_wrong_marker_does_not_make_ycbcr_of_rgb(
    segment: bytes, levels: int, tmp_path: Path
) -> None:
    options = {"compression": "jpeg", "compressionargs": {"level": 95, "outcolorspace": "rgb"}}
    path = write(tmp_path / "x.ome.tif", levels, **options)
    before = shown(path)
    rewrite_tiles(path, lambda data: data[:2] + segment + data[2:])
    np.testing.assert_array_equal(shown(path), before)
    assert np.abs(before.astype(int) - IMAGE).mean() < 3


@LEVELS
def test_a_wrong_marker_does_not_make_rgb_of_ycbcr(levels: int, tmp_path: Path) -> None:
    options = {"compression": "jpeg", "compressionargs": {"level": 95, "outcolorspace": "ycbcr"}}
    path = write(tmp_path / "x.ome.tif", levels, **options)
    before = shown(path)
    rewrite_tiles(path, lambda data: data.replace(JFIF, ADOBE + b"\0", 1))
    np.testing.assert_array_equal(shown(path), before)


@LEVELS
@pytest.mark.parametrize("held", ["rgb", "ycbcr"])
def test_tiles_that_contradict_the_tag_are_what_they_say(
    held: str, levels: int, tmp_path: Path
) -> None:
    options = {"compression": "jpeg", "compressionargs": {"level": 95, "outcolorspace": held}}
    path = write(tmp_path / "x.ome.tif", levels, **options)
    expected = shown(path)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tags = tiff.pages.first.tags
        tags["PhotometricInterpretation"].overwrite(2 if held == "ycbcr" else 6)
    np.testing.assert_array_equal(shown(path), expected)
    assert np.abs(expected.astype(int) - IMAGE).mean() < 3


@LEVELS
@pytest.mark.parametrize("layout", ["planes", "strips"])
def test_jpeg_in_other_layouts_has_tifffiles_pixels(
    layout: str, levels: int, tmp_path: Path
) -> None:
    options: dict[str, object] = {"compression": "jpeg", "compressionargs": {"level": 95}}
    image = np.moveaxis(IMAGE, -1, 0).copy() if layout == "planes" else IMAGE
    options |= {"planarconfig": "separate"} if layout == "planes" else {}
    options |= {"tile": None, "rowsperstrip": 64} if layout == "strips" else {}
    path = write(tmp_path / "x.ome.tif", levels, image, **options)
    expected = tifffile.imread(path, series=0, level=0)
    expected = np.moveaxis(expected, 0, -1) if layout == "planes" else expected
    np.testing.assert_array_equal(shown(path), expected)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".svs"])
@pytest.mark.parametrize("profile", ["sRGB", "LAB", "damaged"])
def test_a_colour_profile_changes_no_pixel(profile: str, suffix: str, tmp_path: Path) -> None:
    icc = b"\0" * 200
    if profile != "damaged":
        icc = ImageCms.ImageCmsProfile(ImageCms.createProfile(profile)).tobytes()
    path = tmp_path / f"x{suffix}"
    if suffix == ".svs":
        tiles = {"tile": (128, 128), "compression": "deflate", "metadata": None}
        tifffile.imwrite(path, IMAGE, photometric="rgb", iccprofile=icc, **tiles)
    else:
        Image.fromarray(IMAGE).save(path, icc_profile=icc)
    with open_slide(path, mpp=0.5) as slide:
        np.testing.assert_array_equal(slide.read((0, 0), 0, (500, 400)).pixels, IMAGE)
