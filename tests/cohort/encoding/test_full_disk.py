"""A disk that is full stops the run, loses nothing, and the same command goes on later."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import StoreFullError


@pytest.fixture
def small_disk(mounted: Callable[[str], Path]) -> Path:
    """A file system of 160 kB: room for a cohort and two or three results."""
    return mounted("size=160k")


@pytest.mark.process
def test_a_full_disk_ends_the_run_and_with_space_it_goes_on(
    mounted: Callable[[str], Path],
    small_disk: Path,
    slide_folder: Path,
    small_encoder: SlideEncoder,
    tmp_path: Path,
) -> None:
    copies = [
        shutil.copy(path, tmp_path / f"{number}{path.name}")
        for number in range(3)
        for path in sorted(slide_folder.glob("*.svs"))
    ]
    names = [path.stem for path in copies]
    table = pd.DataFrame({"slide_id": names, "patient_id": names, "path": list(map(str, copies))})
    cohort = Cohort.create(small_disk / "c", patients=table[["patient_id"]], slides=table)
    with pytest.raises(StoreFullError, match="slides of this run are committed and stay readable"):
        cohort.encode(small_encoder)
    committed = cohort.status().counts["ok_with_warnings"]
    assert 1 <= committed < len(names)
    assert not list(small_disk.rglob(".tmp-*"))
    assert len(cohort.tables()["slide"]) == committed
    mounted("remount,size=20m")
    run = cohort.encode(small_encoder)
    assert (run.encoded, run.counts) == (len(names) - committed, {"ok_with_warnings": len(names)})


def test_a_ledger_or_a_store_that_cannot_be_written_is_a_full_store(
    small_disk: Path, results: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_disk / "filler").write_bytes(b"x" * 155_000)
    store = EmbeddingStore(small_disk, results["a"].provenance.model.fingerprint)
    store.prepare()
    with pytest.raises(StoreFullError):
        store.commit(results["a"])
    with pytest.raises(StoreFullError):
        Ledger(small_disk, "f").write(SlideStatus(slide_id="a", status="failed", reason="x" * 9000))
