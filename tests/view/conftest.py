"""A cohort with slides that can be shown and slides that cannot, and a client of the viewer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.testing import make_slide
from msfusion_sdk.view.app import Viewer
from msfusion_sdk.view.catalog import Catalog, open_catalog

HOSTILE = "<script>alert(1)</script>"
REASON = "zero.svs holds 0 bytes. The copy did not finish; copy the slide again."


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory, small_encoder: SlideEncoder) -> Path:
    """Five slides: one encoded with patches, one failed, one not there, two not encoded."""
    folder = tmp_path_factory.mktemp("viewed")
    make_slide(folder / "good.svs", 2048, 1536, coverage=0.6, downsamples=(1, 4))
    make_slide(folder / "bare.svs", 1280, 1024, mpp=None)
    (folder / "zero.svs").write_bytes(b"")
    ids = ["good", "zero", "gone", HOSTILE, "../../etc/passwd"]
    files = ["good", "zero", "gone", "bare", "nul\0nul"]
    slides = {
        "slide_id": ids,
        "patient_id": "P1",
        "path": [str(folder / f"{name}.svs") for name in files],
    }
    patients = pd.DataFrame({"patient_id": ["P1"], "diagnosis": ["luad"]})
    Cohort.create(folder / "lung", patients=patients, slides=pd.DataFrame(slides))
    store = EmbeddingStore(folder / "lung", small_encoder.fingerprint)
    store.prepare()
    store.commit(small_encoder.encode(folder / "good.svs"), patches=True)
    failed = SlideStatus(slide_id="zero", status="failed", code="SlideCorrupt", reason=REASON)
    Ledger(folder / "lung", small_encoder.fingerprint).write(failed)
    return folder / "lung"


@pytest.fixture(scope="session")
def catalog(cohort: Path) -> Catalog:
    return open_catalog(cohort)


@pytest.fixture(scope="session")
def keys(catalog: Catalog) -> dict[str, str]:
    """The key of each slide."""
    return {slide.slide_id: slide.key for slide in catalog.slides}


@pytest.fixture
def client(catalog: Catalog) -> Iterator[TestClient]:
    yield from _client(catalog)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Path, TestClient, str]]:
    """A slide that the test may damage, a client that shows it, and its key."""
    path = make_slide(tmp_path / "own.svs", 1024, 768, tissue="full", downsamples=(1,))
    catalog = open_catalog(path)
    for client in _client(catalog):
        yield path, client, catalog.slides[0].key


def _client(catalog: Catalog) -> Iterator[TestClient]:
    viewer = Viewer(catalog)
    yield TestClient(viewer.app, base_url="http://127.0.0.1:8765")
    viewer.close()


def tile_address(client: TestClient, key: str, level: object, column: object, row: object) -> str:
    version = client.get(f"/slides/{key}/info.json").json()["version"]
    assert re.fullmatch("[0-9a-f]+", version)
    return f"/slides/{key}/{version}/{level}/{column}_{row}.jpg"
