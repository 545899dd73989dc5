import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.cohort.encoding.plan import SlideRow, in_shard, plan_run
from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.slides.files.stamp import FileStamp

from ...slides.dicom import write_series
from ...slides.pictures import picture


@given(st.sets(st.text(), max_size=40), st.integers(1, 7))
def test_shards_are_disjoint_and_complete(ids: set[str], n: int) -> None:
    parts = [in_shard(ids, f"{i}/{n}") for i in range(1, n + 1)]
    assert set().union(*parts) == ids
    assert sum(map(len, parts)) == len(ids)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shard", ["0/4", "5/4", "4", "1/0", "a/b", "-1/4", "1/4/2"])
def test_a_shard_that_is_none_is_an_error(shard: str) -> None:
    with pytest.raises(ValueError, match="--array=1-20"):
        in_shard(["a"], shard)


@pytest.fixture
def store(tmp_path: Path, results: dict[str, SlideEmbedding]) -> EmbeddingStore:
    store = EmbeddingStore(tmp_path / "cohort", results["a"].provenance.model.fingerprint)
    store.prepare()
    return store


def test_committed_slides_are_done_and_the_largest_of_the_others_comes_first(
    store: EmbeddingStore, rows: list[SlideRow], results: dict[str, SlideEmbedding]
) -> None:
    store.commit(results["b"])
    plan = plan_run(rows, store, patches=False)
    assert [(s.slide_id, s.status) for s in plan.done] == [("b", results["b"].status)]
    sizes = {row.slide_id: row.path.stat().st_size for row in rows}
    assert [task.slide_id for task in plan.tasks] == sorted("acd", key=lambda n: -sizes[n])


def test_another_spacing_is_another_wish(
    store: EmbeddingStore, rows: list[SlideRow], results: dict[str, SlideEmbedding]
) -> None:
    store.commit(results["a"])
    plan = plan_run([replace(rows[0], mpp=0.25)], store, patches=False)
    assert [task.slide_id for task in plan.tasks] == ["a"]


@pytest.mark.posix
def test_what_is_no_slide_is_refused_before_any_work(store: EmbeddingStore, tmp_path: Path) -> None:
    (tmp_path / "zero.svs").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo.svs")
    (tmp_path / "loop.svs").symlink_to(tmp_path / "loop.svs")
    (tmp_path / "alone.mrxs").write_bytes(b"x" * 200)
    names = ("zero.svs", "folder", "fifo.svs", "loop.svs", "alone.mrxs", "gone.svs")
    plan = plan_run([SlideRow(n, tmp_path / n, None) for n in names], store, patches=False)
    assert plan.tasks == []
    assert {s.slide_id: s.code for s in plan.refused} == {
        "zero.svs": "SlideCorrupt",
        "folder": "SlideFormat",
        "fifo.svs": "SlideFormat",
        "loop.svs": "SlideNotFound",
        "alone.mrxs": "SlideFormat",
        "gone.svs": "SlideNotFound",
    }


def test_an_encoded_slide_whose_file_was_archived_is_done(
    store: EmbeddingStore, rows: list[SlideRow], results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    store.commit(results["a"])
    archived = replace(rows[0], path=tmp_path / "archived.svs")
    plan = plan_run([archived], store, patches=False)
    assert [(s.slide_id, s.status) for s in plan.done] == [("a", results["a"].status)]
    for wish in (replace(archived, mpp=0.3), replace(archived, slide_id="b")):
        assert [s.code for s in plan_run([wish], store, patches=False).refused] == ["SlideNotFound"]
    assert plan_run([archived], store, patches=True).done == []
    assert store.find(PartKey("a", FileStamp.of(rows[0].path), None)) is not None


def test_a_file_that_became_garbage_is_not_done(
    store: EmbeddingStore, rows: list[SlideRow], results: dict[str, SlideEmbedding], tmp_path: Path
) -> None:
    store.commit(results["a"])
    (tmp_path / "a.svs").touch()
    plan = plan_run([replace(rows[0], path=tmp_path / "a.svs")], store, patches=False)
    assert [s.code for s in plan.refused] == ["SlideCorrupt"]


def test_two_instances_of_one_series_are_one_slide(store: EmbeddingStore, tmp_path: Path) -> None:
    image = picture(300, 200)
    one, other = write_series(tmp_path / "x", image, "a", levels=2)
    (third,) = write_series(tmp_path / "y", image, "b", levels=1)
    listed = [SlideRow(str(n), path, None) for n, path in enumerate((one, other, third))]
    plan = plan_run(listed, store, patches=False)
    assert {task.slide_id for task in plan.tasks} == {"0", "2"}
    assert [(s.slide_id, s.code) for s in plan.refused] == [("1", "DuplicateId")]
    assert "series as slide 0" in plan.refused[0].reason
