"""S3 as it is: s3fs, its signatures and retries, against a server at loopback."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk import SlideEncoder
from msfusion_sdk.errors import SlideAccessError, SlideChangedError, SlideNotFoundError
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.remote.fetching import fetch
from msfusion_sdk.remote.listing import look_at
from msfusion_sdk.remote.sending import outgoing

from .serving import cutting

s3fs = pytest.importorskip("s3fs", reason="needs the extra [cloud]")
moto = pytest.importorskip("moto.server", reason="needs moto[s3,server]")
fsspec = pytest.importorskip("fsspec")

SECRET = "wJalrXUtnFEMI-never-logged"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    served = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    served.start()
    yield served.get_host_and_port()[1]
    served.stop()


@pytest.fixture
def bucket(server: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-never-logged")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://127.0.0.1:{server}"})
    fs = fsspec.filesystem("s3")
    if not fs.exists("slides"):
        fs.mkdir("slides")
    return fs


def url(text: str) -> Url:
    found = find_url(text)
    assert found is not None
    return found


def test_a_slide_in_a_bucket_is_the_slide_on_a_disk(
    bucket: Any, tiny_slide: Path, small_encoder: SlideEncoder
) -> None:
    bucket.put_file(str(tiny_slide), "slides/a.svs")
    found, alone = small_encoder.encode("s3://slides/a.svs"), small_encoder.encode(tiny_slide)
    assert found.vector.tobytes() == alone.vector.tobytes()
    assert found.slide_id == "a"
    assert found.provenance.slide.remote.startswith("etag:")


def test_twenty_cut_connections(
    bucket: Any, server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its own tries, with their waits, are not what is looked at.
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    content = bytes(range(256)) * 12_000
    bucket.pipe_file("slides/cut.svs", content)
    with cutting(server, cuts=20, after=100_000) as (port, left):
        address = f"http://127.0.0.1:{port}"
        monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": address})
        path = fetch(look_at(url("s3://slides/cut.svs")), tmp_path)
    assert left == [0]
    assert path.read_bytes() == content


def test_a_replaced_object_is_told(bucket: Any, tmp_path: Path) -> None:
    bucket.pipe_file("slides/b.svs", b"1" * 1000)
    slide = look_at(url("s3://slides/b.svs"))
    bucket.pipe_file("slides/b.svs", b"2" * 1000)
    with pytest.raises(SlideChangedError):
        fetch(slide, tmp_path)
    assert look_at(url("s3://slides/b.svs")).stamp != slide.stamp


def test_a_folder_is_listed(bucket: Any, tmp_path: Path) -> None:
    for name in ("m.mrxs", "m/Slidedat.ini", "m/Data 1.dat"):
        bucket.pipe_file(f"slides/f/{name}", name.encode())
    fetch(look_at(url("s3://slides/f/m.mrxs")), tmp_path)
    assert (tmp_path / "m" / "Data 1.dat").read_bytes() == b"m/Data 1.dat"


@pytest.mark.parametrize("name", ["slides/none.svs", "no-bucket/a.svs"])
def test_what_is_not_there(name: str, bucket: Any) -> None:
    with pytest.raises(SlideNotFoundError, match=name):
        look_at(url(f"s3://{name}"))


def test_without_credentials_the_error_says_where_they_are_looked_for(
    server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://127.0.0.1:{server}/"})
    with pytest.raises(SlideAccessError, match="FSSPEC_S3_ANON=true"):
        look_at(url("s3://slides/x.svs"))


def test_no_log_has_the_credentials(
    bucket: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.pipe_file("slides/c.svs", b"1" * 1000)
    with caplog.at_level(logging.DEBUG):
        fetch(look_at(url("s3://slides/c.svs")), tmp_path)
        with outgoing(url("s3://slides/out.parquet")) as path:
            path.write_bytes(b"2")
    assert bucket.cat_file("slides/out.parquet") == b"2"
    assert "fetched s3://slides/c.svs" in caplog.text
    assert SECRET not in caplog.text
