"""Hamamatsu NDPI is told by content: as OpenSlide sees it, whatever a file is called."""

import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import openslide
import pytest

from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.stored_tiles.ndpi import first_ndpi_directory

WIDTH, HEIGHT = 320, 192
GIGABYTES_4 = 2**32
ASCII, SHORT, LONG, RATIONAL, SIGNED, FLOAT = 2, 3, 4, 5, 9, 11


def write_ndpi(path: Path, begin: int) -> None:
    """Write a slide of one level whose directory and pixels lie behind ``begin``, a hole."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 220, (6, 10, 3), np.uint8)
    image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    strip = max(16, begin)
    place = strip + len(jpeg) + len(jpeg) % 2
    far = place + 4096  # where values lie that do not fit
    make, model = b"Hamamatsu\0", b"C9600-12\0"
    entries = [
        (256, LONG, 1, WIDTH), (257, LONG, 1, HEIGHT), (258, SHORT, 3, far), (259, SHORT, 1, 7),
        (262, SHORT, 1, 6), (271, ASCII, len(make), far + 64), (272, ASCII, len(model), far + 96),
        (273, LONG, 1, strip), (277, SHORT, 1, 3), (278, LONG, 1, HEIGHT),
        (279, LONG, 1, len(jpeg)), (282, RATIONAL, 1, far + 32), (283, RATIONAL, 1, far + 40),
        (296, SHORT, 1, 3), (65420, LONG, 1, 1),
        (65421, FLOAT, 1, struct.unpack("<I", struct.pack("<f", 20.0))[0]), (65424, SIGNED, 1, 0),
    ]  # fmt: skip
    with path.open("wb") as file:
        file.write(b"II*\0" + struct.pack("<Q", place))
        file.seek(strip)
        file.write(jpeg)
        file.seek(place)
        file.write(struct.pack("<H", len(entries)))
        for tag, kind, count, value in entries:
            file.write(struct.pack("<HHII", tag, kind, count, value % GIGABYTES_4))
        file.write(struct.pack("<Q", 0))
        # The upper four bytes of each value, behind the directory.
        for _, _, _, value in entries:
            file.write(struct.pack("<I", value // GIGABYTES_4))
        file.seek(far)
        file.write(struct.pack("<3H", 8, 8, 8))
        file.seek(far + 32)
        file.write(struct.pack("<4I", 20000, 1, 20000, 1))  # pixels per cm: 0.5 µm
        file.seek(far + 64)
        file.write(make.ljust(32, b"\0") + model.ljust(32, b"\0"))


@pytest.mark.parametrize("begin", [0, GIGABYTES_4 + 100], ids=["small", "beyond 4 GB"])
@pytest.mark.parametrize("name", ["a.ndpi", "a.tif", "a.svs"])
def test_it_is_what_openslide_sees_whatever_its_name(name: str, begin: int, tmp_path: Path) -> None:
    path = tmp_path / name
    write_ndpi(path, begin)
    with openslide.OpenSlide(path) as reference, open_slide(path) as slide:
        assert reference.properties["openslide.vendor"] == "hamamatsu"
        # OpenSlide adds smaller levels, as JPEG can be decoded at a half, a fourth, an eighth.
        assert slide.level_dimensions == reference.level_dimensions
        assert slide.level_dimensions[0] == (WIDTH, HEIGHT)
        assert slide.spacing().mpp == pytest.approx(0.5)
        region = (10, 20), 0, (200, 100)
        np.testing.assert_array_equal(slide.read_region(*region), reference.read_region(*region))


@pytest.mark.parametrize("name", ["a.ndpi", "a.NDPI", "a.mrxs", "a.vms", "a.czi"])
def test_another_slide_of_such_a_name_is_what_it_was(
    name: str, shared: Path, tmp_path: Path
) -> None:
    original = shared / "data" / "slides" / "CMU-1-Small-Region.svs"
    path = Path(shutil.copy(original, tmp_path / name))
    assert first_ndpi_directory(path) is None
    with open_slide(path) as renamed, open_slide(original) as slide:
        assert renamed.level_dimensions == slide.level_dimensions
        assert renamed.spacing() == slide.spacing()
        region = (500, 600), 0, (300, 200)
        np.testing.assert_array_equal(renamed.read_region(*region), slide.read_region(*region))


@pytest.mark.parametrize("head", [b"", b"II*\0", b"II*\0" + bytes(8), b"II*\0" + b"\xff" * 8])
def test_headers_that_are_cut_are_no_ndpi(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(head)
    assert first_ndpi_directory(path) is None
