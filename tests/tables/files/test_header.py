"""The header is found or refused: separators, titles, comments, and names that are missing."""

from collections.abc import Callable
from typing import Any

import pytest

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.files.layout_hints import layout_hint

Reader = Callable[..., dict[str, list[Any]]]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t"])
def test_the_cells_tell_the_separator_and_not_the_name(
    separator: str, name: str, patients: Reader
) -> None:
    text = "patient_id,age,sex\nA,1,f\nB,2,m\n".replace(",", separator)
    assert patients(text, name) == {"patient_id": ["A", "B"], "age": [1, 2], "sex": ["f", "m"]}


def test_the_separator_in_cells_of_another_one_does_no_harm(patients: Reader) -> None:
    text = "patient_id;dose, mg;note\nA;1;x, y\nB;2;z, u\n"
    assert patients(text)["note"] == ["x, y", "z, u"]


def test_a_table_that_two_separators_cut_alike_is_asked_about(genes: Reader) -> None:
    text = "gene,a;P1\nTP53,b;1\n"
    with pytest.raises(TableError, match=r"a comma and ';' alike.*--separator"):
        genes(text)
    assert genes(text, separator=";") == {"gene,a": ["TP53,b"], "P1": [1]}


def test_spaces_between_cells_are_named_and_read_when_they_are_said(genes: Reader) -> None:
    text = '"P1" "P2"\n"TP53" 0.1 0.2\n"EGFR" 1 2\n'
    with pytest.raises(TableError, match="separated by spaces"):
        genes(text)
    assert genes(text, separator=" ") == {"": ["TP53", "EGFR"], "P1": [0.1, 1], "P2": [0.2, 2]}


@pytest.mark.parametrize(
    "text",
    [
        "patient_id,age,sex\nP01,61,f,\nP02,70,m,\n",
        "patient_id;age\nP01;61;\nP02;70;\n",
        "patient_id\tage\nP01\t61\t \nP02\t70\t\n",
    ],
)
def test_separators_at_the_end_of_rows_are_refused(text: str, patients: Reader) -> None:
    with pytest.raises(TableError, match=r"end with a separator.*line 2"):
        patients(text)


@pytest.mark.parametrize("text", ["patient_id,age,\nA,1,\n", "patient_id,age,,\nA,1,,\nB,2,,\n"])
def test_separators_at_the_end_of_all_lines_are_refused(text: str, patients: Reader) -> None:
    with pytest.raises(TableError, match=r"line 1, ends with . separators more"):
        patients(text)


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_the_header_of_r_is_a_name_short_where_names_come_first(
    separator: str, quote: str, genes: Reader
) -> None:
    text = f"{quote}P1{quote},{quote}P2{quote}\n{quote}TP53{quote},1,-2\n{quote}NA{quote},3,4\n"
    found = genes(text.replace(",", separator))
    assert found == {"": ["TP53", "NA"], "P1": [1, 3], "P2": [-2, 4]}


def test_the_only_patient_of_r_is_no_title(genes: Reader) -> None:
    assert genes("P1\nTP53\t1\nEGFR\t2\n") == {"": ["TP53", "EGFR"], "P1": [1, 2]}


@pytest.mark.parametrize(
    "text", ["age\tsex\nP1\t61\tf\nP2\t70\tm\n", "patient_id,name\nP1,Doe, J\nP2,Roe, R\n"]
)
def test_a_header_that_is_a_name_short_is_refused_for_patients(text: str, patients: Reader) -> None:
    with pytest.raises(TableError, match=r"has 2 names, and each row has 3 cells.*row\.names"):
        patients(text)


@pytest.mark.parametrize(
    "text",
    [
        "Table S1\npatient_id,age\nA,1\n",
        "Table S1. Patients, all of them\n\npatient_id,age\nA,1\n",
        "Table S1,,\npatient_id,age,sex\nA,1,f\n",
        "Table S1\nmade in May\npatient_id;age;sex\nA;1;f\n",
    ],
)
def test_a_title_over_the_header_is_refused(text: str, patients: Reader) -> None:
    with pytest.raises(TableError, match=r"Line 1.*a title \('Table S1.*'patient_id', 'age'"):
        patients(text)


def test_a_title_over_genes_is_refused(genes: Reader) -> None:
    with pytest.raises(TableError, match=r"a title \('RSEM'\).*'gene', 'P1', 'P2'"):
        genes("RSEM\ngene\tP1\tP2\nTP53\t1\t2\n")


def test_a_header_that_begins_like_a_comment_is_the_header(genes: Reader) -> None:
    assert genes("#gene\tP1\tP2\nTP53\t1.5\t2.5\n") == {
        "gene": ["TP53"], "P1": [1.5], "P2": [2.5],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("# made by R\ngene\tP1\tP2\nTP53\t1\t2\n", "1 lines that begin with '#'"),
        ("#a\tb\tc\n#gene\tP1\tP2\nTP53\t1\t2\n", "line 2, begins with '#'"),
        ("#1.2\n1\t2\nName\tDescription\tP1\tP2\nTP53\tna\t1\t2\n", "is a GCT file"),
    ],
)
def test_other_lines_that_begin_like_a_comment_are_refused(
    text: str, what: str, genes: Reader
) -> None:
    with pytest.raises(TableError, match=what):
        genes(text)


def test_comments_are_told_by_the_header_below_them(patients: Reader) -> None:
    text = "#Patient\tSex\n#STRING\tSTRING\npatient_id\tsex\nP1\tMale\n"
    assert patients(text) == {"patient_id": ["P1"], "sex": ["Male"]}


def test_a_header_of_patients_that_begins_like_a_comment_is_refused(patients: Reader) -> None:
    with pytest.raises(TableError, match=r"header of .* begins with '#'"):
        patients("#patient_id\tage\nP1\t61\n")


def test_comments_without_a_header_name_the_layouts(patients: Reader) -> None:
    with pytest.raises(TableError, match=r"'cbioportal', 'maf' and 'gdc'.*--layout"):
        patients("#Identifier\tSex\n#STRING\tSTRING\nPATIENT_ID\tSEX\nP1\tMale\n")


def test_spaces_around_names_are_none_of_them(patients: Reader) -> None:
    assert patients("patient_id, age\nA, 1\n") == {"patient_id": ["A"], "age": [1]}


def test_the_hint_on_a_layout_names_the_commands_that_take_it() -> None:
    hint = layout_hint(["Hugo_Symbol", "Entrez_Gene_Id", "TCGA-05-4244-01"])
    # apply has no --layout: through a cohort it takes such a table.
    assert "layout='cbioportal' (msfusion cohort create or add, with --layout cbioportal)" in hint
    assert "a command without --layout takes that cohort" in hint
