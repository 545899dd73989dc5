"""Make bad slides out of good ones."""

import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tifffile

from msfusion_sdk.testing import make_slide

PatchTag = Callable[..., Path]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slide(tmp_path_factory.mktemp("slides") / "slide.svs", 1500, 1200)


@pytest.fixture
def slide(original: Path, tmp_path: Path) -> Path:
    """A slide of this test alone, 1500 x 1200 pixels, to be damaged."""
    return Path(shutil.copyfile(original, tmp_path / "slide.svs"))


@pytest.fixture
def patch_tag() -> PatchTag:
    """Overwrite the value of a tag in the first directory of a BigTIFF."""

    def patch(path: Path, name: str, value: int) -> Path:
        with tifffile.TiffFile(path) as tiff:
            tag = tiff.pages.first.tags[name]
            form, offset = {3: "<H", 4: "<I"}[int(tag.dtype)], tag.valueoffset
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(struct.pack(form, value))
        return path

    return patch


@pytest.fixture
def loop_directories() -> Callable[[Path], Path]:
    """Make the last directory of a BigTIFF point back at the first."""

    def loop(path: Path) -> Path:
        with tifffile.TiffFile(path) as tiff:
            first, last = tiff.pages[0].offset, tiff.pages[-1].offset
        with path.open("r+b") as file:
            file.seek(last)
            (count,) = struct.unpack("<Q", file.read(8))
            file.seek(last + 8 + 20 * count)
            file.write(struct.pack("<Q", first))
        return path

    return loop


@pytest.fixture
def pickled() -> Callable[[Any], Any]:
    """Send an object to another process and back."""
    return lambda value: pickle.loads(pickle.dumps(value))
