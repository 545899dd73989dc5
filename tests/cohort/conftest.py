"""A few slides that encode in a moment, and what encoding them gives."""

from pathlib import Path

import pytest

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.testing import make_slide

NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="session")
def slide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four slides ``a`` to ``d``, each smaller than the one before, of a few patches."""
    folder = tmp_path_factory.mktemp("cohort-slides")
    for number, name in enumerate(NAMES):
        make_slide(folder / f"{name}.svs", 1280 - 256 * number, 768, tissue="full", seed=number)
    return folder


@pytest.fixture(scope="session")
def rows(slide_folder: Path) -> list[SlideRow]:
    return [SlideRow(name, slide_folder / f"{name}.svs", None) for name in NAMES]


@pytest.fixture(scope="session")
def results(small_encoder: SlideEncoder, rows: list[SlideRow]) -> dict[str, SlideEmbedding]:
    return {row.slide_id: small_encoder.encode(row.path) for row in rows}


@pytest.fixture(scope="session")
def wanted(rows: list[SlideRow]) -> dict[str, PartKey]:
    return {row.slide_id: PartKey(row.slide_id, FileStamp.of(row.path), row.mpp) for row in rows}
