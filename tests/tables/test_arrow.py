"""Tables of any origin come in with their ids exactly as they are written, or not at all."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError
from msfusion_sdk.tables.arrow import read_table
from msfusion_sdk.tables.files.reading import read_strings
from msfusion_sdk.tables.files.table_file import TableFile

pytestmark = pytest.mark.slow

TRAPS = ["0012", "NA", "1e5", "nan", "None", " 7", "00", "1.0", "True", "2020-01-01"]


def written(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def ids_of(source: object) -> list[str]:
    return read_table(source, id_columns=("patient_id",)).column("patient_id").to_pylist()


def refusal(folder: Path, text: str, name: str = "t.csv") -> str:
    with pytest.raises(TableError) as caught:
        ids_of(written(folder, text, name))
    return str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.csv.gz", "t.parquet"])
def test_ids_that_look_like_something_else_survive_every_format(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"patient_id": TRAPS, "age": range(len(TRAPS))})
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, sep="," if ".csv" in name else "\t", index=False)
    assert ids_of(path) == TRAPS


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_ids_survive_every_kind_of_text_in_pandas(dtype: object) -> None:
    assert ids_of(pd.DataFrame({"patient_id": pd.Series(TRAPS, dtype=dtype)})) == TRAPS


def test_ids_may_be_the_named_index_of_a_frame() -> None:
    frame = pd.DataFrame({"age": [1]}, index=pd.Index(["0012"], name="patient_id"))
    assert ids_of(frame) == ["0012"]


def test_an_arrow_table_is_taken_as_it_is() -> None:
    assert ids_of(pa.table({"patient_id": pa.array(TRAPS, pa.large_string())})) == TRAPS


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([12, 13], "int"),
        ([12.0, np.nan], "float"),
        ([date(2020, 1, 2)], "date"),
        (["a", 12], "int"),
    ],
)
def test_ids_that_are_no_text_are_refused_with_examples(values: list[object], kind: str) -> None:
    frame = pd.DataFrame({"patient_id": pd.Series(values)})
    with pytest.raises(IdTypeError, match=f"holds {kind}.*first: .*2"):
        ids_of(frame)


def test_whole_numbers_as_ids_in_parquet_are_refused_because_zeros_may_be_lost(
    tmp_path: Path,
) -> None:
    pq.write_table(pa.table({"patient_id": [12, 13, 14, 15]}), tmp_path / "t.parquet")
    with pytest.raises(IdTypeError, match=r"int64.*first: 12, 13, 14.*leading zeros"):
        ids_of(tmp_path / "t.parquet")


def test_each_column_of_a_text_file_has_one_kind_throughout(tmp_path: Path) -> None:
    text = "patient_id,n,x,flag,word,code\na,1,1,True,u,01\nb,,2.5,false,NA,02\nc,3, 3 ,,w,03\n"
    table = read_table(written(tmp_path, text), id_columns=("patient_id",)).drop_columns(
        "patient_id"
    )
    assert table.to_pydict() == {
        "n": [1, None, 3],
        "x": [1.0, 2.5, 3.0],
        "flag": [True, False, None],
        "word": ["u", None, "w"],
        "code": ["01", "02", "03"],
    }


def test_a_word_in_the_last_of_many_rows_makes_the_column_text(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(200_000))
    table = read_table(
        written(tmp_path, f"patient_id,n\n{rows}x,high\n"), id_columns=("patient_id",)
    )
    assert table.column("n")[0].as_py() == "0"


def test_blank_ids_stay_and_are_left_to_the_checks(tmp_path: Path) -> None:
    assert ids_of(written(tmp_path, "patient_id,x\n,1\n  ,2\n")) == ["", "  "]


def test_byte_order_mark_line_ends_of_windows_and_comments_are_no_content(tmp_path: Path) -> None:
    text = "\ufeff# made by hand\r\npatient_id,x\r\na,1\r\n"
    assert ids_of(written(tmp_path, text)) == ["a"]


def test_a_cell_may_hold_separators_quotes_and_line_breaks_when_quoted(tmp_path: Path) -> None:
    table = read_table(
        written(tmp_path, 'patient_id,note\na,"x, ""y""\nz"\n'), id_columns=("patient_id",)
    )
    assert table.column("note").to_pylist() == ['x, "y"\nz']


def test_zero_bytes_are_refused_with_their_line(tmp_path: Path) -> None:
    assert "zero byte in line 2" in refusal(tmp_path, "patient_id,x\na,\0\n")


@pytest.mark.parametrize("quote", ["", '"'])
def test_ragged_rows_are_refused_with_their_lines(quote: str, tmp_path: Path) -> None:
    text = f"patient_id,x\n{quote}a{quote},1\n\nb,2,3\nc\nd,4\n"
    message = refusal(tmp_path, text)
    assert "2 rows" in message
    assert "line 4: 3 (b, 2, 3 …), line 5: 1 (c …)" in message


def test_lines_are_counted_with_comments_and_cells_that_span_lines(tmp_path: Path) -> None:
    assert "line 5: 1" in refusal(tmp_path, '#c\npatient_id,x\n"a",",\n,"\nb\n')


@pytest.mark.parametrize("text", ['a,"2\nb,3\nc,4\n', 'a,"x\nb,y\nc,"d"\n'])
def test_a_quote_that_swallows_rows_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    assert "begins in line 2" in refusal(tmp_path, f"patient_id,x\n{text}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("# only this\n", "no header"),
        ("patient_id,x\n", "no rows"),
        (",patient_id\n0,a\n", "Column 1 .* has no name"),
        ("PatientID,x\na,1\n", "Is it 'PatientID'"),
        ("pid,x\na,1\n", "no column 'patient_id'.*'pid', 'x'"),
    ],
)
def test_what_cannot_be_a_table_of_patients_is_refused(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=words):
        ids_of(written(tmp_path, text))


def test_a_column_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DuplicateIdError, match="TP53"):
        ids_of(written(tmp_path, "patient_id,TP53,TP53\na,1,2\n"))


@pytest.mark.parametrize("name", ["t.parquet", "t.json", "t.csv.gz"])
def test_a_file_that_is_no_table_is_refused_by_path(name: str, tmp_path: Path) -> None:
    assert name in refusal(tmp_path, "no table", name)


def test_a_missing_file_is_refused_by_path(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no file.*absent\.csv"):
        ids_of(tmp_path / "absent.csv")


def test_a_frame_column_of_mixed_kinds_is_refused_by_name() -> None:
    frame = pd.DataFrame({"patient_id": ["a", "b"], "stage": ["II", 3]})
    with pytest.raises(TableError, match="stage"):
        ids_of(frame)


def test_a_row_of_several_megabytes_is_read(tmp_path: Path) -> None:
    names = ["patient_id", *(f"G{i}" for i in range(20_000))]
    text = f"{','.join(names)}\na,{','.join(['1' * 200] * 20_000)}\n"
    table = read_strings(TableFile(path=written(tmp_path, text)), ("patient_id",))
    assert table.column_names == names
