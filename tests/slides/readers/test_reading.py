import errno
import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image

from msfusion_sdk.config import PatchConfig
from msfusion_sdk.errors import SlideCorruptError, SlideError
from msfusion_sdk.slides import Slide, open_slide
from msfusion_sdk.slides.readers.reader import composite
from msfusion_sdk.slides.tissue.patch_plan import plan_patches
from msfusion_sdk.slides.tissue.patch_reading import read_patch, resample
from msfusion_sdk.testing import damage_stored_tile, make_slide

RGB = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
PLACE = ((2600, 2400), 0, (300, 200))


def checksum(slide: Slide) -> int:
    return int(slide.read(*PLACE).pixels.astype(np.int64).sum())


def test_pixels_are_those_of_openslide(small_slide: Path) -> None:
    with open_slide(small_slide) as slide, openslide.OpenSlide(small_slide) as other:
        expected = np.asarray(other.read_region(*PLACE).convert("RGB"))
        assert (slide.read(*PLACE).pixels == expected).all()


def test_pixels_of_the_file_agree_with_tifffile(small_slide: Path) -> None:
    with tifffile.TiffFile(small_slide) as tiff, open_slide(small_slide) as slide:
        data = tiff.filehandle.read_segments(
            tiff.pages[0].dataoffsets[:1], tiff.pages[0].databytecounts[:1], indices=None
        )
        raw = next(iter(data))[0]
        expected = cv2.cvtColor(cv2.imdecode(np.frombuffer(raw, np.uint8), 1), cv2.COLOR_BGR2RGB)
        found = slide.read((0, 0), 0, (256, 256)).pixels
    # Two JPEG decoders differ by rounding.
    assert np.abs(found.astype(int) - expected).max() <= 3


def test_beyond_the_border_is_background_and_counted(small_slide: Path) -> None:
    with open_slide(small_slide) as slide:
        region = slide.read((5990, 4980), 0, (100, 50))
    assert region.transparent_px == 100 * 50 - 10 * 20
    assert (region.pixels[20:] == 255).all()


@pytest.mark.parametrize(
    ("location", "level", "size"),
    [
        ((-1, 0), 0, (10, 10)),
        ((6000, 0), 0, (10, 10)),
        ((0, 0), 3, (10, 10)),
        ((0, 0), -1, (10, 10)),
        ((0, 0), 0, (0, 10)),
    ],
)
def test_a_region_that_cannot_be_meant_is_a_value_error(
    small_slide: Path, location: tuple[int, int], level: int, size: tuple[int, int]
) -> None:
    with open_slide(small_slide) as slide, pytest.raises(ValueError, match="No region"):
        slide.read(location, level, size)


def test_transparent_pixels_take_the_background_colour() -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, 1] = (200, 100, 0, 255)
    rgba[0, 2] = (200, 100, 0, 51)  # a fifth
    pixels, missing = composite(rgba, (250, 240, 230))
    assert pixels[0].tolist() == [[250, 240, 230], [200, 100, 0], [240, 212, 184]]
    assert missing == 1


