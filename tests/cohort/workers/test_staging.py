"""A staged slide is all of its files, told by content, and the same slide as its original."""

import time
from pathlib import Path

import pytest

from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.workers.staging import Stager
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.readers.file_kind import classify

from ...slides.dicom import write_other, write_series
from ...slides.pictures import picture

IMAGE = picture(700, 500)


def staged(path: Path, folder: Path) -> Path:
    """Return where a slide is read once its copy is ready."""
    stager = Stager(folder, 1.0)
    task = SlideTask(PartKey("a", classify(path).stamp, None), path)
    for _ in range(500):
        ready = stager.prepare(task)
        if ready is not None:
            return ready.read_from
        time.sleep(0.01)
    pytest.fail("never copied")


@pytest.mark.parametrize("name", ["{level}.dcm", "IM0000{level}"])
@pytest.mark.parametrize("by_folder", [True, False])
def test_a_staged_series_is_the_same_slide(name: str, by_folder: bool, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "x", IMAGE, "a", name=name)
    write_series(tmp_path / "x", IMAGE, "b", name="b" + name) if not by_folder else None
    write_other(tmp_path / "x" / "report.dcm")
    original = tmp_path / "x" if by_folder else paths[0]
    copy = staged(original, tmp_path / "staging")
    assert tmp_path / "staging" in copy.parents
    with open_slide(original) as one, open_slide(copy) as other:
        assert one.stamp == other.stamp
        assert one.header.level_dimensions == other.header.level_dimensions
        assert one.spacing() == other.spacing()
