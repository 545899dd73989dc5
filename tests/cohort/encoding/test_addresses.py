"""A cohort whose slides are on a web server equals one whose slides are on a disk."""

import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, SlideEmbedding, SlideEncoder
from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.encoding.run import EncodingRun, run_encoding
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.workers.staging import Stager
from msfusion_sdk.cohort.workers.worker import Job, SlideTask, encode_task
from msfusion_sdk.errors import MissingExtraError
from msfusion_sdk.remote import door
from msfusion_sdk.tables.paths import place_of

from ...remote.serving import served

pytestmark = pytest.mark.slow

pytest.importorskip("aiohttp", reason="needs the extra [cloud]")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "WAITS_S", (0.0,) * len(door.WAITS_S))


def made(folder: Path, places: dict[str, str]) -> Cohort:
    slides = pd.DataFrame(
        {"slide_id": list(places), "patient_id": "P", "path": list(places.values())}
    )
    return Cohort.create(folder, patients=pd.DataFrame({"patient_id": ["P"]}), slides=slides)


@pytest.mark.process
def test_slides_of_a_server_that_cuts_and_replaces_equal_those_of_a_disk(
    slide_folder: Path,
    small_encoder: SlideEncoder,
    results: dict[str, SlideEmbedding],
    tmp_path: Path,
) -> None:
    sig = "sig=very-secret"
    with served(slide_folder, cuts=20, cut_after=20_000, needs=sig) as server:
        whole, server.files["c.svs"] = server.files["c.svs"], server.files["d.svs"]

        def replace(name: str, span: str) -> None:
            if name == "c.svs" and span != "bytes=0-0":
                server.files["c.svs"] = whole

        server.on_ask = replace
        places = {n: f"{server.url(f'{n}.svs')}?{sig}" for n in "abc"}
        cohort = made(tmp_path / "c", places)
        run = cohort.encode(small_encoder, staging=tmp_path / "staging")
        assert cohort.encode(small_encoder).encoded == 0
    assert {s.slide_id: (s.is_done, s.attempts) for s in run.statuses} == {
        "a": (True, 1),
        "b": (True, 1),
        "c": (True, 2),
    }
    assert server.cuts == 0
    found = cohort.tables("all")["slide"].droplevel("patient_id")
    for name in places:
        assert np.allclose(found.loc[name], results[name].vector, rtol=1e-5, atol=1e-6)
    assert list((tmp_path / "staging").iterdir()) == []
    written = [p for p in cohort.root.rglob("*") if p.is_file() and p.name != "slides.parquet"]
    assert not [p for p in written if b"very-secret" in p.read_bytes()]


def encoded(cohort: Cohort, encoder: SlideEncoder) -> EncodingRun:
    """Encode a cohort in this process."""
    rows = [SlideRow(row["slide_id"], place_of(row), None) for row in cohort.slides.to_pylist()]
    job = Job(cohort.root, encoder.fingerprint, b"", None, False, 1, 60.0, None, 1.0)

    def engine(tasks: list[SlideTask], **_: object) -> Iterator[SlideStatus]:
        stager = Stager(None, 1.0)
        for task in tasks:
            while (ready := stager.prepare(task)) is None:
                time.sleep(0.01)
            yield encode_task(job, ready, encoder)
        stager.close()

    return run_encoding(
        cohort.root, rows, encoder.fingerprint, engine, patches=False, max_failures=1.0
    )


def test_a_replaced_object_is_encoded_anew(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    with served(slide_folder) as server:
        cohort = made(tmp_path / "c", {"a": server.url("c.svs"), "gone": server.url("x.svs")})
        first = encoded(cohort, small_encoder)
        before = cohort.tables()["slide"].to_numpy()
        server.files["c.svs"] = server.files["d.svs"]
        second = encoded(cohort, small_encoder)
    assert {s.slide_id: s.code for s in first.statuses} == {"a": "", "gone": "SlideNotFound"}
    assert (first.encoded, second.encoded) == (1, 1)
    assert not np.allclose(cohort.tables()["slide"].to_numpy(), before)


def test_a_slide_that_cannot_be_reached_keeps_its_result(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    with served(slide_folder) as server:
        cohort = made(tmp_path / "c", {"a": server.url("d.svs")})
        encoded(cohort, small_encoder)
        server.status = 503
        again = encoded(cohort, small_encoder)
    assert [status.is_done for status in again.statuses] == [True]


def test_making_a_cohort_asks_no_server(tmp_path: Path) -> None:
    with served({}) as server:
        cohort = made(tmp_path / "c", {"a": server.url("a.svs"), "b": "s3://bucket/50%.svs"})
    assert server.asked == []
    assert [issue.code for issue in cohort.report().findings if "there" in issue.message] == []
    stored = pq.read_table(cohort.root / "slides.parquet").column("path").to_pylist()
    assert stored == [server.url("a.svs"), "s3://bucket/50%25.svs"]


def test_one_address_under_two_ids_counts_double(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"https://h/a\.svs\?…: 'a', 'b'"):
        made(tmp_path / "c", {"a": "https://h/a.svs?sig=1", "b": "https://h/a.svs?sig=1"})


def test_an_unknown_kind_of_address_is_refused_with_the_table(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="begin with ftp://"):
        made(tmp_path / "c", {"a": "ftp://host/a.svs"})


def test_without_the_extra_a_run_ends_before_it_begins(
    small_encoder: SlideEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    cohort = made(tmp_path / "c", {"a": "s3://bucket/a.svs"})
    with pytest.raises(MissingExtraError, match=r"msfusion-sdk\[cloud\]"):
        cohort.encode(small_encoder)


def test_slides_that_went_to_another_server_keep_their_results(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    with served(slide_folder) as one, served(slide_folder) as other:
        cohort = made(tmp_path / "c", {"a": one.url("d.svs")})
        encoded(cohort, small_encoder)
        change = cohort.relocate(one.url(""), other.url(""))
        assert change.kept_results == ("a",)
        assert encoded(cohort, small_encoder).encoded == 0
    assert cohort.slides.column("path").to_pylist() == [other.url("d.svs")]


@pytest.mark.parametrize("is_same", [True, False])
def test_files_that_went_to_a_server_keep_their_results_by_its_checksum(
    is_same: bool,
    slide_folder: Path,
    small_encoder: SlideEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = (slide_folder / "d.svs").read_bytes()
    digest = hashlib.md5(content if is_same else b"").hexdigest()
    monkeypatch.setattr("msfusion_sdk.remote.web.tag_of", lambda *_: f"etag:{digest}")
    with served(slide_folder) as server:
        cohort = made(tmp_path / "c", {"a": str(slide_folder / "d.svs")})
        encoded(cohort, small_encoder)
        change = cohort.relocate(slide_folder, server.url(""))
    assert change.kept_results == (("a",) if is_same else ())
    assert ("a" in change.to_encode) is not is_same
