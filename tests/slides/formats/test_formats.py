"""Formats beyond OpenSlide: every pixel is that of the library's own reading."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from msfusion_sdk.errors import SlideCorruptError, SlideFormatError, SlidePixelTypeError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.tissue.overview import read_overview

from ..pictures import Pixels, padded, picture, smaller

pytestmark = pytest.mark.slow

IMAGE = picture(700, 500)
LEVELS = [IMAGE, smaller(IMAGE, 2), smaller(IMAGE, 4)]


def write_ome(path: Path, *, order: str = "<", unit: str = "µm", size: float = 0.5,
              levels: int = 3, big: bool = False, **options: object) -> Path:  # fmt: skip
    """As QuPath and bfconvert write it: levels in SubIFDs, spacing in OME-XML."""
    size_of = {f"PhysicalSize{axis}": size for axis in "XY"}
    units = {f"PhysicalSize{axis}Unit": unit for axis in "XY"}
    keys = {"photometric": "rgb", "tile": (128, 128), "compression": "jpeg", **options}
    with tifffile.TiffWriter(path, byteorder=order, ome=True, bigtiff=big) as tiff:
        metadata = {"axes": "YXS", **size_of, **units}
        tiff.write(LEVELS[0], subifds=levels - 1, metadata=metadata, **keys)
        for level in LEVELS[1:levels]:
            tiff.write(level, subfiletype=1, **keys)
    return path


def assert_pixels(path: Path, expected: list[Pixels]) -> None:
    """Compare every level, whole and in pieces that cut stored tiles and reach over the edge."""
    with open_slide(path, mpp=0.5) as slide:
        sizes = tuple((level.shape[1], level.shape[0]) for level in expected)
        assert slide.header.level_dimensions == sizes
        for number, level in enumerate(expected):
            whole = slide.read((0, 0), number, sizes[number])
            np.testing.assert_array_equal(whole.pixels, level)
            assert whole.transparent_px == 0
        for x, y in itertools.product(range(0, 700, 230), range(0, 500, 190)):
            region = slide.read((x, y), 0, (230, 190))
            part = expected[0][y : y + 190, x : x + 230]
            np.testing.assert_array_equal(region.pixels[: part.shape[0], : part.shape[1]], part)
            assert region.transparent_px == 230 * 190 - part.shape[0] * part.shape[1]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", ["jpeg", "deflate", "lzw", None, "zstd", "jpeg2000"])
def test_ome_tiff_has_tifffiles_pixels(
    compression: str | None, big: bool, order: str, tmp_path: Path
) -> None:
    path = write_ome(tmp_path / "x.ome.tif", order=order, compression=compression, big=big)
    with tifffile.TiffFile(path) as tiff:
        expected = [level.asarray() for level in tiff.series[0].levels]
    assert_pixels(path, expected)
    with open_slide(path) as slide:
        assert slide.spacing().mpp == 0.5


@pytest.mark.parametrize("options", [{"planarconfig": "separate"}, {"tile": None}],
                         ids=["planar", "strips"])  # fmt: skip
def test_other_layouts_of_ome_tiff(options: dict[str, object], tmp_path: Path) -> None:
    keys = {"photometric": "rgb", "compression": "deflate", "tile": (128, 128), **options}
    image = np.moveaxis(IMAGE, -1, 0) if "planarconfig" in options else IMAGE
    axes = "SYX" if "planarconfig" in options else "YXS"
    with tifffile.TiffWriter(tmp_path / "x.ome.tif", byteorder=">", ome=True) as tiff:
        tiff.write(
            image, metadata={"axes": axes, "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}, **keys
        )
    assert_pixels(tmp_path / "x.ome.tif", [IMAGE])


@pytest.mark.parametrize(
    ("unit", "size"), [("µm", 0.25), ("nm", 250.0), ("mm", 0.00025), ("cm", 0.000025)]
)
@pytest.mark.parametrize("levels", [1, 3])
def test_spacing_has_its_unit(levels: int, unit: str, size: float, tmp_path: Path) -> None:
    path = write_ome(tmp_path / "x.ome.tif", unit=unit, size=size, levels=levels)
    with open_slide(path) as slide:
        assert slide.spacing().mpp == pytest.approx(0.25)


@pytest.mark.parametrize("levels", [1, 3])
def test_spacing_is_that_of_the_tags_where_ome_xml_has_none(levels: int, tmp_path: Path) -> None:
    tags = {"resolution": (2e4, 2e4), "resolutionunit": "CENTIMETER"}
    path = write_ome(tmp_path / "x.ome.tif", unit="pixel", levels=levels, **tags)
    with open_slide(path) as slide:
        assert slide.spacing().mpp == pytest.approx(0.5)


def test_an_overview_of_ome_tiff_reads_the_small_level(tmp_path: Path) -> None:
    with open_slide(write_ome(tmp_path / "x.ome.tif")) as slide:
        assert read_overview(slide, 0.5, 2.0).px_read == 175 * 125


def test_a_damaged_tile_is_corrupt_and_costs_nothing_else(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "x.ome.tif", order=">")
    with tifffile.TiffFile(path) as tiff:
        place, length = tiff.pages.first.dataoffsets[8], tiff.pages.first.databytecounts[8]
    with path.open("r+b") as file:
        file.seek(place + length // 2)
        file.write(b"\xff\xd9" * (length // 4))
    with open_slide(path) as slide:
        with pytest.raises(SlideCorruptError, match="Copy the slide again"):
            slide.read((300, 200), 0, (50, 50))
        assert slide.read((0, 0), 0, (100, 100)).pixels.shape == (100, 100, 3)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("axes", ["cyx", "tczyx", "yxc"])
def test_ome_zarr_has_its_arrays_pixels(axes: str, version: int, tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "x.zarr", axes, version)
    assert_pixels(path, LEVELS)
    with open_slide(path) as slide:
        assert slide.spacing().mpp == pytest.approx(0.5)
        assert slide.header.vendor == "OME-Zarr"


def write_zarr(path: Path, axes: str, version: int, images: list[Pixels] = LEVELS) -> Path:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    for number, level in enumerate(images):
        order = [("yxc").index(axis) for axis in axes if axis in "yxc"]
        data = np.transpose(level, order)
        data = data.reshape([data.shape[[a for a in axes if a in "yxc"].index(axis)]
                             if axis in "yxc" else 1 for axis in axes])  # fmt: skip
        group.create_array(str(number), data=data, chunks=tuple(min(128, n) for n in data.shape))
    kinds = {"c": "channel", "t": "time"}
    listed = [
        {"name": axis, "type": kinds.get(axis, "space")}
        | ({"unit": "micrometer"} if axis in "xy" else {})
        for axis in axes
    ]
    scales = [[0.5 * 2**n if axis in "xy" else 1.0 for axis in axes] for n in range(len(images))]
    multiscales = [{
        "axes": listed,
        "datasets": [{"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": s}]}
                     for n, s in enumerate(scales)],
    }]  # fmt: skip
    group.attrs.update({"ome": {"multiscales": multiscales}} if version == 3
                       else {"multiscales": multiscales})  # fmt: skip
    return path


def test_a_zarr_that_is_no_picture_is_named(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    zarr.open_group(str(tmp_path / "x.zarr"), mode="w")
    with pytest.raises(SlideFormatError, match="without the metadata of an OME-Zarr"):
        open_slide(tmp_path / "x.zarr")


def test_channels_of_fluorescence_are_named(tmp_path: Path) -> None:
    images = [np.zeros((200, 300, 5), np.uint8)]
    with pytest.raises(SlidePixelTypeError, match="5 channels"):
        open_slide(write_zarr(tmp_path / "x.zarr", "cyx", 2, images))


LARGE = picture(1200, 1200)
FALSE_LEVELS = {
    "mirrored": smaller(LARGE, 2)[::-1],
    "padded": padded(smaller(LARGE, 2), 384),
    "blank": np.full((600, 600, 3), 244, np.uint8),
}


@pytest.mark.parametrize("name", FALSE_LEVELS)
def test_a_level_of_a_zarr_that_shows_something_else_is_left_out(name: str, tmp_path: Path) -> None:
    images = [LARGE, np.ascontiguousarray(FALSE_LEVELS[name]), smaller(LARGE, 4)]
    with open_slide(write_zarr(tmp_path / "x.zarr", "cyx", 2, images)) as slide:
        assert slide.header.level_dimensions == ((1200, 1200), (300, 300))
        assert "levels left out" in slide.header.warnings[0]


@pytest.mark.parametrize("version", [2, 3])
def test_a_zarr_without_chunks_holds_no_pixels(version: int, tmp_path: Path) -> None:
    # Zarr shows what is not stored as its fill value: black, which is no fluorescence.
    path = write_zarr(tmp_path / "x.zarr", "cyx", version)
    for file in (path / "0").rglob("*"):
        if file.is_file() and file.name not in (".zarray", ".zattrs", "zarr.json"):
            file.unlink()
    with pytest.raises(SlideCorruptError, match="no pixels"):
        open_slide(path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("axes", ["cyx", "yxc", "tczyx"])
def test_a_chunk_that_a_copy_lost_is_missing_and_not_black(
    axes: str, version: int, tmp_path: Path
) -> None:
    path = write_zarr(tmp_path / "x.zarr", axes, version)
    place = [{"y": "1", "x": "2"}.get(axis, "0") for axis in axes]
    if version == 2:
        (path / "0" / ".".join(place)).unlink()
    else:
        Path(path, "0", "c", *place).unlink()
    with open_slide(path) as slide:
        region = slide.read((200, 100), 0, (250, 200))
    expected = IMAGE[100:300, 200:450].copy()
    # Stored in chunks of 128 x 128: rows 128 to 256, columns 256 to 384.
    expected[28:156, 56:184] = 255
    np.testing.assert_array_equal(region.pixels, expected)
    assert region.transparent_px == 128 * 128


def test_a_label_before_the_picture_of_a_zarr_is_refused_with_both_sizes(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    zarr.open_group(str(tmp_path / "x.zarr"), mode="w", zarr_format=2)
    write_zarr(tmp_path / "x.zarr" / "0", "cyx", 2, [smaller(IMAGE, 4)])
    write_zarr(tmp_path / "x.zarr" / "1", "cyx", 2)
    with pytest.raises(SlideFormatError, match=r"175 x 125 .* 700 x 500"):
        open_slide(tmp_path / "x.zarr")
    with open_slide(tmp_path / "x.zarr" / "1") as slide:
        assert slide.dimensions == (700, 500)


def test_levels_of_a_zarr_from_small_to_large_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SlideFormatError, match="from large to small"):
        open_slide(write_zarr(tmp_path / "x.zarr", "cyx", 2, LEVELS[::-1]))


@pytest.mark.parametrize(
    "change",
    [
        {"axes": [{"name": "c"}, {"name": "y"}]},
        {"axes": [{"name": name} for name in "cab"]},
        {"datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale"}]}]},
        {"coordinateTransformations": [{"type": "scale", "scale": [1, "a", 1]}]},
        {"coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]},
        {"datasets": [{"path": "7"}]},
    ],
)
def test_metadata_of_a_zarr_that_make_no_sense_are_named(
    change: dict[str, Any], tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(write_zarr(tmp_path / "x.zarr", "cyx", 2)), mode="a")
    group.attrs["multiscales"] = [{**group.attrs["multiscales"][0], **change}]
    with pytest.raises(SlideFormatError, match="metadata of an OME-Zarr"):
        open_slide(tmp_path / "x.zarr")


def test_czi_has_the_librarys_pixels(tmp_path: Path, pickled: Callable[[Any], Any]) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    with czi.create_czi(str(tmp_path / "x.czi")) as document:
        document.write(np.ascontiguousarray(IMAGE[..., ::-1]), location=(-40, 30))
        document.write_metadata(scale_x=0.5e-6, scale_y=0.5e-6)
    assert_pixels(tmp_path / "x.czi", [IMAGE])
    with open_slide(tmp_path / "x.czi") as slide:
        assert slide.spacing().mpp == pytest.approx(0.5)
        other = pickled(slide)
        np.testing.assert_array_equal(other.read((0, 0), 0, (700, 500)).pixels, IMAGE)


@pytest.mark.parametrize("tag", ["TileWidth", "TileLength"])
def test_a_level_of_impossible_stored_tiles_is_corrupt(tag: str, tmp_path: Path) -> None:
    path = write_ome(tmp_path / "x.ome.tif")
    for value in (0, 60_000):
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            tiff.pages.first.pages[0].aspage().tags[tag].overwrite(value)
        with pytest.raises(SlideCorruptError, match="damaged TIFF directory"):
            open_slide(path)
