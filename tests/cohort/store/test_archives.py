"""Archives: what is outdated never comes back, what is damaged is named, nothing is lost."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.cohort.store import compacting
from msfusion_sdk.cohort.store.archive_file import read_archive, write_archive
from msfusion_sdk.cohort.store.holdings import load
from msfusion_sdk.cohort.store.ledger import Ledger, status_of
from msfusion_sdk.cohort.store.part import Part, PartKey, part_of
from msfusion_sdk.cohort.store.status import slide_statuses
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts
from msfusion_sdk.errors import (
    StoreConflictError,
    StoreCorruptError,
    StoreError,
    StoreVersionError,
)

pytestmark = pytest.mark.slow

Results = dict[str, SlideEmbedding]
Wishes = dict[str, PartKey]


def opened(root: Path, results: Results) -> EmbeddingStore:
    return EmbeddingStore(root, results["a"].provenance.model.fingerprint)


@pytest.fixture
def packed(tmp_path: Path, results: Results) -> EmbeddingStore:
    """All four slides in one archive, and noted as done."""
    store = opened(tmp_path, results)
    store.prepare()
    for result in results.values():
        store.commit(result)
    for part in load(store.folder, results).parts.values():
        Ledger(tmp_path, store.fingerprint).write(status_of(part))
    store.compact()
    return opened(tmp_path, results)


def replaced(result: SlideEmbedding) -> tuple[SlideEmbedding, int]:
    """The result of a file that was put in the place of the other, and its time."""
    slide = result.provenance.slide
    later = slide.model_copy(update={"mtime_ns": slide.mtime_ns + 1})
    provenance = result.provenance.model_copy(update={"slide": later})
    return replace(result, vector=-result.vector, provenance=provenance), later.mtime_ns


def wish_of(wish: PartKey, mtime_ns: int) -> PartKey:
    return replace(wish, stamp=replace(wish.stamp, mtime_ns=mtime_ns))


def vector_of(store: EmbeddingStore, slide_id: str) -> np.ndarray:
    return load_parts(store.root, [slide_id], store.fingerprint)[slide_id].vector


def test_a_slide_that_was_replaced_has_the_new_vector_after_compacting(
    packed: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    new, mtime_ns = replaced(results["a"])
    assert packed.find(wish_of(wanted["a"], mtime_ns)) is None
    packed.commit(new)
    for _ in range(2):
        assert np.array_equal(vector_of(packed, "a"), new.vector)
        packed.compact()
    parts, fault = read_archive(next(packed.folder.glob("pack-*")))
    assert (len(parts), fault) == (4, None)
    assert len(list(packed.folder.iterdir())) == 1


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b""])
def test_an_outdated_row_does_not_come_back_for_a_damaged_part(
    packed: EmbeddingStore, results: Results, wanted: Wishes, damage: Callable[[bytes], bytes]
) -> None:
    new, mtime_ns = replaced(results["a"])
    packed.commit(new)  # nobody has retired the row before
    path = packed.part("a")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreCorruptError, match=r"\(first: a\)"):
        vector_of(packed, "a")
    assert opened(packed.root, results).find(wish_of(wanted["a"], mtime_ns)) is None
    with pytest.raises(StoreCorruptError, match=r"\(first: a\)"):
        vector_of(packed, "a")


def test_an_outdated_row_stays_out_when_the_run_is_killed_after_it_was_found(
    packed: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    packed.find(wish_of(wanted["a"], 1))
    with pytest.raises(StoreCorruptError, match=r"first: a\).*Encode the cohort again"):
        vector_of(packed, "a")


def test_a_slide_that_is_put_back_may_use_its_row_again(
    packed: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    packed.find(wish_of(wanted["a"], 1))
    again = opened(packed.root, results)
    assert again.find(wanted["a"]) is None
    again.commit(results["a"])
    again.compact()
    assert np.array_equal(vector_of(packed, "a"), results["a"].vector)


def two_archives(store: EmbeddingStore, results: Results) -> int:
    """As version 0.1.0 left a slide that was replaced between two compactions."""
    new, mtime_ns = replaced(results["a"])
    store.commit(new)
    part = load(store.folder, ["a"]).parts["a"]
    store.part("a").unlink()
    write_archive(store.folder, [part])
    return mtime_ns


def test_archives_that_disagree_are_refused_and_settled_by_the_slide(
    packed: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    mtime_ns = two_archives(packed, results)
    with pytest.raises(StoreCorruptError, match="2 results of the slide 'a'"):
        vector_of(packed, "a")
    with pytest.raises(StoreConflictError, match="disagree on 1 slides"):
        packed.compact()
    found = opened(packed.root, results).find(wish_of(wanted["a"], mtime_ns))
    assert found is not None
    assert np.array_equal(vector_of(packed, "a"), -results["a"].vector)


@pytest.mark.parametrize("length", [0, 8, 4000, -1])
def test_a_cut_archive_is_named_with_its_slides(packed: EmbeddingStore, length: int) -> None:
    path = next(packed.folder.glob("pack-*"))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StoreCorruptError, match=r"4 slides .*\(first: a, b, c\).*pack-") as found:
        load_parts(packed.root, list("abcd"), packed.fingerprint)
    assert str(path) in str(found.value)
    statuses = slide_statuses(packed.root, list("abcd"), packed.fingerprint)
    assert {(s.status, s.code) for s in statuses.values()} == {("failed", "StoreCorrupt")}


def many_parts(n: int) -> list[Part]:
    """Results of slides s00, s01 and so on."""
    vector = np.random.default_rng(0).standard_normal(1024).astype(np.float32)
    row = {"status": "ok", "reason": "", "vector": vector, "n_patches": 1}
    areas = {"tissue_area_mm2": 1.0, "tissue_recall": 1.0, "n_bad_regions": 0, "fingerprint": "f"}
    header = json.dumps({"schema_version": 1, "provenance": "{}", "tissue": []})
    return [part_of({"slide_id": f"s{i:02d}", **row, **areas}, header) for i in range(n)]


@pytest.mark.parametrize("size", [8, 64])
def test_sixteen_damaged_bytes_cost_the_slides_of_one_group(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 64 is what version 0.1.0 wrote: such a file opens, and loses more.
    monkeypatch.setattr("msfusion_sdk.cohort.store.archive_file.GROUP_ROWS", size)
    path = write_archive(tmp_path, many_parts(70))
    data = bytearray(path.read_bytes())
    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.get_field_index("vector")
        chunk = file.metadata.row_group(1).column(place)
    # The middle of the vectors of the second group.
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    at = begin + chunk.total_compressed_size // 2
    data[at : at + 16] = bytes(16)
    path.write_bytes(data)
    parts, fault = read_archive(path)
    lost = {f"s{i:02d}" for i in range(size, min(2 * size, 70))}
    assert {f"s{i:02d}" for i in range(70)} - {part.slide_id for part in parts} == lost
    assert f"rows {size + 1} to {min(2 * size, 70)}: " in str(fault)


def test_an_archive_is_written_in_groups_of_eight(tmp_path: Path) -> None:
    path = write_archive(tmp_path, many_parts(20))
    with pq.ParquetFile(path) as file:
        assert [file.metadata.row_group(i).num_rows for i in range(3)] == [8, 8, 4]


def test_slides_of_a_cut_archive_are_work_again(
    packed: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    path = next(packed.folder.glob("pack-*"))
    path.write_bytes(path.read_bytes()[:4000])
    store = opened(packed.root, results)
    store.prepare()
    assert [store.find(wish) for wish in wanted.values()] == [None] * 4
    for result in results.values():
        store.commit(result)
    assert len(load_parts(packed.root, list("abcd"), packed.fingerprint)) == 4


def test_a_newer_archive_asks_for_an_upgrade_and_is_not_touched(
    packed: EmbeddingStore, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = replace(write_archive.__globals__["ARCHIVE_FILE"], version=2)
    parts = list(load(packed.folder, results).parts.values())
    next(packed.folder.glob("pack-*")).unlink()
    with monkeypatch.context() as patched:
        patched.setattr("msfusion_sdk.cohort.store.archive_file.ARCHIVE_FILE", kind)
        path = write_archive(packed.folder, parts)
    with pytest.raises(StoreVersionError, match="Upgrade msfusion-sdk"):
        load(packed.folder, results)
    with pytest.raises(StoreVersionError, match="Upgrade msfusion-sdk"):
        opened(packed.root, results).prepare()
    assert list(packed.folder.iterdir()) == [path]


def test_a_newer_part_asks_for_an_upgrade_and_is_not_touched(
    packed: EmbeddingStore, results: Results, wanted: Wishes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("msfusion_sdk.storage.parquet.SCHEMA_VERSION", 2)
        results["a"].to_parquet(packed.part("a"), patches=False)
    before = packed.part("a").read_bytes()
    for use in (
        lambda: packed.find(wanted["a"]),
        lambda: packed.commit(results["a"]),
        lambda: load(packed.folder, ["a"]),
        packed.compact,
    ):
        with pytest.raises(StoreVersionError, match="Upgrade msfusion-sdk"):
            use()
    assert packed.part("a").read_bytes() == before


def test_a_process_that_compacts_may_be_killed_at_any_step(
    tmp_path: Path, results: Results, wanted: Wishes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(12):
        root = tmp_path / str(step)
        store = opened(root, results)
        store.prepare()
        for name in "abc":
            store.commit(results[name])
        store.compact()
        new, mtime_ns = replaced(results["a"])
        assert opened(root, results).find(wish_of(wanted["a"], mtime_ns)) is None
        store.commit(new)
        store.commit(results["d"])
        if not stopped_after(step, store, monkeypatch):
            break
        assert np.array_equal(vector_of(store, "a"), new.vector), step
        assert len(load_parts(root, list("abcd"), store.fingerprint)) == 4
        store.compact()
        assert np.array_equal(vector_of(store, "a"), new.vector), step
        assert len(list(store.folder.iterdir())) == 1
    else:
        pytest.fail("it has more steps than were tried")
    assert step > 4


class Killed(BaseException):
    """Stands for the end of the process."""


def stopped_after(steps: int, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Compact up to so many steps that change the folder; return whether there were more."""
    left = [steps]

    def counted(act: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return act(*arguments, **options)

        return step

    with monkeypatch.context() as patched:
        patched.setattr(compacting, "write_archive", counted(write_archive))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        try:
            store.compact()
        except Killed:
            return True
    return False


def test_nothing_is_written_where_there_is_nothing_to_compact(packed: EmbeddingStore) -> None:
    path = next(packed.folder.glob("pack-*"))
    before = path.stat()
    assert packed.compact() == 0
    assert path.stat().st_ino == before.st_ino


@pytest.mark.posix
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "loop"])
def test_something_else_in_place_of_a_part_is_named_and_set_aside(
    packed: EmbeddingStore, results: Results, wanted: Wishes, kind: str
) -> None:
    path = packed.part("a")
    makes: dict[str, Callable[[], object]] = {
        "link": lambda: path.symlink_to(path.with_name("nowhere")),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "loop": lambda: path.symlink_to(path),
    }
    makes[kind]()
    with pytest.raises(StoreCorruptError, match=path.name):
        load_parts(packed.root, ["a"], packed.fingerprint)
    packed.commit(results["a"])
    assert np.array_equal(vector_of(packed, "a"), results["a"].vector)


