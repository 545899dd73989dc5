"""Every way a slide can be wrong has its own error, at once, with what to do next."""

import gzip
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from msfusion_sdk.errors import (
    SlideAccessError,
    SlideChangedError,
    SlideCorruptError,
    SlideError,
    SlideFormatError,
    SlideGeometryError,
    SlideNotFoundError,
    SlidePixelTypeError,
    SlideTooLargeError,
)
from msfusion_sdk.slides import open_slide
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow

RGB = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)


def missing(folder: Path) -> Path:
    return folder / "no.svs"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_bytes(b"x")
    return folder / "file" / "slide.svs"


def link_loop(folder: Path) -> Path:
    (folder / "a.svs").symlink_to(folder / "b.svs")
    (folder / "b.svs").symlink_to(folder / "a.svs")
    return folder / "a.svs"


def empty_folder(folder: Path) -> Path:
    return folder


def pipe(folder: Path) -> Path:
    if os.name == "nt":
        pytest.skip("Windows has no such pipes")
    os.mkfifo(folder / "pipe.svs")
    return folder / "pipe.svs"


def zero_bytes(folder: Path) -> Path:
    (folder / "zero.svs").touch()
    return folder / "zero.svs"


def text_named_svs(folder: Path) -> Path:
    (folder / "text.svs").write_text("This is not a slide." * 50)
    return folder / "text.svs"


def text(folder: Path) -> Path:
    (folder / "notes.txt").write_text("This is not a slide." * 50)
    return folder / "notes.txt"


def only_magic(folder: Path) -> Path:
    (folder / "magic.tif").write_bytes(b"II*\0")
    return folder / "magic.tif"


def mrxs_without_folder(folder: Path) -> Path:
    Image.fromarray(RGB).save(folder / "slide.jpg")
    return (folder / "slide.jpg").rename(folder / "slide.mrxs")


def random_tiff(folder: Path) -> Path:
    noise = np.random.default_rng(0).bytes(2000)
    (folder / "noise.tif").write_bytes(b"II*\0\x10\0\0\0" + noise)
    return folder / "noise.tif"


def truncated_png(folder: Path) -> Path:
    Image.fromarray(RGB).save(folder / "cut.png")
    os.truncate(folder / "cut.png", 900)
    return folder / "cut.png"


def tiff(name: str, pixels: np.ndarray, **options: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / "x.tif", pixels, **options)
        return folder / "x.tif"

    make.__name__ = name
    return make


