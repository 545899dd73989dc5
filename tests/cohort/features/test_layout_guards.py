"""Features of other programs lead nowhere else, and claim no more than their files can hold."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msfusion_sdk.cohort.features.layouts import look_at, read_coords
from msfusion_sdk.errors import StoreCorruptError, TableError

pytestmark = pytest.mark.slow

h5py = pytest.importorskip("h5py", reason="the extra [h5] is not installed")
VECTORS = np.ones((3, 4), np.float32)


def made(path: Path, features: Callable[[Any], None]) -> Path:
    with h5py.File(path, "w") as file:
        file["coords"] = np.zeros((3, 2))
        features(file)
    return path


@pytest.fixture(name="other")
def _other(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["features"] = VECTORS
    (tmp_path / "secret.bin").write_bytes(VECTORS.tobytes())
    return tmp_path


def linked(file: Any) -> None:
    file["features"] = h5py.ExternalLink("secret.h5", "features")


def stored_elsewhere(file: Any) -> None:
    where = [("secret.bin", 0, VECTORS.nbytes)]
    file.create_dataset("features", VECTORS.shape, VECTORS.dtype, external=where)


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(VECTORS.shape, VECTORS.dtype)
    layout[:] = h5py.VirtualSource("secret.h5", "features", VECTORS.shape)
    file.create_virtual_dataset("features", layout)


def in_a_linked_group(file: Any) -> None:
    file["features"] = h5py.ExternalLink("secret.h5", "/")


@pytest.mark.parametrize("features", [linked, stored_elsewhere, virtual, in_a_linked_group])
def test_bytes_of_other_files_are_not_read(other: Path, features: Callable[[Any], None]) -> None:
    with pytest.raises(TableError, match=r"as a link|in other files"):
        look_at(made(other / "x.h5", features))


def test_a_file_that_claims_more_than_it_can_hold_is_refused(tmp_path: Path) -> None:
    def huge(file: Any) -> None:
        del file["coords"]
        file.create_dataset("coords", (10**6, 2), "f8")
        file.create_dataset("features", (10**6, 1024), "f4", chunks=(1, 1024))

    with pytest.raises(TableError, match="claims"):
        look_at(made(tmp_path / "x.h5", huge))


def test_a_file_of_words_is_refused(tmp_path: Path) -> None:
    def words(file: Any) -> None:
        file["features"] = np.full((3, 4), b"word")

    with pytest.raises(TableError, match="numbers belong"):
        look_at(made(tmp_path / "x.h5", words))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_file_is_called_damaged(tmp_path: Path, share: float) -> None:
    path = made(tmp_path / "x.h5", lambda file: file.update(features=VECTORS))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(StoreCorruptError, match="damaged"):
        look_at(path)


def test_an_archive_of_coordinates_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.ones(3, 4), tmp_path / "s.pt")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i8", "fortran_order": False, "shape": (10**9,)}
    )
    with zipfile.ZipFile(tmp_path / "s.coordinates.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for axis in "xy":
            with archive.open(f"{axis}.npy", "w") as file:
                file.write(header.getvalue())
                for _ in range(64):
                    file.write(bytes(10**7))
    with pytest.raises(TableError, match=r"claims 1\.3 GB"):
        read_coords(look_at(tmp_path / "s.pt"))
