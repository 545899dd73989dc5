"""HDF5 files of others: what they lead to is not followed, and what they claim not believed."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from msfusion_sdk.errors import MsfusionError, StoreCorruptError, StoreFullError, TableError
from msfusion_sdk.storage.h5_arrays import ArrayReader, read_arrays, write_arrays

NAMES = ("features",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.h5"


@pytest.fixture(scope="module")
def reader() -> Iterator[ArrayReader]:
    with ArrayReader() as made:
        yield made


def test_arrays_are_read_as_they_were_written(path: Path, reader: ArrayReader) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    write_arrays(path, {"features": values, "coords": values[:, :2]}, {"coords": {"size": 512}})
    found = reader.read(path, NAMES, ("coords", "absent"))
    assert list(found) == ["features", "coords"]
    assert np.array_equal(found["features"], values)
    assert found["features"].dtype == np.float32
    with h5py.File(path) as file:
        assert file["coords"].attrs["size"] == 512


def external(file: h5py.File, folder: Path) -> None:
    (folder / "secret").write_bytes(bytes(range(64)))
    file.create_dataset("features", (16,), "f4", external=[(folder / "secret", 0, 64)])


def virtual(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = np.zeros(4)
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(folder / "other.h5", "x", (4,))
    file.create_virtual_dataset("features", layout)


def outside(file: h5py.File, folder: Path) -> None:
    file["features"] = h5py.ExternalLink(folder / "other.h5", "x")


def inside(file: h5py.File, _: Path) -> None:
    file["features"] = h5py.SoftLink("/other")


def huge(file: h5py.File, _: Path) -> None:
    file.create_dataset("features", (10**9,), "f4", chunks=(1000,), compression="gzip")


def text(file: h5py.File, _: Path) -> None:
    file["features"] = ["a", "b"]


def group(file: h5py.File, _: Path) -> None:
    file.create_group("features")


def nothing(file: h5py.File, _: Path) -> None:
    file["other"] = [1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (external, "in other files"),
        (virtual, "in other files"),
        (outside, "as a link"),
        (inside, "as a link"),
        (huge, r"claims 8\.0 GB in a file of"),
        (text, "where numbers belong"),
        (group, "as a group"),
        (nothing, "has other, and lacks features"),
    ],
)
def test_what_is_no_plain_array_is_refused(
    path: Path, tmp_path: Path, make: Callable[[h5py.File, Path], None], words: str
) -> None:
    with h5py.File(path, "w") as file:
        make(file, tmp_path)
    with pytest.raises(TableError, match=words):
        read_arrays(path, NAMES)


def test_damage_is_an_error_of_ours(path: Path, reader: ArrayReader) -> None:
    write_arrays(path, {"features": np.zeros((8, 8))}, {})
    data, rng = path.read_bytes(), random.Random(0)
    for _ in range(100):
        mutant = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            mutant[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(mutant[: rng.choice([None, rng.randrange(len(data))])])
        try:
            reader.read(path, NAMES)
        except MsfusionError as error:
            assert str(path) in str(error)  # noqa: PT017  a file that is whole is no error


def test_a_full_disk_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreFullError):
        write_arrays(path, {"features": np.zeros(9)}, {})
    assert not list(path.parent.iterdir())


def test_what_is_no_file_is_named(path: Path, reader: ArrayReader) -> None:
    path.mkdir()
    with pytest.raises(StoreCorruptError, match="is a folder"):
        reader.read(path, NAMES)
