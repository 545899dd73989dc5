"""A slide at an address is encoded as on a disk, and nothing of it stays here."""

import logging
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.errors import (
    AddressError,
    MissingExtraError,
    SlideError,
    SlideFormatError,
)
from msfusion_sdk.inspect import encode_to_folder
from msfusion_sdk.remote.copies import copies_ahead
from msfusion_sdk.testing import make_slide

from .serving import served

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_encoding_an_address_is_encoding_the_file(
    tiny_slide: Path, small_encoder: SlideEncoder, temporary: Path
) -> None:
    with served({"x/a b.svs": tiny_slide.read_bytes()}, cuts=3) as server:
        found = small_encoder.encode(server.url("x/a b.svs"))
    alone = small_encoder.encode(tiny_slide)
    assert found.vector.tobytes() == alone.vector.tobytes()
    assert found.patches.equals(alone.patches)
    assert found.slide_id == "a b"
    assert list(temporary.iterdir()) == []


def test_the_result_says_which_version_it_is_of(
    tiny_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    with served({"a.svs": tiny_slide.read_bytes()}) as server:
        found = small_encoder.encode(server.url("a.svs"))
    back = SlideEmbedding.from_parquet(found.to_parquet(tmp_path / "a.parquet")).provenance.slide
    assert (back.remote or "").startswith("etag:")
    assert (back.size_bytes, back.mtime_ns) == (tiny_slide.stat().st_size, 0)


def test_progress_of_two_numbers_is_told_of_patches_alone(
    tiny_slide: Path, small_encoder: SlideEncoder
) -> None:
    told: list[tuple[int, int]] = []
    stages: set[str] = set()

    def note(stage: str, done: int, total: int, text: str = "") -> None:
        stages.add(stage)

    with served({"a.svs": tiny_slide.read_bytes()}) as server:
        found = small_encoder.encode(
            server.url("a.svs"), progress=lambda done, total: told.append((done, total))
        )
        small_encoder.encode(server.url("a.svs"), progress=note)
    assert {total for _, total in told} == {found.patches.num_rows}
    assert stages == {"kB fetched", "patches"}


def test_a_message_names_the_address_and_not_the_copy(
    small_encoder: SlideEncoder, temporary: Path
) -> None:
    with served({"a.svs": b"no slide"}) as server, pytest.raises(SlideError) as failed:
        small_encoder.encode(server.url("a.svs"))
    assert str(failed.value).startswith(f"{server.url('a.svs')} ")
    assert str(temporary) not in str(failed.value)


def test_a_folder_of_results_from_addresses_and_files(
    tiny_slide: Path, small_encoder: SlideEncoder, tmp_path: Path, temporary: Path
) -> None:
    files = {"b.svs": tiny_slide.read_bytes(), "bad.svs": b"no slide"}
    with served(files) as server:
        slides = [str(tiny_slide), *(server.url(n) for n in ("b.svs", "bad.svs", "gone.svs"))]
        done = {r.slide_id: r for r in encode_to_folder(small_encoder, slides, tmp_path / "out")}
    codes = {name: result.code for name, result in done.items()}
    assert codes == {tiny_slide.stem: "", "b": "", "bad": "SlideCorrupt", "gone": "SlideNotFound"}
    assert server.url("bad.svs") in done["bad"].reason
    assert list(temporary.iterdir()) == []


def test_another_version_does_not_take_the_place_of_a_result(
    tiny_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    with served({"b.svs": tiny_slide.read_bytes()}) as server:
        list(encode_to_folder(small_encoder, [server.url("b.svs")], tmp_path / "out"))
        other = make_slide(tmp_path / "other.svs", 768, 768, tissue="full", seed=5)
        server.files["b.svs"] = other.read_bytes()
        (after,) = encode_to_folder(small_encoder, [server.url("b.svs")], tmp_path / "out")
    assert after.code == "DuplicateId"
    assert server.url("b.svs") in after.reason


def test_copies_never_pass_the_limit_together(tmp_path: Path) -> None:
    seen: list[int] = []
    with served({f"{n}.svs": bytes(600_000) for n in range(4)}) as server:
        slides = [server.url(f"{n}.svs") for n in range(4)]
        for copy in copies_ahead(slides, tmp_path / "staging", 0.001):
            assert not isinstance(copy, SlideError)
            there = (tmp_path / "staging").rglob("*.svs")
            seen.append(sum(path.stat().st_size for path in there))
    assert seen == [600_000] * 4


def test_the_next_is_fetched_while_one_is_in_use(tmp_path: Path) -> None:
    with served({f"{n}.svs": bytes(1000) for n in range(3)}) as server:
        copies = copies_ahead([server.url(f"{n}.svs") for n in range(3)], tmp_path, 1.0)
        next(copies)
        for _ in range(500):
            if ("1.svs", "bytes=0-") in server.asked:
                break
            time.sleep(0.01)
        else:
            pytest.fail("it was never fetched")
        copies.close()
    assert list(tmp_path.glob(".msfusion*")) == []


def test_one_that_is_larger_than_the_limit_says_what_to_give(tmp_path: Path) -> None:
    with served({"a.svs": bytes(3_000_000)}) as server:
        (found,) = copies_ahead([server.url("a.svs")], tmp_path, 0.002)
    assert isinstance(found, SlideError)
    assert "--staging-gb" in str(found)


def test_without_the_extra_the_error_names_it(
    small_encoder: SlideEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("s3fs", "gcsfs", "adlfs", "aiohttp"):
        monkeypatch.setitem(sys.modules, name, None)
    for address in ("s3://b/a.svs", "gs://b/a.svs", "az://b/a.svs", "https://h/a.svs"):
        with pytest.raises(MissingExtraError, match=r'pip install "msfusion-sdk\[cloud\]"'):
            small_encoder.encode(address)


def test_results_are_not_written_to_an_address(small_encoder: SlideEncoder) -> None:
    with pytest.raises(AddressError, match="lies on a disk"):
        list(encode_to_folder(small_encoder, [], "s3://bucket/out"))


def test_no_log_has_what_is_secret_in_an_address(
    tiny_slide: Path, small_encoder: SlideEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    files, needs = {"a.svs": tiny_slide.read_bytes()}, "sig=very-secret"
    with caplog.at_level(logging.DEBUG, "msfusion_sdk"), served(files, needs=needs) as server:
        small_encoder.encode(f"{server.url('a.svs')}?{needs}")
        with pytest.raises(SlideError) as failed:
            small_encoder.encode(f"{server.url('a.svs')}?sig=other-secret")
    assert "fetched" in caplog.text
    assert "secret" not in caplog.text + str(failed.value)


@pytest.mark.process
def test_nothing_of_other_machines_is_loaded_for_files(tiny_slide: Path) -> None:
    code = f"""
import sys
from msfusion_sdk.slides import open_slide
from msfusion_sdk.remote.copies import copies_ahead
list(copies_ahead([{str(tiny_slide)!r}], None, 1.0))
open_slide({str(tiny_slide)!r}).close()
print(*{{"aiohttp", "s3fs", "gcsfs", "adlfs", "botocore", "requests"}} & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_plain_image_at_an_address_asks_for_its_spacing(small_encoder: SlideEncoder) -> None:
    png = BytesIO()
    Image.new("RGB", (800, 800), "white").save(png, "PNG")
    with served({"a.png": png.getvalue()}) as server:
        with pytest.raises(SlideFormatError, match=r"mpp=0\.25"):
            small_encoder.encode(server.url("a.png"))
        assert small_encoder.encode(server.url("a.png"), mpp=0.25).status == "empty"
