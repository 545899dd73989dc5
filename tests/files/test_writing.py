from pathlib import Path

import pytest

from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import storing


def test_the_file_appears_with_its_content(tmp_path: Path) -> None:
    with storing(tmp_path / "table.csv") as temporary:
        temporary.write_text("a,b")
    assert (tmp_path / "table.csv").read_text() == "a,b"


def test_nothing_is_at_the_path_while_it_is_written(tmp_path: Path) -> None:
    with storing(tmp_path / "table.csv") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "table.csv").exists()


def test_a_failure_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("old")
    with pytest.raises(TypeError), storing(tmp_path / "table.csv") as temporary:
        temporary.write_bytes("text is not bytes")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("table.csv", "old")]


def test_the_temporary_file_keeps_the_suffix_and_is_hidden(tmp_path: Path) -> None:
    with storing(tmp_path / "slide.parquet") as temporary:
        temporary.touch()
        assert temporary.suffix == ".parquet"
        assert temporary.name.startswith(".")


def test_two_writers_of_one_path_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    with storing(path) as one, storing(path) as two:
        assert one != two
        one.touch()
        two.touch()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"no does not exist.*Create"),
        storing(tmp_path / "no" / "x.txt") as temporary,
    ):
        temporary.write_text("x")
