"""Level 0 without OpenSlide: its pixels, its errors, and OpenSlide itself where in doubt."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile

from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.stored_tiles import fast_path as trust
from msfusion_sdk.slides.stored_tiles import jpeg_tiles
from msfusion_sdk.slides.stored_tiles.jpeg_stream import TileError, coding_signature, decode_tile
from msfusion_sdk.slides.stored_tiles.jpeg_tiles import JpegTiles, index_tiles
from msfusion_sdk.testing import make_slide
from msfusion_sdk.testing.tissue import he_texture

from ..pictures import rewrite_tiles

pytestmark = pytest.mark.slow

WITHOUT_OPENSLIDE = "level 0: simplejpeg"
APERIO = "Aperio Image Library v12.0.15 \r\n1000x700 [0,0 1000x700] (256x256) JPEG|MPP = 0.25"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BigTIFF whose colour is halved in both directions."""
    path = tmp_path_factory.mktemp("tiles") / "made.svs"
    return make_slide(path, 1500, 1100, tissue="full", downsamples=(1,))


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "copy.svs"))


def write_tiff(path: Path, *, subsampling: tuple[int, int], colours: str, bigtiff: bool) -> Path:
    """Write a slide by another encoder, with tables that its tiles share."""
    tifffile.imwrite(
        path,
        he_texture(3)[:700, :1000],
        tile=(256, 256),
        compression="jpeg",
        compressionargs={"level": 80, "outcolorspace": colours},
        photometric="rgb" if colours == "rgb" else "ycbcr",
        subsampling=subsampling,
        description=APERIO,
        metadata=None,
        bigtiff=bigtiff,
    )
    return path


def assert_openslides_pixels(path: Path) -> None:
    """Compare every pixel of level 0, and what is beyond it, in patches that cut tiles."""
    with open_slide(path, mpp=0.25) as slide, openslide.OpenSlide(path) as other:
        assert WITHOUT_OPENSLIDE in slide.header.reader
        width, height = slide.dimensions
        for x in range(0, width, 700):
            for y in range(0, height, 700):
                expected = np.asarray(other.read_region((x, y), 0, (700, 700)))
                region = slide.read((x, y), 0, (700, 700))
                is_there = expected[..., 3] == 255
                assert (region.pixels[is_there] == expected[is_there][:, :3]).all()
                assert (region.pixels[~is_there] == slide.header.background).all()
                assert region.transparent_px == (~is_there).sum()


def test_a_made_slide_has_openslides_pixels(made: Path) -> None:
    assert_openslides_pixels(made)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_every_kind_of_subsampling_has_openslides_pixels(
    tmp_path: Path, subsampling: tuple[int, int], bigtiff: bool
) -> None:
    path = tmp_path / "x.svs"
    assert_openslides_pixels(
        write_tiff(path, subsampling=subsampling, colours="ycbcr", bigtiff=bigtiff)
    )


@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "wholeslidepacker_example.tif"])
def test_every_jpeg_slide_at_hand_has_openslides_pixels(shared: Path, name: str) -> None:
    assert_openslides_pixels(shared / "data" / "slides" / name)


@pytest.mark.parametrize("name", ["monusac_A9K0_1.svs", "dicom/cmu-1-small-region"])
def test_other_slides_are_left_to_openslide(shared: Path, name: str) -> None:
    with open_slide(shared / "data" / "slides" / name) as slide:
        assert WITHOUT_OPENSLIDE not in slide.header.reader


def tile_bytes(path: Path, number: int) -> tuple[int, int]:
    index = index_tiles(path)
    return int(index.offsets[number]), int(index.lengths[number])


def zeros(data: bytes) -> bytes:
    return bytes(len(data))


