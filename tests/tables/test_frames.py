"""Ids stay text, are never repaired, and what is wrong with them is named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError
from msfusion_sdk.tables.frames import patient_table, read_table, select_columns


def written(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("patient", ["0012", "1e5", "NA", "nan", "None", " x"])
def test_an_id_that_looks_like_a_number_or_a_gap_stays_text(patient: str, tmp_path: Path) -> None:
    table = patient_table(read_table(written(tmp_path, f"patient_id,x\n{patient},1\n")))
    assert table.index.tolist() == [patient]


def test_empty_cells_are_missing_and_numbers_are_numbers(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "patient_id,x,y\na,,u\nb,2,NA\n"))
    assert table["x"].tolist()[1] == 2
    assert table.isna().to_numpy().tolist() == [[False, True, False], [False, False, True]]


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "t.csv", "t.csv.gz", "t.parquet"])
def test_every_format_holds_the_same_table(name: str, tmp_path: Path) -> None:
    given = pd.DataFrame({"patient_id": ["01", "02"], "x": [1.5, np.nan]})
    path = tmp_path / name
    if name.endswith("parquet"):
        given.to_parquet(path)
    else:
        given.to_csv(path, sep="," if ".csv" in name else "\t", index=False)
    pd.testing.assert_frame_equal(read_table(path), given)


def test_comment_lines_before_the_header_are_skipped(tmp_path: Path) -> None:
    text = "#Patient\tSex\n#STRING\tSTRING\npatient_id\tsex\nP1\tMale\n"
    assert read_table(written(tmp_path, text, "data.txt"))["sex"].tolist() == ["Male"]


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfpatient_id,x\na,1\n")
    assert patient_table(read_table(path)).index.tolist() == ["a"]


def test_a_column_that_occurs_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(DuplicateIdError, match="TP53"):
        read_table(written(tmp_path, "patient_id,TP53,TP53\na,1,2\n"))


@pytest.mark.parametrize(("name", "text"), [("t.csv", "<html>"), ("t.csv", ""), ("t.parquet", "x")])
def test_what_is_no_table_is_refused_with_its_path(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=name):
        read_table(written(tmp_path, text, name))


@pytest.mark.parametrize("wrong", [7, 7.0, None, "", "  "])
def test_an_id_that_is_not_text_is_shown(wrong: object) -> None:
    with pytest.raises(IdTypeError, match=r"1 of 2 patient ids"):
        patient_table(pd.DataFrame({"x": [1, 2]}, index=["a", wrong]))


def test_a_patient_who_occurs_twice_is_named() -> None:
    with pytest.raises(DuplicateIdError, match="'b'"):
        patient_table(pd.DataFrame({"patient_id": ["a", "b", "b"]}))


def test_column_numbers_become_text() -> None:
    assert patient_table(pd.DataFrame([[1, 2]], index=["a"])).columns.tolist() == ["0", "1"]


def test_columns_are_chosen_by_name_not_by_place() -> None:
    table = pd.DataFrame([[1, 2]], columns=["b", "a"], index=["p"])
    assert select_columns(table, ["a", "b"], "it").to_numpy().tolist() == [[2, 1]]


def test_missing_and_new_columns_are_named() -> None:
    table = pd.DataFrame([[1, 2]], columns=["a", "b"], index=["p"])
    with pytest.raises(TableError, match="'c'"):
        select_columns(table, ["a", "c"], "the panel")
    with pytest.raises(TableError, match=r"the panel.*'b'"):
        select_columns(table, ["a"], "the panel")
