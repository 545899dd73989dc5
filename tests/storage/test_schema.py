"""Tables of a cohort on disk: units beside columns, and damage that never goes unnoticed."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msfusion_sdk.errors import StoreCorruptError, StoreError, StoreFullError, StoreSchemaError
from msfusion_sdk.storage.schema import (
    TABLE_FILE,
    read_column,
    read_notes,
    read_stored,
    with_units,
    write_stored,
)

TABLE = pa.table(
    {
        "patient_id": ["0012", "NA", "é"],
        "time_months": [1.5, None, float("nan")],
        "n": pa.array([1, None, 3], pa.int32()),
        "flag": [True, None, False],
        "vector": pa.array([[1.0, 2.0], None, []], pa.list_(pa.float32())),
    }
)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "patients.parquet"
    write_stored(path, TABLE, {"source": "p.csv"}, kind="patients")
    return path


def test_a_table_comes_back_as_it_was_with_its_notes(stored: Path) -> None:
    table, notes = read_stored(stored, "patients")
    assert notes == {"source": "p.csv"}
    assert table.schema.equals(TABLE.schema)
    assert repr(table.to_pylist()) == repr(TABLE.to_pylist())  # NaN is not equal to itself


def test_one_column_or_the_notes_are_read_alone(stored: Path) -> None:
    assert read_column(stored, "patients", "patient_id") == ["0012", "NA", "é"]
    assert read_notes(stored, "patients") == {"source": "p.csv"}


def test_units_lie_in_the_field_metadata_where_pyarrow_and_others_find_them(stored: Path) -> None:
    schema = pq.read_schema(stored)
    assert schema.field("time_months").metadata[b"unit"] == b"months"
    assert schema.field("patient_id").metadata[b"unit"] == b"identifier, as written"


@pytest.mark.parametrize(
    ("name", "unit"),
    [("mpp", "µm per px of level 0"), ("x_days", "days"), ("area_mm2", "mm²"), ("age", None)],
)
def test_a_name_that_tells_no_unit_gets_none(name: str, unit: str | None) -> None:
    metadata = with_units(pa.table({name: [1.0]})).schema.field(name).metadata or {}
    assert metadata.get(b"unit", b"").decode() == (unit or "")


def test_every_page_has_a_checksum_and_zstd(stored: Path) -> None:
    column = pq.ParquetFile(stored).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    data = bytearray(stored.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start + column.total_compressed_size - 1] ^= 1  # the last byte of its last page
    stored.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(stored, page_checksum_verification=True).read()


def test_a_flip_of_any_byte_gives_the_same_table_or_an_error(stored: Path) -> None:
    data, damaged = stored.read_bytes(), stored.with_name("damaged.parquet")
    expected, notes = read_stored(stored, "patients")
    refused = 0
    for place in np.random.default_rng(0).permutation(len(data))[:400].tolist():
        flipped = bytearray(data)
        flipped[place] ^= 1 << (place % 8)
        damaged.write_bytes(flipped)
        try:
            table, found = read_stored(damaged, "patients")
        except (StoreCorruptError, StoreSchemaError):
            refused += 1
            continue
        assert table.schema.equals(expected.schema, check_metadata=True)
        assert repr(table.to_pylist()) == repr(expected.to_pylist())
        assert found == notes
    assert refused > 200


def test_a_truncated_file_is_refused_with_its_path(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:-20])
    with pytest.raises(StoreCorruptError, match=stored.name):
        read_stored(stored, "patients")


def test_a_lost_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"patients\.parquet is not there"):
        read_stored(tmp_path / "patients.parquet", "patients")


def test_parquet_of_someone_else_is_refused_by_its_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"theirs": [1]}), tmp_path / "t.parquet")
    with pytest.raises(StoreSchemaError, match="theirs"):
        read_stored(tmp_path / "t.parquet", "patients")


def test_a_table_of_another_kind_is_refused(stored: Path) -> None:
    with pytest.raises(StoreSchemaError, match="'patients', where 'slides'"):
        read_stored(stored, "slides")


def test_a_newer_version_is_refused_with_the_way_out(stored: Path) -> None:
    table = pq.read_table(stored)
    metadata = dict(table.schema.metadata)
    header = json.loads(metadata[TABLE_FILE.key])
    metadata[TABLE_FILE.key] = json.dumps({**header, "schema_version": 2}).encode()
    pq.write_table(table.replace_schema_metadata(metadata), stored)
    with pytest.raises(StoreSchemaError, match="Upgrade"):
        read_stored(stored, "patients")


def test_a_full_disk_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(StoreFullError, match=r"No space left.*Free space"):
        write_stored(tmp_path / "t.parquet", TABLE, {}, kind="patients")
    assert list(tmp_path.iterdir()) == []


def test_a_type_that_parquet_would_change_is_refused_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    codes = pa.table({"code": pa.array([1, 2]).dictionary_encode()})
    with pytest.raises(StoreError, match=r"not written.*columns: code"):
        write_stored(tmp_path / "t.parquet", codes, {}, kind="modality")
    assert list(tmp_path.iterdir()) == []
