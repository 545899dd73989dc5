"""An address is understood once, whatever it is written as, and shows nothing secret."""

from pathlib import Path

import pytest

from msfusion_sdk.errors import AddressError
from msfusion_sdk.files import made_folder, store_text
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.files.names import slide_id_of


@pytest.mark.parametrize(
    ("text", "shown", "name"),
    [
        ("s3://bucket/deep/a.svs", "s3://bucket/deep/a.svs", "a.svs"),
        ("S3://bucket/a.svs", "s3://bucket/a.svs", "a.svs"),
        ("gs://bucket/what? #1.svs", "gs://bucket/what? #1.svs", "what? #1.svs"),
        ("az://box/series/", "az://box/series/", "series"),
        ("https://host:8080/a%20b.svs?sig=1#x", "https://host:8080/a%20b.svs?…", "a b.svs"),
        ("https://host/a%2F..%2Fb.svs", "https://host/a%2F..%2Fb.svs", "a%2F..%2Fb.svs"),
        ("https://host/data/6f1a-22", "https://host/data/6f1a-22", "6f1a-22"),
    ],
)
def test_an_address_is_read(text: str, shown: str, name: str) -> None:
    url = find_url(text)
    assert (str(url), url.name) == (shown, name)


def test_a_path_object_of_an_address_is_one() -> None:
    assert find_url(Path("s3://bucket/a.svs")) == find_url("s3://bucket/a.svs")


@pytest.mark.parametrize("path", ["slides/a.svs", "/s3:/a.svs", "s3:/a.svs", "C:/a.svs", "a:b/c"])
def test_a_path_is_no_address(path: str) -> None:
    assert find_url(path) is None
    assert find_url(Path("/data") / path) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ftp://host/a.svs", "begin with ftp://.*known: s3://"),
        ("https://me:secret@host/a.svs", "password"),
    ],
)
def test_what_cannot_be_used_says_why_and_shows_no_password(text: str, says: str) -> None:
    with pytest.raises(AddressError, match=says) as refused:
        find_url(text)
    assert "secret" not in str(refused.value)


def test_what_is_secret_is_not_shown() -> None:
    url = find_url("https://host/a.svs?X-Amz-Signature=secret")
    assert "secret" not in f"{url}{url!r}{slide_id_of(url)}"
    assert url.full.endswith("?X-Amz-Signature=secret")


@pytest.mark.parametrize(
    ("place", "old", "new", "after"),
    [
        ("s3://b/x/a.svs", "s3://b/x", "s3://c/y", "s3://c/y/a.svs"),
        ("s3://b/x/a.svs", "s3://b/x/", "https://h/y/", "https://h/y/a.svs"),
        ("s3://b/xy/a.svs", "s3://b/x", "s3://c/y", None),
        ("s3://b/a.svs", "gs://b", "s3://c", None),
        ("s3://b/a.svs", "s3://b/a.svs", "s3://b/c.svs", "s3://b/c.svs"),
    ],
)
def test_a_folder_at_an_address_moves(place: str, old: str, new: str, after: str | None) -> None:
    there = [Url(*text.split("://")) for text in (place, old, new)]
    moved = there[0].moved(*there[1:])
    assert (None if moved is None else str(moved)) == after


def test_what_reads_from_a_disk_says_that_an_address_is_none() -> None:
    with pytest.raises(FileNotFoundError, match=r"s3://b/a\.svs is on no disk of this machine"):
        open_slide("s3://b/a.svs")


def test_folders_and_files_that_are_written_lie_on_a_disk(tmp_path: Path) -> None:
    for write in (made_folder, lambda path: store_text(path, "x")):
        with pytest.raises(AddressError, match="lies on a disk, and s3://b/out is an address"):
            write(Path("s3://b/out"))