def no_end(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


def ends_early(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + b"\xff\xd9" + data[middle + 2 :]


def a_sector_of_zeros(data: bytes) -> bytes:
    return data[:2000] + bytes(512) + data[2512:]


def another_header(data: bytes) -> bytes:
    return data[:2] + b"\xff\xff" + data[4:]


DAMAGE = [zeros, no_end, ends_early, a_sector_of_zeros, another_header]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_tile_is_openslides_error_and_costs_nothing_else(
    copy: Path, made: Path, damage: Callable[[bytes], bytes]
) -> None:
    offset, length = tile_bytes(copy, 8)
    data = bytearray(copy.read_bytes())
    data[offset : offset + length] = damage(bytes(data[offset : offset + length]))
    copy.write_bytes(data)
    request = ((512, 256), 0, (256, 256))
    with openslide.OpenSlide(copy) as other, pytest.raises(openslide.OpenSlideError):
        other.read_region(*request)
    with open_slide(copy) as slide, open_slide(made) as whole:
        assert WITHOUT_OPENSLIDE in slide.header.reader
        with pytest.raises(SlideCorruptError, match="Copy the slide again"):
            slide.read(*request)
        beside = ((768, 256), 0, (256, 256))
        assert (slide.read(*beside).pixels == whole.read(*beside).pixels).all()


def test_wrong_bytes_are_found_where_openslide_finds_them(copy: Path) -> None:
    offset, length = tile_bytes(copy, 8)
    whole, coding = copy.read_bytes(), index_tiles(copy).coding
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        data = bytearray(whole)
        at = offset + rng.integers(length - 8)
        data[at : at + 8] = rng.bytes(8)
        copy.write_bytes(data)
        try:
            with openslide.OpenSlide(copy) as other:
                expected = np.asarray(other.read_region((512, 256), 0, (256, 256)))[..., :3]
        except openslide.OpenSlideError:
            refused += 1
            with pytest.raises(TileError):
                decode_tile(bytes(data[offset : offset + length]), coding)
            continue
        try:
            pixels = decode_tile(bytes(data[offset : offset + length]), coding)
        except TileError:  # stricter: OpenSlide is asked, and answers
            continue
        assert (pixels == expected).all()
    assert refused


def test_a_tile_that_is_not_there_is_what_openslide_makes_of_it(copy: Path) -> None:
    with tifffile.TiffFile(copy) as tiff:
        tag = tiff.pages.first.tags["TileByteCounts"]
        place = tag.valueoffset + 8 * tag.valuebytecount // tag.count
        width = tag.valuebytecount // tag.count
    with copy.open("r+b") as file:
        file.seek(place)
        file.write(bytes(width))
    request = ((500, 250), 0, (300, 300))
    with open_slide(copy) as slide, openslide.OpenSlide(copy) as other:
        expected = np.asarray(other.read_region(*request))
        region = slide.read(*request)
    assert region.transparent_px == (expected[..., 3] == 0).sum() > 0


def test_openslide_reads_where_the_pixels_differ(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_tiles(made)
    shifted = {name: np.roll(getattr(index, name), 1) for name in ("offsets", "lengths")}
    wrong = replace(index, **shifted)
    monkeypatch.setattr(trust, "index_tiles", lambda path: wrong)
    with open_slide(made) as slide, openslide.OpenSlide(made) as other:
        assert WITHOUT_OPENSLIDE not in slide.header.reader
        expected = np.asarray(other.read_region((0, 0), 0, (300, 300)).convert("RGB"))
        assert (slide.read((0, 0), 0, (300, 300)).pixels == expected).all()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A list that grows by one with every tile that is decoded."""
    calls: list[int] = []
    decode = jpeg_tiles.decode_tile  # type: ignore[attr-defined]
    monkeypatch.setattr(
        jpeg_tiles, "decode_tile", lambda *args: (calls.append(1), decode(*args))[1]
    )
    return calls  # type: ignore[return-value]


def test_neighbours_decode_the_tiles_between_them_once(made: Path, decoded: list[int]) -> None:
    tiles = JpegTiles(made, index_tiles(made))
    # 0..640 cuts the third of the tiles of 256; four patches of a square touch 5 x 5 tiles.
    for place in [(0, 0), (640, 0), (0, 640), (640, 640)]:
        tiles.read(place, (460, 460), (255, 255, 255))
    touched = {
        (x // 256, y // 256)
        for left in (0, 640)
        for top in (0, 640)
        for x in range(left, left + 460)
        for y in (top, top + 255, top + 459)
    }
    assert len(decoded) == len(touched)


def test_threads_that_share_a_slide_read_the_same_pixels(made: Path) -> None:
    tiles = JpegTiles(made, index_tiles(made))
    places = [(x, y) for x in range(0, 1200, 150) for y in range(0, 900, 150)]
    alone = [tiles.read(place, (200, 200), (0, 0, 0))[0] for place in places]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda place: tiles.read(place, (200, 200), (0, 0, 0))[0], places)
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_file_cut_short_is_a_tile_error(copy: Path) -> None:
    index = index_tiles(copy)
    tiles = JpegTiles(copy, index)
    with copy.open("r+b") as file:
        file.truncate(int(index.offsets[-1]) + 10)
    with pytest.raises(TileError):
        tiles.read(index.location(len(index.offsets) - 1), (10, 10), (255, 255, 255))


JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
ADOBE_YCC = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01"


@pytest.mark.parametrize("segment", [JFIF, ADOBE_YCC, JFIF + ADOBE_YCC])
@pytest.mark.parametrize("colours", ["rgb", "ycbcr"])
def test_tiles_with_a_marker_of_their_own_have_openslides_pixels(
    colours: str, segment: bytes, tmp_path: Path
) -> None:
    path = write_tiff(tmp_path / "x.svs", subsampling=(1, 1), colours=colours, bigtiff=False)
    # Away from the longest tiles, which are compared on opening.
    with tifffile.TiffFile(path) as tiff:
        counts = np.array(tiff.pages.first.databytecounts)
    near = {m for n in counts.argsort()[-3:] for m in (n, n + 1, n + 4, n + 5)}
    others = [n for n in range(len(counts)) if n not in near]
    rewrite_tiles(path, lambda data: data[:2] + segment + data[2:], others)
    assert_openslides_pixels(path)


def test_a_tile_that_is_no_sequence_of_segments_is_left_to_openslide() -> None:
    for data in (b"", b"\xff\xd8", b"\xff\xd8\xff\xdb\xff\xff", b"\xff\xd8\x00\x00\x00\x00"):
        with pytest.raises(TileError):
            coding_signature(data)