def test_a_folder_that_cannot_be_listed_is_no_empty_one(
    packed: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StoreError, match="may not be read by this user"):
        load(packed.folder, ["a"])


def test_a_part_that_the_disk_does_not_give_is_not_set_aside(
    packed: EmbeddingStore, results: Results, wanted: Wishes, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed.commit(results["a"])

    def fail(*_: object) -> object:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", fail)
        for use in (lambda: packed.find(wanted["a"]), lambda: load(packed.folder, ["a"])):
            with pytest.raises(StoreError, match="cannot be read: Input/output error") as found:
                use()
            assert found.value.retryable
    assert packed.part("a").is_file()


def test_patch_rows_of_a_file_that_was_replaced_are_not_used(
    tmp_path: Path, results: Results, wanted: Wishes
) -> None:
    store = opened(tmp_path, results)
    store.prepare()
    store.commit(results["a"], patches=True)
    new, mtime_ns = replaced(results["a"])
    wish = wish_of(wanted["a"], mtime_ns)
    assert store.find(wish) is None
    store.commit(new)
    part = store.find(wish)
    assert part is not None
    assert store.patch_rows(part) is None
    assert store.find(wish, patches=True) is None
    store.commit(new, patches=True)
    assert store.patch_rows(part).equals(new.patches)


def test_a_slide_that_was_archived_keeps_its_result(packed: EmbeddingStore, wanted: Wishes) -> None:
    kept = packed.find_kept("a", None, patches=False)
    assert isinstance(kept, Part)
    assert packed.find_kept("a", 0.3, patches=False) is None, "read at another spacing"
    assert packed.find_kept("a", None, patches=True) is None, "patches are wanted, too"
    assert packed.find_kept("x", None, patches=False) is None


def test_results_that_are_gone_are_missed(packed: EmbeddingStore) -> None:
    next(packed.folder.glob("pack-*")).unlink()
    with pytest.raises(StoreCorruptError, match="4 results that were committed are no longer"):
        load_parts(packed.root, list("abcd"), packed.fingerprint)
    statuses = slide_statuses(packed.root, list("abcd"), packed.fingerprint)
    assert {status.code for status in statuses.values()} == {"StoreCorrupt"}