def test_a_damaged_stored_tile_leaves_the_handle_usable(small_slide: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.svs"
    path.write_bytes(small_slide.read_bytes())
    x, y, width, height = damage_stored_tile(path, *PLACE[0])
    with open_slide(path) as slide, open_slide(small_slide) as whole:
        for _ in range(2):
            with pytest.raises(SlideCorruptError, match="Copy the slide again"):
                slide.read((x, y), 0, (width, height))
            beside = ((x + width, y), 0, (width, height))
            assert (slide.read(*beside).pixels == whole.read(*beside).pixels).all()


def fail_to_read(*_: object) -> NoReturn:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class FailingDisk:
    """A disk of which OpenSlide's reads fail, the first times or always, and all others always."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
        self.left, self.read_region = times, openslide.OpenSlide.read_region
        monkeypatch.setattr(openslide.OpenSlide, "read_region", lambda *request: self.read(request))
        monkeypatch.setattr(os, "pread", fail_to_read, raising=False)

    def read(self, request: tuple[Any, ...]) -> Image.Image:
        self.left -= 1
        if self.left >= 0:
            msg = "TIFFReadRawTile: Cannot read raw tile"
            raise openslide.OpenSlideError(msg)
        return self.read_region(*request)


def test_a_disk_that_fails_once_costs_nothing(
    small_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ((2000, 2000), 0, (300, 300))
    with open_slide(small_slide) as slide:
        calm = slide.read(*request).pixels
        FailingDisk(monkeypatch, times=1)
        assert (slide.read(*request).pixels == calm).all()


def test_a_disk_that_goes_on_failing_is_no_damage_of_the_slide(
    small_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_slide(small_slide) as slide:
        FailingDisk(monkeypatch, times=99)
        with pytest.raises(SlideCorruptError):
            slide.read((0, 0), 0, (64, 64))
        monkeypatch.setattr(Path, "open", fail_to_read)
        with pytest.raises(SlideError, match="Input/output error") as caught:
            slide.read((0, 0), 0, (64, 64))
    assert caught.value.retryable
    assert not isinstance(caught.value, SlideCorruptError)


def test_a_pickled_slide_reads_the_same_pixels(small_slide: Path) -> None:
    with open_slide(small_slide, mpp=0.3) as slide:
        back = pickle.loads(pickle.dumps(slide))
        assert checksum(back) == checksum(slide)
        assert (back.header, back.spacing()) == (slide.header, slide.spacing())


@pytest.mark.process
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_another_process_reads_the_same_pixels(small_slide: Path, method: str) -> None:
    with open_slide(small_slide) as slide:
        expected = slide.read(*PLACE).pixels
        with multiprocessing.get_context(method).Pool(1) as pool:
            found = pool.apply(slide.read, PLACE).pixels
    assert (found == expected).all()


@pytest.mark.posix
@pytest.mark.process
def test_a_handle_inherited_by_a_fork_is_replaced(small_slide: Path) -> None:
    context = multiprocessing.get_context("fork")
    with open_slide(small_slide) as slide:
        queue = context.SimpleQueue()
        # A closure reaches the child by fork alone, without pickling.
        child = context.Process(target=lambda: queue.put((checksum(slide), slide._pid)))  # type: ignore[attr-defined]
        child.start()
        total, opened_by = queue.get()
        child.join()
        assert (total, opened_by) == (checksum(slide), child.pid)


def test_a_reopened_slide_outlives_the_first_handle(small_slide: Path) -> None:
    slide = open_slide(small_slide)
    second = slide.reopen()
    expected = checksum(slide)
    slide.close()
    assert checksum(second) == expected
    second.close()


def test_a_patch_over_the_border_reports_what_is_missing(tiny_slide: Path) -> None:
    with open_slide(tiny_slide) as slide:
        plan = plan_patches(slide.header.level_downsamples, 0.25, PatchConfig())
        patch = read_patch(slide, (0, 0), plan)
    assert patch.pixels.shape == (1152, 1152, 3)
    assert patch.missing_share == pytest.approx(1 - 700 * 500 / 1152**2)


def test_shrinking_by_two_is_the_exact_area_mean() -> None:
    image = RGB[:200, :200]
    mean = image.reshape(100, 2, 100, 2, 3).mean((1, 3))
    assert np.abs(resample(image, 100) - mean).max() <= 0.5


def test_an_image_of_the_right_size_is_not_touched() -> None:
    assert resample(RGB[:200, :200], 200) is not None
    assert (resample(RGB[:200, :200], 200) == RGB[:200, :200]).all()


def test_a_constant_image_stays_constant_when_enlarged() -> None:
    assert (resample(np.full((50, 50, 3), 77, np.uint8), 110) == 77).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_plain_image_is_a_slide_of_one_level(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(RGB).save(tmp_path / f"x{suffix}")
    with open_slide(tmp_path / f"x{suffix}", mpp=0.5) as slide:
        assert slide.dimensions == (400, 300)
        assert (slide.spacing().mpp, slide.spacing().source) == (0.5, "argument")
        assert (slide.read((10, 20), 0, (30, 40)).pixels == RGB[20:60, 10:40]).all()


def test_a_jpeg_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.jpg")
    with open_slide(tmp_path / "x.jpg", mpp=0.5) as slide, Image.open(tmp_path / "x.jpg") as image:
        assert (slide.read((0, 0), 0, (400, 300)).pixels == np.asarray(image)).all()


def test_a_transparent_png_lies_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    rgba[:10, :10, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "x.png")
    with open_slide(tmp_path / "x.png", mpp=0.5) as slide:
        region = slide.read((0, 0), 0, (20, 20))
    assert region.transparent_px == 100
    assert (region.pixels[:10, :10] == 255).all()
    assert (region.pixels[10:] == RGB[10:20, :20]).all()


def test_beyond_the_border_of_a_plain_image_is_white_and_counted(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.png")
    with open_slide(tmp_path / "x.png", mpp=0.5) as slide:
        region = slide.read((390, 295), 0, (20, 10))
    assert region.transparent_px == 20 * 10 - 10 * 5
    assert (region.pixels[5:] == 255).all()


def test_a_plain_image_can_be_pickled_and_reopened(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.png")
    with open_slide(tmp_path / "x.png", mpp=0.5) as slide:
        for other in (pickle.loads(pickle.dumps(slide)), slide.reopen()):
            assert (other.read((0, 0), 0, (400, 300)).pixels == RGB).all()


def test_a_dicom_folder_is_the_slide_of_its_instances(shared: Path) -> None:
    folder = shared / "data" / "slides" / "dicom" / "cmu-1-small-region"
    with open_slide(folder) as one, open_slide(folder / "level-3-frames-0-1.dcm") as other:
        assert one.dimensions == other.dimensions == (2220, 2967)
        region = ((900, 1200), 0, (256, 256))
        assert (one.read(*region).pixels == other.read(*region).pixels).all()


def test_dicom_and_svs_of_one_scan_agree(shared: Path) -> None:
    slides = shared / "data" / "slides"
    with (
        open_slide(slides / "dicom" / "cmu-1-small-region") as dicom,
        open_slide(slides / "CMU-1-Small-Region.svs") as svs,
    ):
        region = ((900, 1200), 0, (512, 512))
        difference = dicom.read(*region).pixels.astype(int) - svs.read(*region).pixels
        assert np.abs(difference).mean() < 8
        assert dicom.spacing().mpp == pytest.approx(svs.spacing().mpp, rel=0.01)


def test_a_slide_without_spacing_takes_the_argument(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "x.svs", 300, 200, mpp=None, downsamples=(1,))
    with open_slide(path, mpp=0.25) as slide:
        assert slide.spacing().mpp == 0.25
