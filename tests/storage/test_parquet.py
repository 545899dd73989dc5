"""What is written comes back equal or not at all."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.errors import StoreCorruptError, StoreError, StoreFullError, StoreSchemaError
from msfusion_sdk.storage import parquet as storage
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(small_encoder: SlideEncoder, made_slide: Path) -> SlideEmbedding:
    return small_encoder.encode(made_slide)


@pytest.fixture(scope="module")
def empty(small_encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory) -> SlideEmbedding:
    path = make_slide(tmp_path_factory.mktemp("blank") / "blank.svs", 512, 512, tissue="none")
    return small_encoder.encode(path)


def facts(found: SlideEmbedding) -> tuple[object, ...]:
    vector = None if found.vector is None else found.vector.tobytes()
    names = (found.slide_id, found.status, found.reason)
    return (*names, vector, found.patches.to_pylist(), found.provenance, found.tissue)


def test_a_result_comes_back_equal(result: SlideEmbedding, tmp_path: Path) -> None:
    found = SlideEmbedding.from_parquet(result.to_parquet(tmp_path / "s.parquet"))
    assert facts(found) == facts(result)
    assert found.patches.schema.equals(result.patches.schema, check_metadata=True)


def test_without_patches_everything_else_comes_back(result: SlideEmbedding, tmp_path: Path) -> None:
    found = SlideEmbedding.from_parquet(result.to_parquet(tmp_path / "s.parquet", patches=False))
    assert found.patches.num_rows == 0
    assert found.vector.tobytes() == result.vector.tobytes()
    assert found.provenance == result.provenance


def test_an_empty_slide_comes_back_without_a_vector(empty: SlideEmbedding, tmp_path: Path) -> None:
    found = SlideEmbedding.from_parquet(empty.to_parquet(tmp_path / "s.parquet"))
    assert facts(found) == facts(empty)
    assert found.vector is None


def test_pandas_reads_the_file(result: SlideEmbedding, tmp_path: Path) -> None:
    table = pd.read_parquet(result.to_parquet(tmp_path / "s.parquet"))
    assert np.array_equal(table.loc[0, "vector"], result.vector)
    assert table.loc[0, "patches"][0]["x"] == result.patches["x"][0].as_py()


def test_the_file_is_zstd_and_names_its_units(result: SlideEmbedding, tmp_path: Path) -> None:
    file = pq.ParquetFile(result.to_parquet(tmp_path / "s.parquet"))
    group = file.metadata.row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}
    assert file.schema_arrow.field("tissue_area_mm2").metadata[b"unit"].decode() == "mm²"


def reads_alike(path: Path, data: bytes, wanted: tuple[object, ...]) -> bool:
    """Return whether ``data`` reads as ``wanted``; False for one of our two errors."""
    path.write_bytes(data)
    try:
        found = facts(SlideEmbedding.from_parquet(path))
    except (StoreCorruptError, StoreSchemaError):
        return False
    assert found == wanted
    return True


@pytest.mark.parametrize("patches", [False, True])
def test_a_flipped_bit_is_an_error_or_changes_nothing(
    result: SlideEmbedding, tmp_path: Path, patches: bool
) -> None:
    path = result.to_parquet(tmp_path / "s.parquet", patches=patches)
    data, wanted = path.read_bytes(), facts(SlideEmbedding.from_parquet(path))
    rng, refused = random.Random(0), 0
    # The footer is where page checksums do not look.
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    places = [rng.randrange(footer) for _ in range(200)]
    places += [rng.randrange(footer, len(data)) for _ in range(400)]
    for place in places:
        mutant = bytearray(data)
        mutant[place] ^= 1 << rng.randrange(8)
        refused += not reads_alike(path, bytes(mutant), wanted)
    # A flip in the name of the seal leaves a file without one, whose content has its digest.
    assert refused > 0.99 * len(places)


def test_a_truncated_file_is_corrupt(result: SlideEmbedding, tmp_path: Path) -> None:
    path = result.to_parquet(tmp_path / "s.parquet")
    data = path.read_bytes()
    for length in (0, 3, 4, 11, 12, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(StoreCorruptError, match="Encode the slide again"):
            SlideEmbedding.from_parquet(path)


def test_numbers_changed_under_correct_checksums_are_found(
    result: SlideEmbedding, tmp_path: Path
) -> None:
    path = result.to_parquet(tmp_path / "s.parquet")
    table = pq.read_table(path)
    area = table.schema.get_field_index("tissue_area_mm2")
    changed = table.set_column(area, table.schema.field(area), pa.array([1.5]))
    pq.write_table(changed, path)
    with pytest.raises(StoreCorruptError, match="digest"):
        SlideEmbedding.from_parquet(path)


def test_a_file_rewritten_by_another_program_is_still_ours(
    result: SlideEmbedding, tmp_path: Path
) -> None:
    path = result.to_parquet(tmp_path / "s.parquet")
    pq.write_table(pq.read_table(path), path, compression="snappy", version="1.0")
    assert facts(SlideEmbedding.from_parquet(path)) == facts(result)


def test_a_foreign_parquet_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    pd.DataFrame({"age": [61], "sex": ["f"]}).to_parquet(tmp_path / "patients.parquet")
    with pytest.raises(StoreSchemaError, match=r"not written by .* \(columns: age, sex\)"):
        SlideEmbedding.from_parquet(tmp_path / "patients.parquet")


def test_a_newer_schema_asks_for_an_upgrade(
    result: SlideEmbedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(storage, "SCHEMA_VERSION", storage.SCHEMA_VERSION + 1)
        path = result.to_parquet(tmp_path / "s.parquet")
    with pytest.raises(StoreSchemaError, match="Upgrade msfusion-sdk"):
        SlideEmbedding.from_parquet(path)


def test_a_provenance_with_unknown_fields_is_of_another_version(
    result: SlideEmbedding, tmp_path: Path
) -> None:
    path = result.to_parquet(tmp_path / "s.parquet")
    row, patches, metadata, _ = storage.read_parquet(path)
    metadata["provenance"] = metadata["provenance"].replace('{"slide"', '{"colour": 1, "slide"', 1)
    storage.write_parquet(path, row, patches, metadata)
    with pytest.raises(StoreSchemaError, match=r"1 fields differ.*Use the version that wrote it"):
        SlideEmbedding.from_parquet(path)


def test_a_missing_file_is_the_error_of_the_language(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SlideEmbedding.from_parquet(tmp_path / "s.parquet")


@pytest.mark.parametrize("write", [SlideEmbedding.to_parquet, SlideEmbedding.to_geojson])
def test_a_missing_folder_is_named(
    result: SlideEmbedding, tmp_path: Path, write: Callable[[SlideEmbedding, Path], Path]
) -> None:
    with pytest.raises(StoreError, match="Create the folder"):
        write(result, tmp_path / "nowhere" / "s.out")


def test_a_writer_that_fails_leaves_the_old_file(
    result: SlideEmbedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = result.to_parquet(tmp_path / "s.parquet")
    before = path.read_bytes()

    def half(writer: pq.ParquetWriter, *_: object, **__: object) -> None:
        Path(writer.where).write_bytes(before[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pq.ParquetWriter, "write_table", half)
    with pytest.raises(KeyboardInterrupt):
        result.to_parquet(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, sys
from pathlib import Path
from msfusion_sdk.files import storing
with storing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    os._exit(9)
"""


@pytest.mark.process
def test_a_writer_that_is_killed_leaves_the_old_file(
    result: SlideEmbedding, tmp_path: Path
) -> None:
    path = result.to_parquet(tmp_path / "s.parquet")
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == 9
    assert facts(SlideEmbedding.from_parquet(path)) == facts(result)
    assert pq.read_table(tmp_path).num_rows == 1, "a folder is read without the remains"


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow past 8 kB inside the block, and only there.

    A fixture would still hold when pytest reports the test: where its own output is a
    longer file, the whole run would end.
    """
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_a_store_error_and_leaves_nothing(
    result: SlideEmbedding, tmp_path: Path
) -> None:
    with full_disk(), pytest.raises(StoreFullError, match="could not be written"):
        result.to_parquet(tmp_path / "s.parquet")
    assert list(tmp_path.iterdir()) == []
