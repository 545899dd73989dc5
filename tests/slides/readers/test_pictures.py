"""Several pictures in one file, and pictures that are stored turned, are said or refused."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from msfusion_sdk.errors import SlideFormatError
from msfusion_sdk.slides import open_slide

from ..pictures import TILED, picture, smaller, write_pictures

CANVAS = picture(640, 480)


def test_a_thumbnail_before_the_slide_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "x.tif", [(smaller(CANVAS, 2), 0), (CANVAS, 0)])
    with pytest.raises(SlideFormatError, match=r"320 x 240 .* 640 x 480"):
        open_slide(path)


@pytest.mark.parametrize("flags", [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize("first", ["tiles", "strips"])
@pytest.mark.parametrize("second", ["tiles", "strips"])
def test_a_larger_picture_behind_is_refused_whatever_its_flag_and_layout(
    second: str, first: str, flags: tuple[int, int], tmp_path: Path
) -> None:
    # Where a larger level is taken for level 0, the spacing would be the thumbnail's.
    with tifffile.TiffWriter(tmp_path / "x.tif") as tiff:
        for image, flag, kind in (
            (smaller(CANVAS, 2), flags[0], first),
            (CANVAS, flags[1], second),
        ):
            layout = {} if kind == "tiles" else {"tile": None, "rowsperstrip": 64}
            tiff.write(image, subfiletype=flag, **{**TILED, **layout})
    for mpp in (None, 0.5):
        with pytest.raises(SlideFormatError, match=r"320 x 240 .* 640 x 480"):
            open_slide(tmp_path / "x.tif", mpp=mpp)


@pytest.mark.parametrize("compression", ["jpeg", None])
def test_of_focal_planes_the_first_is_read_and_it_is_said(
    compression: str | None, tmp_path: Path
) -> None:
    planes = [np.roll(CANVAS, 9 * i, 1) for i in range(5)]
    path = write_pictures(
        tmp_path / "x.tif", [(p, 0) for p in planes], compression=compression, compressionargs=None
    )
    with open_slide(path) as slide:
        assert "holds 5 pictures, several of one size" in slide.header.warnings[0]
        seen = slide.read((0, 0), 0, (640, 480)).pixels
    assert np.abs(seen.astype(int) - planes[0]).mean() < 3


def test_a_smaller_picture_beside_the_slide_is_said(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "x.tif", [(CANVAS, 0), (picture(300, 100), 0)])
    with open_slide(path) as slide:
        assert "holds 2 pictures, and the first, of 640 x 480" in slide.header.warnings[0]


def test_levels_without_their_flag_are_no_other_pictures(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "x.tif", [(CANVAS, 0), (smaller(CANVAS, 2), 0)])
    with open_slide(path) as slide:
        assert slide.header.warnings == ()


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("description", ["", "Aperio Image Library v11\n640x480 |MPP = 0.5"])
def test_the_orientation_tag_is_said(description: str, orientation: int, tmp_path: Path) -> None:
    tag = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "x.tif", CANVAS, extratags=tag, description=description, **TILED)
    with open_slide(tmp_path / "x.tif") as slide:
        assert f"Orientation tag is {orientation}" in slide.header.warnings[0]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_plain_image_is_turned_as_its_tag_says(suffix: str, tmp_path: Path) -> None:
    image = Image.fromarray(CANVAS)
    exif = image.getexif()
    exif[274] = 6
    image.save(tmp_path / f"x{suffix}", exif=exif, quality=95)
    with open_slide(tmp_path / f"x{suffix}", mpp=0.5) as slide:
        assert slide.dimensions == (480, 640)
        assert "Orientation tag is 6" in slide.header.warnings[0]
        seen = slide.read((0, 0), 0, (480, 640)).pixels
    # 6: what is stored as the first row is the right edge of the picture.
    assert np.abs(seen.astype(int) - np.rot90(CANVAS, -1)).mean() < 4


def test_a_plain_image_of_several_pages_says_which_is_read(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.roll(CANVAS, 9 * i, 1)) for i in range(3)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    with open_slide(tmp_path / "x.tif", mpp=0.5) as slide:
        assert "holds 3 pictures" in slide.header.warnings[0]