def image(name: str, mode: str, suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        Image.fromarray(RGB).convert(mode).save(folder / f"x{suffix}")
        return folder / f"x{suffix}"

    make.__name__ = name
    return make


def sixteen_bit_png(folder: Path) -> Path:
    cv2.imwrite(str(folder / "x.png"), RGB.astype(np.uint16) * 257)
    return folder / "x.png"


def blank_png(name: str, size: tuple[int, int]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        # One bit per pixel compresses to a few kilobytes.
        Image.new("1", size).save(folder / "big.png")
        return folder / "big.png"

    make.__name__ = name
    return make


CASES = [
    (missing, SlideNotFoundError, "does not exist"),
    (below_a_file, SlideNotFoundError, "does not exist"),
    (link_loop, SlideNotFoundError, "loop of symbolic links"),
    (empty_folder, SlideFormatError, "folder without DICOM"),
    (pipe, SlideFormatError, "named pipe"),
    (zero_bytes, SlideCorruptError, "0 bytes"),
    (text_named_svs, SlideCorruptError, "not TIFF"),
    (text, SlideFormatError, "not a slide"),
    (only_magic, SlideCorruptError, "shorter than a TIFF header"),
    (mrxs_without_folder, SlideFormatError, "companion folder"),
    (random_tiff, SlideCorruptError, "TIFF"),
    (truncated_png, SlideCorruptError, "cannot be decoded"),
    (sixteen_bit_png, SlidePixelTypeError, "16-bit"),
    (image("palette_png", "P", ".png"), SlidePixelTypeError, "mode P"),
    (image("grey_png", "L", ".png"), SlidePixelTypeError, "mode L"),
    (image("cmyk_jpeg", "CMYK", ".jpg"), SlidePixelTypeError, "CMYK"),
    (image("cmyk_tiff", "CMYK", ".tif"), SlidePixelTypeError, "photometric"),
    (image("palette_tiff", "P", ".tif"), SlidePixelTypeError, "palette"),
    (
        tiff("sixteen_bit_tiff", RGB.astype(np.uint16), photometric="rgb"),
        SlidePixelTypeError,
        "16-bit",
    ),
    (
        tiff("float_tiff", RGB / np.float32(255), photometric="rgb"),
        SlidePixelTypeError,
        "floating-point",
    ),
    (tiff("grey_tiff", RGB[..., 0]), SlidePixelTypeError, "greyscale"),
    (
        tiff("five_channels", np.zeros((5, 64, 64), np.uint8), photometric="minisblack"),
        SlidePixelTypeError,
        "fluorescence",
    ),
    (blank_png("over_100_megapixels", (10_100, 10_000)), SlideTooLargeError, "10100 x 10000"),
    (blank_png("bomb", (14_000, 13_000)), SlideTooLargeError, "over 179 megapixels"),
]


@pytest.mark.parametrize(("make", "kind", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_each_bad_input_has_its_own_error(
    make: Callable[[Path], Path], kind: type[SlideError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words) as caught:
        open_slide(make(tmp_path), mpp=0.25)
    assert type(caught.value) is kind


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95, 0.999])
def test_a_truncated_slide_is_corrupt_even_when_mpp_is_given(slide: Path, share: float) -> None:
    os.truncate(slide, int(slide.stat().st_size * share))
    with pytest.raises(SlideCorruptError, match="truncated"):
        open_slide(slide, mpp=0.25)


def test_a_loop_of_tiff_directories_is_corrupt(
    slide: Path, loop_directories: Callable[[Path], Path]
) -> None:
    with pytest.raises(SlideCorruptError, match="loop of TIFF directories"):
        open_slide(loop_directories(slide), mpp=0.25)


@pytest.mark.parametrize("tag", ["TileWidth", "TileLength"])
def test_an_absurd_stored_tile_is_refused_before_it_is_decoded(
    slide: Path, patch_tag: Callable[..., Path], tag: str
) -> None:
    with pytest.raises(SlideGeometryError, match="stored tiles"):
        open_slide(patch_tag(slide, tag, 1 << 30))


def test_a_stored_tile_of_absurd_length_is_refused_before_it_is_allocated(slide: Path) -> None:
    with tifffile.TiffFile(slide) as tiff:
        place = tiff.pages[2].tags["TileByteCounts"].valueoffset
    with slide.open("r+b") as file:
        file.seek(place)
        file.write(struct.pack("<I", 1 << 31))
    with pytest.raises(SlideGeometryError, match=f"a stored tile of {1 << 31} bytes"):
        open_slide(slide)


@pytest.mark.parametrize(("tag", "value"), [("ImageWidth", 1500 ^ 0x400), ("ImageLength", 70_000)])
def test_flipped_dimensions_do_not_fit_the_list_of_stored_tiles(
    slide: Path, patch_tag: Callable[..., Path], tag: str, value: int
) -> None:
    with pytest.raises(SlideGeometryError, match="lists 30"):  # 6 across x 5 down
        open_slide(patch_tag(slide, tag, value))


def test_a_plain_image_without_mpp_says_how_to_pass_it(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.png")
    with pytest.raises(SlideFormatError, match=r"--mpp 0\.25"):
        open_slide(tmp_path / "x.png")


@pytest.mark.posix
@pytest.mark.process
def test_a_file_without_permission_is_an_access_error(tmp_path: Path, slide: Path) -> None:
    slide.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(SlideAccessError):
            open_slide(slide)
        return
    # Root may read everything: become nobody, once all modules are imported.
    program = (
        "import os, sys; from msfusion_sdk.slides import open_slide\n"
        "from msfusion_sdk.errors import SlideAccessError\n"
        "os.chdir(sys.argv[1]); os.setuid(65534)\n"
        "try: open_slide('slide.svs')\n"
        "except SlideAccessError: sys.exit(7)\n"
    )
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:2]:
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == 7


@pytest.mark.parametrize(
    "name",
    [b"a b.svs", b"new\nline.svs", "größe µ.svs".encode(), b"q'\"$(x).svs", b"\xff\xfe.svs"],
)
def test_any_file_name_opens_as_text_and_as_bytes(name: bytes, slide: Path) -> None:
    path = slide.rename(slide.parent / os.fsdecode(name))
    for spelling in (path, os.fsencode(path)):
        with open_slide(spelling) as opened:
            assert opened.dimensions == (1500, 1200)


def test_the_content_decides_and_not_the_extension(slide: Path) -> None:
    with open_slide(slide.rename(slide.with_suffix(".jpg"))) as opened:
        assert opened.header.vendor == "aperio"


@pytest.mark.parametrize(
    ("old", "new"), [(b"AppMag", b"App\xe9ag"), (b"AppMag = 40", b"AppMag = \xe90")]
)
def test_undecodable_properties_do_no_harm(slide: Path, old: bytes, new: bytes) -> None:
    slide.write_bytes(slide.read_bytes().replace(old, new))
    with open_slide(slide) as opened:
        assert opened.header.magnification is None
        assert opened.spacing().mpp == 0.25


def test_a_relative_path_stays_valid_after_chdir(
    slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(slide.parent)
    with open_slide(slide.name) as opened:
        monkeypatch.chdir("/")
        assert opened.read((0, 0), 0, (8, 8)).pixels.shape == (8, 8, 3)


def test_a_replaced_file_is_changed_and_stays_so(slide: Path) -> None:
    with open_slide(slide) as opened:
        make_slide(slide.with_name("new.svs"), 1500, 1200, seed=1).replace(slide)
        for _ in range(2):
            with pytest.raises(SlideChangedError, match="replaced or modified") as caught:
                opened.require_unchanged()
    assert caught.value.retryable


def test_reading_a_file_whose_content_was_replaced_is_changed(slide: Path) -> None:
    with open_slide(slide) as opened:
        slide.write_bytes(b"not a slide at all")
        for _ in range(2):
            with pytest.raises(SlideChangedError):
                opened.read((0, 0), 0, (64, 64))


def test_an_unlinked_file_is_not_found(slide: Path) -> None:
    with open_slide(slide) as opened:
        slide.unlink()
        for _ in range(2):
            with pytest.raises(SlideNotFoundError):
                opened.read((0, 0), 0, (64, 64))


def test_a_pickled_slide_refuses_another_file_of_its_name(slide: Path) -> None:
    with open_slide(slide) as opened:
        text = pickle.dumps(opened)
        make_slide(slide, 1500, 1200, seed=1)
        with pytest.raises(SlideChangedError):
            pickle.loads(text)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("broken/histolab-broken.svs", SlideCorruptError),
        ("broken/unopenable.tiff", SlideFormatError),
        ("broken/unreadable.svs", SlideCorruptError),
        ("unsupported/dicom_jpegls", SlideFormatError),
        ("unsupported/dicom_jpegls/sm_image_jpegls.dcm", SlideFormatError),
        ("unsupported/histolab-kidney-plain-rgb.tif", SlideFormatError),
        ("unsupported/large_image-grey10kx5k.tif", SlidePixelTypeError),
        ("unsupported/large_image-rgb16_geotiff.tiff", SlidePixelTypeError),
    ],
)
def test_real_broken_and_unsupported_files(shared: Path, name: str, kind: type[SlideError]) -> None:
    with pytest.raises(kind) as caught, open_slide(shared / "data/slides" / name) as opened:
        opened.read((0, 0), 0, (16, 16))
    assert type(caught.value) is kind


def _changed_tag(path: Path, code: int, change: bytes, at: int, page: int = 0) -> None:
    """Write bytes into an entry of a directory of a little-endian TIFF."""
    with tifffile.TiffFile(path) as file:
        place = file.pages[page].tags[code].offset
    data = bytearray(path.read_bytes())
    data[place + at : place + at + len(change)] = change
    path.write_bytes(data)


def test_a_compression_that_pillow_has_no_name_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    image = Image.new("RGB", (40, 30))
    image.save(path, save_all=True, append_images=[image])
    _changed_tag(path, 259, (82).to_bytes(2, "little"), at=8, page=1)
    with pytest.raises(SlideError, match=r"plain\.tif"):
        open_slide(path, mpp=0.5)


def test_a_stored_tile_before_the_file_begins_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tiled.tif"
    pixels = np.full((256, 256, 3), 200, np.uint8)
    tifffile.imwrite(path, pixels, tile=(256, 256), compression="jpeg", photometric="rgb")
    # A signed number: 256 bytes before the first one.
    _changed_tag(path, 324, (9).to_bytes(2, "little"), at=2)
    _changed_tag(path, 324, (-256).to_bytes(4, "little", signed=True), at=8)
    with pytest.raises(SlideError, match=r"tiled\.tif"):
        open_slide(path, mpp=0.5).read_region((0, 0), 0, (64, 64))


def test_a_compression_of_several_numbers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tiled.ome.tif"
    pixels = np.full((256, 256, 3), 200, np.uint8)
    tifffile.imwrite(path, pixels, tile=(256, 256), ome=True, photometric="rgb")
    _changed_tag(path, 259, (2).to_bytes(4, "little") + bytes([7, 0, 7, 0]), at=4)
    with pytest.raises(SlideError, match=r"tiled\.ome\.tif"):
        open_slide(path, mpp=0.5).read_region((0, 0), 0, (64, 64))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>Login</body></html>", "web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML"),
        (gzip.compress(b"II*\0", mtime=0), "gunzip"),
        (b"PK\x03\x04" + bytes(60), "ZIP"),
        (b"%PDF-1.5", "PDF"),
    ],
)
def test_what_lies_in_place_of_a_slide_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "case.svs"
    path.write_bytes(content)
    with pytest.raises(SlideFormatError, match=said):
        open_slide(path)
