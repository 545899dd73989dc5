"""A slide that was fetched is the slide that was looked at, whatever the connection did."""

import hashlib
from base64 import b64encode
from pathlib import Path

import fsspec
import numpy as np
import pytest

from msfusion_sdk.errors import (
    MsfusionError,
    SlideAccessError,
    SlideChangedError,
    SlideCorruptError,
    SlideError,
    SlideFormatError,
    SlideNotFoundError,
)
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.remote.fetching import fetch
from msfusion_sdk.remote.listing import look_at, look_at_all

from .serving import Served, served

pytestmark = pytest.mark.slow

CONTENT = np.random.default_rng(0).bytes(1_200_000)


def url_of(server: Served, name: str = "a.svs") -> Url:
    url = find_url(server.url(name))
    assert url is not None
    return url


def fetched(server: Served, folder: Path, name: str = "a.svs") -> Path:
    return fetch(look_at(url_of(server, name)), folder)


@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_fetched_is_what_is_there(ranges: bool, tmp_path: Path) -> None:
    with served({"a.svs": CONTENT}, ranges=ranges) as server:
        assert fetched(server, tmp_path).read_bytes() == CONTENT


def test_twenty_cut_connections_cost_what_they_cut(tmp_path: Path) -> None:
    with served({"a.svs": CONTENT}, cuts=20) as server:
        assert fetched(server, tmp_path).read_bytes() == CONTENT
        assert server.cuts == 0
    # It went on from where it was, and a piece that was on its way was asked for again.
    assert any(span.startswith("bytes=1") for _, span in server.asked)


def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    with served({"a.svs": CONTENT}, ranges=False, cuts=2) as server:
        # The first look is cut as well, after its headers.
        server.cut_after = 1_000_000
        assert fetched(server, tmp_path).read_bytes() == CONTENT


def test_a_server_that_always_cuts_at_one_place_is_given_up(tmp_path: Path) -> None:
    with (
        served({"a.svs": CONTENT}, ranges=False, cuts=99) as server,
        pytest.raises(SlideError, match="cannot be read") as failed,
    ):
        fetched(server, tmp_path)
    assert failed.value.retryable


def test_a_file_that_is_replaced_meanwhile_is_never_half_of_each(tmp_path: Path) -> None:
    with served({"a.svs": CONTENT}) as server:
        slide = look_at(url_of(server))
        server.files["a.svs"] = CONTENT[::-1]
        with pytest.raises(SlideChangedError, match="was replaced while it was fetched"):
            fetch(slide, tmp_path)


def test_one_that_is_replaced_at_the_very_end_is_noticed(tmp_path: Path) -> None:
    with served({"a.svs": CONTENT}) as server:

        def replace(done: int, total: int) -> None:
            if done == total:
                server.files["a.svs"] = CONTENT[::-1]

        with pytest.raises(SlideChangedError):
            fetch(look_at(url_of(server)), tmp_path, tell=replace)


@pytest.mark.parametrize(
    ("behaves", "kind"),
    [
        ({"etag": True, "time": True}, "etag"),
        ({"etag": False, "time": True}, "modified"),
    ],
)
def test_the_best_that_a_server_states_tells_versions_apart(
    behaves: dict[str, bool], kind: str
) -> None:
    with served({"a.svs": CONTENT}, **behaves) as server:
        assert (look_at(url_of(server)).stamp.remote or "").startswith(f"{kind}:")


def test_a_server_that_states_nothing_is_refused() -> None:
    with (
        served({"a.svs": CONTENT}, etag=False, time=False) as server,
        pytest.raises(SlideError, match="neither checksum nor ETag nor time"),
    ):
        look_at(url_of(server))


def test_the_identity_is_of_the_content_and_not_of_the_address() -> None:
    with served({"a.svs": CONTENT, "b/c.svs": CONTENT, "d.svs": CONTENT[1:]}) as server:
        stamps = [look_at(url_of(server, name)).stamp for name in server.files]
    assert stamps[0] == stamps[1] != stamps[2]


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (404, SlideNotFoundError, False),
        (410, SlideNotFoundError, False),
        (401, SlideAccessError, False),
        (403, SlideAccessError, False),
        (400, SlideError, False),
        (429, SlideError, True),
        (500, SlideError, True),
        (503, SlideError, True),
    ],
)
def test_every_answer_has_its_meaning(
    status: int, kind: type[MsfusionError], retryable: bool
) -> None:
    with served({"a.svs": CONTENT}, status=status) as server, pytest.raises(kind) as failed:
        look_at(url_of(server))
    assert (type(failed.value), failed.value.retryable) == (kind, retryable)
    assert len(server.asked) == (5 if retryable else 1)


def test_a_server_that_is_not_there_may_come_back() -> None:
    with served({}) as server:
        pass
    with pytest.raises(SlideError, match="cannot be read") as failed:
        look_at(url_of(server))
    assert failed.value.retryable


def test_a_file_of_no_bytes_is_damaged() -> None:
    with served({"a.svs": b""}) as server, pytest.raises(SlideCorruptError, match="0 bytes"):
        look_at(url_of(server))


