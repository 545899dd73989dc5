"""What is committed stays, once, whole and of the right slide."""

import os
import random
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.cohort.store.holdings import load, part_name
from msfusion_sdk.cohort.store.part import PartKey, read_part
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import StoreConflictError

Results = dict[str, SlideEmbedding]
Wishes = dict[str, PartKey]


@pytest.fixture
def store(tmp_path: Path, results: Results) -> EmbeddingStore:
    store = EmbeddingStore(tmp_path, results["a"].provenance.model.fingerprint)
    store.prepare()
    return store


def names(store: EmbeddingStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


def test_a_committed_result_comes_back(
    store: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    assert store.commit(results["a"])
    part = store.find(wanted["a"])
    assert part is not None
    assert part.vector is not None
    assert part.vector.tobytes() == results["a"].vector.tobytes()
    assert part.n_patches == results["a"].patches.num_rows
    assert names(store) == ["slide=a.parquet"]


def test_the_same_result_twice_is_stored_once(store: EmbeddingStore, results: Results) -> None:
    assert store.commit(results["a"])
    before = store.part("a").read_bytes()
    assert not store.commit(results["a"])
    assert store.part("a").read_bytes() == before
    assert names(store) == ["slide=a.parquet"]


def test_another_vector_for_the_same_slide_is_a_conflict(
    store: EmbeddingStore, results: Results
) -> None:
    store.commit(results["a"])
    other = replace(results["a"], vector=-results["a"].vector)
    with pytest.raises(StoreConflictError, match="other numbers"):
        store.commit(other)
    assert np.array_equal(read_part(store.part("a")).vector, results["a"].vector)


def test_of_many_writers_at_once_one_wins_and_none_fails(
    store: EmbeddingStore, results: Results
) -> None:
    start, won = threading.Barrier(8), []

    def write() -> None:
        start.wait()
        won.append(store.commit(results["a"]))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    assert names(store) == ["slide=a.parquet"]


@pytest.mark.parametrize(
    "change",
    [
        lambda wish: replace(wish, mpp=0.3),
        lambda wish: replace(wish, stamp=replace(wish.stamp, size_bytes=1)),
        lambda wish: replace(wish, stamp=replace(wish.stamp, mtime_ns=1)),
    ],
    ids=["another spacing", "another size", "another time"],
)
def test_a_part_of_another_file_or_spacing_is_outdated(
    store: EmbeddingStore, results: Results, wanted: Wishes, change: object
) -> None:
    store.commit(results["a"])
    assert store.find(change(wanted["a"])) is None
    assert [name.rsplit(".", 1)[1] for name in names(store)] == ["outdated"]
    assert store.commit(results["a"]), "its name is free again"


def test_a_file_under_another_slides_name_is_not_that_slide(
    store: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    store.commit(results["a"])
    store.part("a").rename(store.part("b"))
    assert store.find(wanted["b"]) is None


def test_each_of_150_flipped_bits_is_found_and_the_part_set_aside(
    store: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    store.commit(results["a"])
    path, rng = store.part("a"), random.Random(0)
    data = path.read_bytes()
    for place in (rng.randrange(len(data)) for _ in range(150)):
        mutant = bytearray(data)
        mutant[place] ^= 1 << rng.randrange(8)
        path.write_bytes(mutant)
        assert store.find(wanted["a"]) is None, place
    assert sum(name.endswith(".corrupt") for name in names(store)) == 150


def test_a_slide_whose_patches_are_wanted_too_is_not_done_without_them(
    store: EmbeddingStore, results: Results, wanted: Wishes
) -> None:
    store.commit(results["a"])
    assert store.find(wanted["a"], patches=True) is None
    store.commit(results["a"], patches=True)
    assert store.find(wanted["a"], patches=True) is not None
    patches = SlideEmbedding.from_parquet(store.patch_part("a")).patches
    assert patches.equals(results["a"].patches)


def test_packs_hold_the_same_parts(store: EmbeddingStore, results: Results, wanted: Wishes) -> None:
    for result in results.values():
        store.commit(result)
    before = {name: part.header for name, part in load(store.folder, results).parts.items()}
    assert store.compact() == len(results)
    assert [name.split("-")[0] for name in names(store)] == ["pack"]
    again = EmbeddingStore(store.root, store.fingerprint)
    after = load(again.folder, results).parts
    assert {name: part.header for name, part in after.items()} == before
    assert all(np.array_equal(after[name].vector, results[name].vector) for name in results)
    assert all(again.find(wish) is not None for wish in wanted.values())


def test_a_damaged_pack_loses_only_damaged_rows(
    store: EmbeddingStore, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msfusion_sdk.cohort.store.archive_file.GROUP_ROWS", 1)
    for result in results.values():
        store.commit(result)
    store.compact()
    pack = next(store.folder.glob("pack-*"))
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    held = load(store.folder, results)
    assert len(held.parts) == len(results) - 1
    assert list(held.archives) == [pack]
    assert names(store) == [pack.name], "reading changes nothing"
    store.prepare()
    assert {path.suffix for path in store.folder.iterdir()} == {".parquet", ".corrupt"}
    again = load(store.folder, results)
    assert again.parts.keys() == held.parts.keys()
    assert not again.archives


def test_only_temporary_files_of_yesterday_are_swept(store: EmbeddingStore) -> None:
    old, new = store.folder / ".tmp-1-a.parquet", store.folder / ".tmp-1-b.parquet"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.prepare()
    assert names(store) == [new.name]


@given(st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=2, unique=True))
def test_different_ids_have_different_names_that_every_file_system_takes(pair: list[str]) -> None:
    one, other = (part_name(name) for name in pair)
    assert one != other
    assert len(one.encode()) < 255
    assert one.isascii()
    assert "/" not in one
