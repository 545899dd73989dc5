"""Paths survive any file name, and files that cannot be slides of this cohort are named."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.tables.issues import Issue
from msfusion_sdk.tables.paths import escape_path, path_of
from msfusion_sdk.tables.slide_table import find_bad_paths, find_bad_spacings, read_slides

NAMES = [
    b"plain.svs",
    b"two words.svs",
    b"100% %41.svs",
    "größe.svs".encode(),
    b"latin \xe9\xff.svs",
    b"line\nbreak\t.svs",
    b"quote'\".svs",
    b"x" * 240 + b".svs",
]


def frame(**columns: list[object]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    numbers = [str(i) for i in range(rows)]
    return pd.DataFrame({"slide_id": numbers, "patient_id": numbers, **columns})


def codes(findings: list[Issue]) -> list[tuple[str, int]]:
    return [(finding.code, finding.count) for finding in findings]


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_comes_back_as_the_same_file(name: bytes, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"x")
    table = read_slides(frame(path=[os.fsdecode(path)]))
    assert os.fsencode(path_of(table.to_pylist()[0])) == path
    assert find_bad_paths(table) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_path_is_one_line_of_utf_8(name: bytes) -> None:
    stored = escape_path(os.fsdecode(name))
    assert stored.encode()
    assert len(stored.splitlines()) == 1


def test_paths_in_a_file_are_relative_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "slides.csv").write_text(
        "slide_id,patient_id,path\na,P,scans/a.svs\nb,P,/disk/b.svs\nc,P,../c.svs\n"
    )
    rows = read_slides(tmp_path / "slides.csv").to_pylist()
    assert [path_of(row) for row in rows] == [
        tmp_path / "scans" / "a.svs",
        Path("/disk/b.svs"),
        tmp_path.parent / "c.svs",
    ]


def test_paths_in_a_frame_are_relative_to_the_working_folder() -> None:
    table = read_slides(frame(path=[Path("a.svs")]))
    assert path_of(table.to_pylist()[0]) == Path.cwd() / "a.svs"


def test_a_percent_sign_in_a_file_is_no_escape(tmp_path: Path) -> None:
    (tmp_path / "slides.csv").write_text("slide_id,patient_id,path\na,P,50%41.svs\n")
    assert path_of(read_slides(tmp_path / "slides.csv").to_pylist()[0]).name == "50%41.svs"


def test_a_path_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    (tmp_path / "slides.csv").write_text("slide_id,patient_id,path\na,P,007\n")
    assert path_of(read_slides(tmp_path / "slides.csv").to_pylist()[0]).name == "007"


def test_other_columns_are_kept_and_mpp_is_always_there() -> None:
    table = read_slides(frame(path=["a", "b"], scanner=["x", "y"]))
    assert table.column("scanner").to_pylist() == ["x", "y"]
    assert table.schema.field("mpp").type == pa.float64()


@pytest.mark.parametrize("missing", ["slide_id", "patient_id"])
def test_a_missing_column_is_named(missing: str) -> None:
    with pytest.raises(TableError, match=missing):
        read_slides(frame(path=["a"]).drop(columns=missing))


def test_numbers_as_paths_are_refused() -> None:
    with pytest.raises(IdTypeError, match="path"):
        read_slides(frame(path=[1.5]))


@pytest.mark.parametrize("mpp", [0.05, 0.25, 20.0, 1, None])
def test_plausible_spacings_pass(mpp: float | None) -> None:
    source = frame(path=["a"], mpp=[mpp])
    assert find_bad_spacings(read_slides(source), source) == []


@pytest.mark.parametrize("mpp", [0.0, -0.25, 352.78, float("inf"), "0.25 um", 250])
def test_implausible_spacings_are_refused_with_the_slide(mpp: object) -> None:
    source = frame(path=["a"], mpp=[mpp])
    (finding,) = find_bad_spacings(read_slides(source), source)
    assert f"0: {mpp}" in finding.message


def test_a_file_under_two_slide_ids_is_refused_whatever_the_spelling(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"x")
    table = read_slides(frame(path=[f"{tmp_path}/a.svs", f"{tmp_path}/./x/../a.svs"]))
    (finding,) = find_bad_paths(table)
    assert (finding.code, finding.is_error) == ("DuplicateId", True)
    assert "'0', '1'" in finding.message


def test_a_link_to_a_slide_of_the_cohort_is_remarked(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"x")
    (tmp_path / "b.svs").symlink_to(tmp_path / "a.svs")
    (finding,) = find_bad_paths(read_slides(frame(path=[f"{tmp_path}/a.svs", f"{tmp_path}/b.svs"])))
    assert (finding.code, finding.is_error) == ("DuplicateId", False)


def test_missing_files_are_remarked_three_by_name_and_all_by_count(tmp_path: Path) -> None:
    table = read_slides(frame(path=[f"{tmp_path}/{i:02d}.svs" for i in range(25)]))
    (finding,) = find_bad_paths(table)
    assert (finding.is_error, finding.count) == (False, 25)
    assert "02.svs … and 22 more" in finding.message
    assert "20.svs" not in finding.message


def test_copies_under_two_ids_are_named(tmp_path: Path) -> None:
    for name, content in (("a", b"x" * 9), ("b", b"x" * 9), ("c", b"y" * 9), ("d", b"x" * 8)):
        (tmp_path / f"{name}.svs").write_bytes(content)
    listed = frame(path=[str(tmp_path / f"{name}.svs") for name in "abcd"])
    (found,) = find_bad_paths(read_slides(listed))
    assert (found.code, found.count) == ("DuplicateId", 1)
    assert "a.svs and" in found.message
    assert "c.svs" not in found.message


def test_a_slide_without_a_path_among_others_is_refused() -> None:
    found = find_bad_paths(read_slides(frame(path=["", None, "a.svs"])))
    assert codes(found)[0] == ("Table", 2)
