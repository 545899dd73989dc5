"""What people write where they have no value is one list, for features and outcomes alike."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.tables.cells.placeholders import (
    PLACEHOLDER_PATTERN,
    is_placeholder,
    placeholders_among,
)

# As they stand in files of TCGA (biotab, cBioPortal), the GDC, SAS, SPSS and Excel.
NO_VALUE = [
    "", " ", "[Not Available]", "[Not Applicable]", "[Unknown]", "[Discrepancy]", "Not Reported",
    "not_reported", "'--", "--", "-", "—", ".", "n.d.", "UNK", "unknown", "NA", "n/a", "N.A.",
    "NaN", "?", "Not Evaluated", "not allowed to collect", "Missing", "k.A.", "#DIV/0!", "GX",
    "Stage X", "\xa0", "Blank(s)", "(blank)", "Unknown/not reported", "UNKNOWN/NOT APPLICABLE",
    "NASK", "Missing or unknown", "not yet reported", ".A", ".z", "._", "\\N", "(null)", "n/k",
    "<missing>", "no information", "data not available", "nicht erhoben", "non renseigné", "…",
    "desconocido", "#SPILL!",
]  # fmt: skip
A_VALUE = [
    "none", "None", "0", "-1", "II", "NX", "N0", "negative", "nd", "not a smoker", "." * 4,
    ".5", "refused", "unknown primary", "missing tooth", "no", "ND", "NK", "+", "blanket",
]  # fmt: skip


@pytest.mark.parametrize("cell", NO_VALUE)
def test_a_word_for_no_value_is_a_placeholder(cell: str) -> None:
    assert is_placeholder(cell)


@pytest.mark.parametrize("cell", A_VALUE)
def test_a_word_that_means_something_is_none(cell: str) -> None:
    assert not is_placeholder(cell)


def test_arrow_and_python_find_the_same_cells() -> None:
    cells = pa.array([cell.strip() for cell in NO_VALUE + A_VALUE])
    found = pc.match_substring_regex(cells, PLACEHOLDER_PATTERN, ignore_case=True)
    assert found.to_pylist() == [is_placeholder(cell) for cell in NO_VALUE + A_VALUE]


@pytest.mark.parametrize("cell", ["[Not Available]", "Not Reported", ".", "UNK", "'--"])
def test_a_patient_without_an_outcome_says_nothing_about_the_others(
    cell: str, tmp_path: Path
) -> None:
    rows = "".join(f"P{n},{n + 1}.5,{n % 2},{'ab'[n % 2]}\n" for n in range(6))
    path = tmp_path / "patients.csv"
    path.write_text(f"patient_id,time_months,event,diagnosis\n{rows}P6,{cell},{cell},{cell}\n")
    cohort = Cohort.create(tmp_path / "cohort", patients=path)
    assert cohort.outcome("survival")["time"].tolist() == [n + 1.5 for n in range(6)]
    assert cohort.outcome("diagnosis").tolist() == [*"ababab"]


def test_text_keeps_the_words_that_stand_in_it(tmp_path: Path) -> None:
    path = tmp_path / "patients.csv"
    path.write_text("patient_id,stage\na,[Not Available]\nb,II\nc,\n")
    cohort = Cohort.create(tmp_path / "cohort", patients=path)
    assert cohort.patients.column("stage").to_pylist() == ["[Not Available]", "II", None]


@pytest.mark.parametrize("cell", ["+", "++", " + "])
def test_a_minus_beside_a_plus_is_a_value(cell: str) -> None:
    assert placeholders_among([cell, "-", "n.d.", None, 3]) == {"n.d."}
    assert placeholders_among(["II", "-", None]) == {"-"}
