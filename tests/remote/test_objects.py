"""Object stores: with a store in memory, as fsspec has one, that states checksums."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from msfusion_sdk.errors import SlideAccessError, SlideError, SlideNotFoundError, StoreError
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.remote import door
from msfusion_sdk.remote.fetching import fetch
from msfusion_sdk.remote.listing import look_at
from msfusion_sdk.remote.sending import outgoing

CONTENT = bytes(range(256)) * 4096


class Bucket(MemoryFileSystem):
    """States ETags, and fails as often as it is told to."""

    protocol = "s3"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    cachable = False
    faults: list[Exception] = []  # noqa: RUF012
    asked: list[tuple[int, int]] = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("s3://")).lstrip("/") and (
            "/" + path.removeprefix("s3://").strip("/")
        )

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        return self.stated(super().info(path, **kwargs))

    def find(self, path: str, **kwargs: Any) -> Any:
        found = super().find(path, **kwargs)
        return {name: self.stated(told) for name, told in found.items()}

    def stated(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["type"] == "file":
            content = self.store[told["name"]].getvalue()
            told["ETag"] = f'"{hashlib.md5(content).hexdigest()}"'
        return told

    def cat_file(self, path: str, start: Any = None, end: Any = None, **kwargs: Any) -> bytes:
        self.asked.append((start, end))
        if self.faults:
            raise self.faults.pop()
        return super().cat_file(path, start, end, **kwargs)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    found = Bucket()
    for name in ("store", "faults", "asked"):
        getattr(found, name).clear()
    monkeypatch.setattr(door, "filesystem", lambda _url: found)
    monkeypatch.setattr("msfusion_sdk.remote.listing.filesystem", lambda _url: found)
    yield found
    found.store.clear()


def url(text: str) -> Url:
    found = find_url(text)
    assert found is not None
    return found


def test_an_object_comes_in_pieces_that_shrink_while_none_comes(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.pipe_file("/b/a.svs", CONTENT)
    bucket.faults += [OSError("cut")] * 2
    assert fetch(look_at(url("s3://b/a.svs")), tmp_path).read_bytes() == CONTENT
    assert bucket.asked[:3] == [(0, 2**20), (0, 2**20), (0, 2**18)]


def test_the_identity_is_the_etag(bucket: Bucket) -> None:
    bucket.pipe_file("/b/a.svs", CONTENT)
    stamp = look_at(url("s3://b/a.svs")).stamp
    assert (stamp.size_bytes, stamp.mtime_ns) == (len(CONTENT), 0)
    assert stamp.remote == f"etag:{hashlib.md5(CONTENT).hexdigest()}"


def test_a_folder_of_an_object_store_needs_no_slash(bucket: Bucket, tmp_path: Path) -> None:
    for name in ("zarr.json", "0/c/0/0"):
        bucket.pipe_file(f"/b/deep/x.zarr/{name}", CONTENT[:9])
    path = fetch(look_at(url("s3://b/deep/x.zarr")), tmp_path)
    assert path == tmp_path / "x.zarr"
    assert (path / "0/c/0/0").read_bytes() == CONTENT[:9]


def test_companions_come_along(bucket: Bucket, tmp_path: Path) -> None:
    for name in ("a.mrxs", "a/Slidedat.ini", "a/Data0001.dat", "b.mrxs", "a2/Slidedat.ini"):
        bucket.pipe_file(f"/b/{name}", name.encode())
    fetch(look_at(url("s3://b/a.mrxs")), tmp_path)
    found = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*"))
    assert found == ["a.mrxs", "a/Data0001.dat", "a/Slidedat.ini"]


class NoCredentialsError(Exception):
    """As botocore's."""


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (FileNotFoundError("s3://b/a.svs"), SlideNotFoundError, "There is no"),
        (PermissionError("Access Denied"), SlideAccessError, "Access Denied"),
        (NoCredentialsError("Unable to locate credentials"), SlideAccessError, "FSSPEC_S3_ANON"),
    ],
)
def test_what_a_library_says_has_one_meaning(
    fault: Exception, kind: type[SlideError], says: str, bucket: Bucket, tmp_path: Path
) -> None:
    bucket.pipe_file("/b/a.svs", CONTENT)
    slide = look_at(url("s3://b/a.svs"))
    bucket.faults.append(fault)
    with pytest.raises(kind, match=says):
        fetch(slide, tmp_path)


def test_a_defect_is_not_taken_for_a_bad_server(bucket: Bucket, tmp_path: Path) -> None:
    bucket.pipe_file("/b/a.svs", CONTENT)
    slide = look_at(url("s3://b/a.svs"))
    bucket.faults.append(TypeError("a defect"))
    with pytest.raises(TypeError, match="a defect"):
        fetch(slide, tmp_path)


def test_what_is_written_is_sent_when_it_is_whole(bucket: Bucket) -> None:
    with outgoing(url("s3://b/out/x.parquet")) as path:
        path.write_bytes(CONTENT)
        assert not bucket.store
    assert bucket.cat_file("/b/out/x.parquet") == CONTENT


def test_nothing_is_sent_when_it_fails(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError), outgoing(url("s3://b/x.parquet")) as path:
        path.unlink()
    assert not bucket.store


def test_a_store_that_refuses_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        msg = "Access Denied"
        raise PermissionError(msg)

    monkeypatch.setattr(bucket, "put_file", refuse)
    says = r"s3://b/x.parquet may not be written \(Access Denied\)"
    with pytest.raises(StoreError, match=says), outgoing(url("s3://b/x.parquet")) as path:
        path.write_bytes(CONTENT)
