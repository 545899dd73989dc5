"""Records of ours: whole, or an error that says what is wrong."""

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreCorruptError, StoreError, StoreVersionError
from msfusion_sdk.storage.records import RecordErrors, read_record, sealed, write_record

ERRORS = RecordErrors("Do it again.")


class Note(FrozenConfig):
    format: int = 2
    name: str
    share: float


NOTE = Note(name='Zoë $1 \\ "q"', share=0.1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_record(tmp_path / "note.json", NOTE)


def read(path: Path) -> Note:
    return read_record(Note, path, ERRORS, version=2)


def test_a_record_comes_back_and_people_can_read_it(path: Path) -> None:
    assert read(path) == NOTE
    assert '"name": "Zoë' in path.read_text(encoding="utf-8")


def test_another_layout_of_the_same_text_is_the_same_record(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert read(path) == NOTE


def test_every_flipped_bit_is_an_error_of_ours_or_changes_nothing(path: Path) -> None:
    data = path.read_bytes()
    for place in range(8 * len(data)):
        mutant = bytearray(data)
        mutant[place // 8] ^= 1 << place % 8
        path.write_bytes(mutant)
        with suppress(StoreError):
            assert read(path) == NOTE


def test_every_cut_is_an_error_of_ours(path: Path) -> None:
    data = path.read_bytes()
    for length in range(len(data) - 2):  # the last two close the text
        path.write_bytes(data[:length])
        with pytest.raises(StoreCorruptError, match="Do it again"):
            read(path)


def test_a_record_without_its_seal_is_damaged(path: Path) -> None:
    content = json.loads(path.read_text())
    del content["sha256"]
    path.write_text(json.dumps(content))
    with pytest.raises(StoreCorruptError, match="seal is not there"):
        read(path)


def test_format_one_had_no_seal(path: Path) -> None:
    path.write_text('{"format": 1, "name": "x", "share": 1}')
    assert read(path) == Note(format=1, name="x", share=1)


def test_a_newer_format_asks_for_an_upgrade(path: Path) -> None:
    path.write_text(sealed({"format": 3, "anything": [1]}))
    with pytest.raises(StoreVersionError, match="Upgrade msfusion-sdk"):
        read(path)


def test_keys_of_another_version_are_named(path: Path) -> None:
    path.write_text(sealed({**NOTE.model_dump(), "colour": 1}))
    with pytest.raises(StoreVersionError, match=r"another version of the SDK .*colour"):
        read(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "\0", '{"format": true}', "[" * 100_000])
def test_what_is_no_record_is_damaged(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(StoreCorruptError):
        read(path)


def test_the_order_of_keys_does_not_matter(path: Path) -> None:
    items = list(json.loads(path.read_text()).items())
    random.Random(0).shuffle(items)
    path.write_text(json.dumps(dict(items)))
    assert read(path) == NOTE
