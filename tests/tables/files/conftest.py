"""Files written byte for byte, and read as a table of patients or of genes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from msfusion_sdk.tables.files.reading import read_file
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

Reader = Callable[..., dict[str, list[Any]]]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def patients(written: Callable[..., Path]) -> Reader:
    """Write and read a table with a column ``patient_id``."""

    def read(content: str | bytes, name: str = "t.csv", **settings: Any) -> dict[str, list[Any]]:
        file = TableFile(path=written(content, name), **settings)
        shape = TableShape(wanted=("patient_id",))
        return columns_of(read_file(file, keep_text=("patient_id",), shape=shape))

    return read


@pytest.fixture
def genes(written: Callable[..., Path]) -> Reader:
    """Write and read a table whose first column holds the names of genes."""

    def read(content: str | bytes, name: str = "t.tsv", **settings: Any) -> dict[str, list[Any]]:
        file = TableFile(path=written(content, name), **settings)
        return columns_of(read_file(file, shape=TableShape(has_row_names=True)))

    return read


def columns_of(table: pa.Table) -> dict[str, list[Any]]:
    return dict(table.to_pydict())
