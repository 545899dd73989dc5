"""A folder is made all at once; an unfinished one is taken over, a finished one stays."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from msfusion_sdk.errors import StoreError, StoreUnfinishedError, WeightsCorruptError
from msfusion_sdk.files import FolderKind, making, require_finished, store_text
from msfusion_sdk.files.making import MARKER
from msfusion_sdk.files.owners import is_gone, this_process

KIND = FolderKind("thing", ("a.txt", "b.txt", "inner"), "a.txt", b"")
REMEDY = "Choose a new folder."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "thing"


def fill(folder: Path, text: str, remedy: str | None = REMEDY) -> None:
    with making(folder, KIND, remedy) as staged:
        (staged / "a.txt").write_text(text)
        (staged / "inner").mkdir()
        (staged / "inner" / "c.txt").write_text(text)


def fail(folder: Path, remedy: str | None) -> None:
    with making(folder, KIND, remedy) as staged:
        (staged / "a.txt").write_text("new")
        staged.write_text("no file")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def gone_process() -> str:
    """The owner that a process was which has ended."""
    code = "from msfusion_sdk.files.owners import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def mark(folder: Path, owner: str, kind: str = "thing") -> None:
    folder.mkdir(exist_ok=True)
    (folder / MARKER).write_text(json.dumps({"kind": kind, "owner": owner}))


def test_all_of_it_is_there_in_the_end_and_nothing_before(folder: Path) -> None:
    with making(folder, KIND, REMEDY) as staged:
        (staged / "a.txt").write_text("x")
        assert contents(folder).keys() == {f"{staged.name}/a.txt"}
        assert staged.name.startswith(".")
    assert contents(folder) == {"a.txt": "x"}


def test_a_failure_leaves_nothing(folder: Path) -> None:
    with pytest.raises(IsADirectoryError):
        fail(folder, REMEDY)
    assert not folder.exists()


def test_a_failure_leaves_what_was_there(folder: Path) -> None:
    fill(folder, "old")
    before = contents(folder)
    with pytest.raises(IsADirectoryError):
        fail(folder, None)
    assert contents(folder) == before


def test_writing_over_removes_what_the_new_one_lacks_and_nothing_else(folder: Path) -> None:
    fill(folder, "old")
    (folder / "notes.txt").write_text("mine")
    with making(folder, KIND) as staged:
        (staged / "b.txt").write_text("new")
    assert contents(folder) == {"b.txt": "new", "notes.txt": "mine"}


def test_a_finished_folder_is_not_touched(folder: Path) -> None:
    fill(folder, "old")
    with pytest.raises(StoreError, match=r"is not empty\. Choose a new folder"):
        fill(folder, "new")
    assert contents(folder) == {"a.txt": "old", "inner/c.txt": "old"}


def test_an_unfinished_one_of_the_same_kind_is_taken_over(folder: Path) -> None:
    fill(folder, "old")
    mark(folder, gone_process())
    with pytest.raises(StoreUnfinishedError, match=r"interrupted\. Run it again"):
        require_finished(folder)
    fill(folder, "new")
    require_finished(folder)
    assert contents(folder) == {"a.txt": "new", "inner/c.txt": "new"}


def test_one_that_somebody_is_at_is_left_alone(folder: Path) -> None:
    mark(folder, f"{this_process().rpartition('-')[0]}-1")
    (folder / MARKER).write_text(json.dumps({"kind": "thing", "owner": owner_of(os.getppid())}))
    with pytest.raises(StoreError, match="being made by another process"):
        fill(folder, "new")


def owner_of(pid: int) -> str:
    machine = this_process().partition("-")[0]
    began = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{machine}-{pid}-{began}"


def test_one_of_another_kind_is_left_alone(folder: Path) -> None:
    mark(folder, gone_process(), "house")
    with pytest.raises(StoreError, match="is an unfinished house, and a thing was to be made"):
        fill(folder, "new")


def test_an_unfinished_one_that_holds_files_of_the_user_is_left_alone(folder: Path) -> None:
    mark(folder, gone_process())
    (folder / "mine.txt").write_text("x")
    with pytest.raises(StoreError, match=r"holds mine\.txt\. Choose a new folder"):
        fill(folder, "new")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "thing"}'])
def test_a_damaged_marker_is_a_marker(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / MARKER).write_text(text)
    os.utime(folder / MARKER, (0, 0))
    with pytest.raises(WeightsCorruptError, match="Copy it again"):
        require_finished(folder, WeightsCorruptError, "Copy it again.")
    fill(folder, "new")
    assert contents(folder) == {"a.txt": "new", "inner/c.txt": "new"}


def test_what_killed_processes_left_beside_is_swept(folder: Path) -> None:
    folder.mkdir()
    (folder / f".tmp-{gone_process()}-0a1b2c3d").mkdir()
    (folder / f".tmp-{this_process()}-0a1b2c3d.txt").touch()
    fill(folder, "new")
    assert [path.name for path in folder.glob(".*")] == [f".tmp-{this_process()}-0a1b2c3d.txt"]


def test_errors_name_the_folder_and_not_where_it_is_prepared(folder: Path) -> None:
    with pytest.raises(StoreError) as found, making(folder, KIND) as staged:
        store_text(staged / "no" / "a.txt", "x")
    assert str(found.value).startswith(f"{folder / 'no'} does not exist")


def test_a_disk_that_fails_before_anything_is_moved_is_an_error_of_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))

    # By its full name: the room's face has the function of that name.
    monkeypatch.setattr(sys.modules["msfusion_sdk.files.making"], "flush", cannot)
    with pytest.raises(StoreError, match="Read-only file system") as caught:
        fill(folder, "new")
    assert f"{folder} could not be written" in str(caught.value)
    assert not folder.exists()


def test_a_file_in_place_of_the_folder_is_an_error(folder: Path) -> None:
    folder.write_text("mine")
    with pytest.raises(StoreError, match="not empty"):
        fill(folder, "new")
    with pytest.raises(StoreError, match=r"is a file, where a folder belongs\. Move it away"):
        fill(folder, "new", remedy=None)
    assert folder.read_text() == "mine"


def test_owners_are_told_by_process_and_not_by_time() -> None:
    assert is_gone(this_process()) is False
    assert is_gone(gone_process()) is True
    machine, pid, began = this_process().split("-")
    assert is_gone(f"{machine}-{pid}-{int(began) - 1}") is True, "its number is used again"
    assert is_gone(f"00000000-{pid}-{began}") is None, "of another machine"
    assert is_gone("anything") is None
