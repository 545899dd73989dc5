"""A folder of DICOM files is judged by what the files are, not by their names."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from msfusion_sdk.errors import SlideChangedError, SlideCorruptError, SlideFormatError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.files.companions import companions
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.slides.readers.file_kind import classify

from ..dicom import uid, write_other, write_series
from ..pictures import picture

IMAGE = picture(700, 500)
DIRECTORY, SEGMENTATION = "1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.66.4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_series(tmp_path / "slide", IMAGE, "a")
    return tmp_path / "slide"


def test_a_series_is_read_pixel_by_pixel(folder: Path) -> None:
    with open_slide(folder) as slide:
        assert slide.header.level_dimensions == ((700, 500), (350, 250), (175, 125))
        assert slide.spacing().mpp == pytest.approx(0.5)
        np.testing.assert_array_equal(slide.read((0, 0), 0, (700, 500)).pixels, IMAGE)


@pytest.mark.parametrize("name", ["ANN_report.dcm", "DICOMDIR", "0", "zz.sr"])
@pytest.mark.parametrize("kind", [DIRECTORY, SEGMENTATION, "1.2.840.10008.5.1.4.1.1.88.33"])
def test_what_lies_beside_a_slide_does_no_harm(name: str, kind: str, folder: Path) -> None:
    write_other(folder / name, kind)
    (folder / "notes.txt").write_text("read me")
    with open_slide(folder) as slide:
        assert slide.dimensions == (700, 500)


def test_two_slides_in_a_folder_are_refused_with_a_file_of_each(folder: Path) -> None:
    write_series(folder, IMAGE, "b")
    with pytest.raises(SlideFormatError, match=r"holds 2 slides .*a-0\.dcm, b-0\.dcm"):
        open_slide(folder)
    with open_slide(folder / "b-0.dcm") as slide:
        assert slide.dimensions == (700, 500)


def write_beside(folder: Path, kind: str, series: str) -> Path:
    """Write a label or the like as a file of a series."""
    path = write_series(folder, picture(300, 200, seed=3), f"{series}{kind}", levels=1)[0]
    data = pydicom.dcmread(path)
    data.ImageType, data.SeriesInstanceUID = ["ORIGINAL", "PRIMARY", kind, "NONE"], uid(series)
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("series", ["a", "Z"])
@pytest.mark.parametrize("kind", ["LABEL", "OVERVIEW", "THUMBNAIL"])
def test_a_label_is_no_second_slide_whichever_series_it_is_in(
    kind: str, series: str, folder: Path
) -> None:
    write_beside(folder, kind, series)
    with open_slide(folder) as slide:
        np.testing.assert_array_equal(slide.read((0, 0), 0, (700, 500)).pixels, IMAGE)


def test_a_label_alone_is_named_for_what_it_is(tmp_path: Path) -> None:
    label = write_beside(tmp_path / "x", "LABEL", "b")
    for path in (label, label.parent):
        with pytest.raises(SlideFormatError, match=r"LABEL.* holds no level"):
            open_slide(path)


def test_a_header_that_is_cut_short_is_no_second_slide(folder: Path) -> None:
    level_0 = folder / "a-0.dcm"
    level_0.write_bytes(level_0.read_bytes()[:400])
    with pytest.raises(SlideCorruptError, match=r"a-0\.dcm .* cut short"):
        open_slide(folder)


def test_a_level_of_another_picture_is_left_out(folder: Path) -> None:
    other = write_series(folder.parent / "other", picture(700, 500, seed=9), "b")[1]
    data = pydicom.dcmread(other)
    data.SeriesInstanceUID, data.FrameOfReferenceUID = uid("a"), uid("frame", "a")
    data.save_as(folder / "a-1.dcm", enforce_file_format=True)
    with open_slide(folder) as slide:
        assert slide.header.level_dimensions == ((700, 500), (175, 125))
        assert "levels left out: 350 x 250" in slide.header.warnings[0]


def test_a_folder_of_reports_names_what_it_holds(tmp_path: Path) -> None:
    write_other(tmp_path / "x" / "1.dcm")
    with pytest.raises(SlideFormatError, match="1 Comprehensive SR Storage"):
        open_slide(tmp_path / "x")


def test_a_folder_of_series_folders_names_them(folder: Path) -> None:
    with pytest.raises(SlideFormatError, match="folders slide hold DICOM"):
        open_slide(folder.parent)


def test_a_report_is_named_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(SlideFormatError, match=r"kind .Comprehensive SR Storage"):
        open_slide(write_other(tmp_path / "report.dcm"))


def test_a_missing_level_0_is_said(tmp_path: Path) -> None:
    write_series(tmp_path / "slide", IMAGE, "a", first=1)
    with open_slide(tmp_path / "slide") as slide:
        assert "level 0 is missing" in slide.header.warnings[0]


@pytest.mark.parametrize("name", ["{level}.dcm", "IM{level}", "1.2.3.{level}"])
def test_the_files_of_a_slide_are_told_by_content(name: str, tmp_path: Path) -> None:
    mine = write_series(tmp_path / "x", IMAGE, "a", name="a" + name)
    write_series(tmp_path / "x", IMAGE, "b", name="b" + name)
    write_other(tmp_path / "x" / "report.dcm")
    assert companions(mine[1]) == mine


def test_a_replaced_instance_is_another_slide(folder: Path) -> None:
    before = classify(folder).stamp
    with open_slide(folder) as slide:
        os.utime(folder / "a-2.dcm", ns=(1, 1))
        with pytest.raises(SlideChangedError):
            slide.require_unchanged()
    assert classify(folder).stamp != before
    assert replace(classify(folder).stamp, companions=before.companions) == before


def test_mrxs_and_lists_of_files_have_their_companions(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    for name in ("Slidedat.ini", "Data0000.dat"):
        (tmp_path / "s" / name).write_bytes(b"x")
    for name in ("s.mrxs", "s-0.jpg", "other.jpg"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff")
    (tmp_path / "v.vms").write_text("[Virtual Microscope Specimen]\nImageFile=s-0.jpg\n")
    found = {path.name for path in companions(tmp_path / "s.mrxs")}
    assert found == {"s.mrxs", "Slidedat.ini", "Data0000.dat"}
    assert {path.name for path in companions(tmp_path / "v.vms")} == {"v.vms", "s-0.jpg"}


def test_size_and_time_decide_and_neither_device_nor_inode(tmp_path: Path) -> None:
    one, other = tmp_path / "a.svs", tmp_path / "b.svs"
    one.write_bytes(b"x" * 99)
    shutil.copy2(one, other)
    assert one.stat().st_ino != other.stat().st_ino
    assert FileStamp.of(one) == FileStamp.of(other)