def test_what_is_secret_in_an_address_is_in_no_message(tmp_path: Path) -> None:
    with served({"a.svs": CONTENT}, needs="X-Amz-Signature=abc%2F123") as server:
        good = find_url(f"{server.url('a.svs')}?X-Amz-Signature=abc%2F123")
        assert good is not None
        assert fetch(look_at(good), tmp_path).read_bytes() == CONTENT
        bad = find_url(f"{server.url('a.svs')}?X-Amz-Signature=wrong")
        assert bad is not None
        with pytest.raises(SlideAccessError) as failed:
            look_at(bad)
    assert "wrong" not in f"{failed.value}{failed.value.__cause__}{bad}{bad!r}"


def test_what_a_user_has_set_for_fsspec_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"client_kwargs": {"headers": {"Authorization": "Bearer mine"}}}
    monkeypatch.setitem(fsspec.config.conf, "http", own)
    with served({"a.svs": CONTENT}, authorization="Bearer mine") as server:
        assert look_at(url_of(server)).size == len(CONTENT)


def test_many_are_looked_at_and_each_has_its_own_answer() -> None:
    with served({"a.svs": CONTENT}) as server:
        urls = [url_of(server), url_of(server, "gone.svs")]
        found = look_at_all(urls)
    assert [type(found[url]).__name__ for url in urls] == ["RemoteSlide", "SlideNotFoundError"]


MRXS = {
    "x/a b.mrxs": CONTENT[:1000],
    "x/a b/Slidedat.ini": b"[GENERAL]",
    "x/a b/deep/Data 1.dat": CONTENT[1000:5000],
    "x/other.svs": CONTENT,
}


def test_companions_come_along(tmp_path: Path) -> None:
    with served(MRXS) as server:
        path = fetched(server, tmp_path, "x/a b.mrxs")
    found = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*.*")}
    assert path == tmp_path / "a b.mrxs"
    wanted = {name.removeprefix("x/"): data for name, data in MRXS.items() if "other" not in name}
    assert found == wanted


def test_a_companion_that_changes_changes_the_slide() -> None:
    with served(MRXS) as server:
        before = look_at(url_of(server, "x/a b.mrxs")).stamp
        server.files["x/a b/deep/Data 1.dat"] = CONTENT[2000:6000]
        after = look_at(url_of(server, "x/a b.mrxs")).stamp
    assert before.size_bytes == after.size_bytes == 1000
    assert before != after


def test_companions_that_no_server_lists_are_no_reason_to_guess() -> None:
    with served(MRXS, lists=False) as server, pytest.raises(SlideError, match="a%20b"):
        look_at(url_of(server, "x/a b.mrxs"))


def test_a_folder_of_dicom_is_its_own_files(tmp_path: Path) -> None:
    dicom = bytes(128) + b"DICM" + CONTENT[:100]
    files = {"s/1.dcm": dicom, "s/2.dcm": dicom[:-1], "s/deeper/3.dcm": dicom}
    with served(files) as server:
        path = fetched(server, tmp_path, "s/")
        with pytest.raises(SlideFormatError, match="address of the folder"):
            look_at(url_of(server, "s/1.dcm"))
    assert sorted(p.name for p in path.iterdir()) == ["1.dcm", "2.dcm"]


def test_a_zarr_store_is_all_that_is_in_it(tmp_path: Path) -> None:
    files = {"z.zarr/.zgroup": b"{}", "z.zarr/0/0/0/1": b"1", "z.zarr/0/.zarray": b"{}"}
    with served(files) as server:
        path = fetched(server, tmp_path, "z.zarr/")
    assert {p.relative_to(tmp_path).as_posix() for p in path.rglob("*") if p.is_file()} == {*files}


def test_a_list_brings_what_it_names(tmp_path: Path) -> None:
    text = b"[Virtual Microscope Specimen]\r\nNoLayers=1\r\nImageFile=a.jpg\r\nMap=b.jpg\r\n"
    with served({"v/a.vms": text, "v/a.jpg": b"1", "v/b.jpg": b"2", "v/c.jpg": b"3"}) as server:
        path = fetched(server, tmp_path, "v/a.vms")
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.jpg", "a.vms", "b.jpg"]


def test_one_file_of_several_is_told_by_its_content(tmp_path: Path) -> None:
    with (
        served({"1234": bytes(128) + b"DICM" + CONTENT[:100]}) as server,
        pytest.raises(SlideFormatError, match="one file of a DICOM slide"),
    ):
        fetched(server, tmp_path, "1234")


def test_a_name_never_leads_out_of_the_folder_for_copies(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    with served({"a/../../out.svs": CONTENT}) as server:
        url = find_url(f"http://127.0.0.1:{server.port}/a%2F..%2F..%2Fout.svs")
        assert url is not None
        path = fetch(look_at(url), inside)
    assert path.parent == inside
    assert path.read_bytes() == CONTENT


def test_a_stated_checksum_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = b64encode(hashlib.md5(CONTENT).digest()).decode()
    wrong = b64encode(hashlib.md5(b"").digest()).decode()
    with served({"a.svs": CONTENT}) as server:
        for value, match in ((right, None), (wrong, "another checksum")):
            monkeypatch.setattr(
                "msfusion_sdk.remote.web.tag_of", lambda *_, value=value: f"md5:{value}"
            )
            if match is None:
                assert fetched(server, tmp_path).read_bytes() == CONTENT
                continue
            with pytest.raises(SlideError, match=match):
                fetched(server, tmp_path)
