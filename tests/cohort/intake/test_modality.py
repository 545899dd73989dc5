"""A modality has one row per patient of the cohort, or is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.errors import (
    DuplicateIdError,
    IdMismatchError,
    MissingModalityError,
    NonFiniteError,
    TableError,
)

CLINICAL = pd.DataFrame(
    {
        "patient_id": ["0012", "NA", "1e5"],
        "age": [61, None, 58],
        "sex": ["female", "male", "female"],
    }
)


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Four patients, three of them with a slide."""
    ids = ["0012", "NA", "1e5", "P4"]
    slides = {"slide_id": ["1", "2", "3"], "patient_id": ids[:3], "path": ["a", "b", "c"]}
    return Cohort.create(
        tmp_path / "cohort",
        patients=pd.DataFrame({"patient_id": ids}),
        slides=pd.DataFrame(slides),
    )


def clinical_and(patient_id: str) -> pd.DataFrame:
    """Return the clinical table with one more row."""
    row = pd.DataFrame({"patient_id": [patient_id], "age": [50], "sex": ["male"]})
    return pd.concat([CLINICAL, row], ignore_index=True)


def test_a_modality_keeps_its_columns_as_they_are(cohort: Cohort) -> None:
    cohort.add_modality("clinical", CLINICAL)
    table = cohort.modality("clinical")
    assert table.columns.tolist() == ["age", "sex"]
    assert table["age"].tolist()[::2] == [61, 58]
    assert table["age"].isna().tolist() == [False, True, False]


def test_a_modality_with_other_patients_is_refused_unless_they_may_be_left_out(
    cohort: Cohort,
) -> None:
    table = clinical_and("p4")
    with pytest.raises(IdMismatchError, match=r"1 of 4 .*'p4' may be 'P4'"):
        cohort.add_modality("clinical", table)
    assert cohort.modalities == []
    cohort.add_modality("clinical", table, unmatched="report")
    assert cohort.modality("clinical").index.tolist() == ["0012", "NA", "1e5"]
    assert "1 of 4 patient ids of the DataFrame are not in the cohort" in str(cohort.report())


def test_a_modality_of_which_no_patient_matches_is_refused_always(cohort: Cohort) -> None:
    frame = pd.DataFrame({"patient_id": ["12", "x"], "age": [1, 2]})
    with pytest.raises(IdMismatchError, match=r"All 2 .*'12' may be '0012'"):
        cohort.add_modality("clinical", frame, unmatched="report")


def test_a_modality_with_two_rows_of_a_patient_is_refused(cohort: Cohort) -> None:
    with pytest.raises(DuplicateIdError, match="'0012' 2 times"):
        cohort.add_modality("clinical", clinical_and("0012"))


def test_infinite_values_of_a_modality_are_refused_with_column_and_patients(
    cohort: Cohort,
) -> None:
    frame = pd.DataFrame({"patient_id": ["P4", "NA"], "x": [1.0, 2.0], "y": [np.inf, np.nan]})
    with pytest.raises(NonFiniteError, match=r"'y', 1 patients: 'P4'"):
        cohort.add_modality("clinical", frame)


def test_rows_without_any_value_are_no_modality_and_are_remarked(cohort: Cohort) -> None:
    frame = pd.DataFrame({"patient_id": ["P4", "NA"], "x": [None, 1.0], "y": [None, None]})
    cohort.add_modality("clinical", frame)
    assert cohort.modality("clinical").index.tolist() == ["NA"]
    assert "1 rows of the DataFrame hold no value (first: 'P4')" in str(cohort.report())


def test_a_modality_that_no_patient_has_is_refused(cohort: Cohort) -> None:
    frame = pd.DataFrame({"patient_id": ["P4", "NA"], "x": [None, None]})
    with pytest.raises(MissingModalityError, match="2 rows"):
        cohort.add_modality("clinical", frame)


@pytest.mark.parametrize("name", ["slide", "", "../x", "Clinical", "a b", "9", "x" * 65, "ä"])
def test_names_that_are_no_file_names_or_have_a_meaning_are_refused(
    name: str, cohort: Cohort
) -> None:
    with pytest.raises(TableError, match="cannot name a modality"):
        cohort.add_modality(name, CLINICAL)


def test_a_modality_is_replaced_only_when_asked(cohort: Cohort) -> None:
    cohort.add_modality("clinical", CLINICAL)
    other = pd.DataFrame({"patient_id": ["P4"], "age": [1]})
    with pytest.raises(TableError, match="replace=True"):
        cohort.add_modality("clinical", other)
    cohort.add_modality("clinical", other, replace=True)
    assert cohort.modality("clinical").index.tolist() == ["P4"]


def test_an_unknown_modality_is_refused_with_the_known_ones(cohort: Cohort) -> None:
    cohort.add_modality("clinical", CLINICAL)
    with pytest.raises(TableError, match=r"'genomics' \(known: clinical.* msfusion cohort add\."):
        cohort.modality("genomics")


def test_completeness_counts_patients_by_what_they_have(cohort: Cohort) -> None:
    cohort.add_modality("clinical", CLINICAL)
    cohort.add_modality("genomics", pd.DataFrame({"patient_id": ["NA"], "g": [1.0]}))
    table = cohort.completeness()
    assert table.columns.tolist() == ["slide", "clinical", "genomics", "patients"]
    assert table.iloc[0].tolist() == [True, True, False, 2]
    assert sorted(map(tuple, table.iloc[1:].to_numpy().tolist())) == [
        (False, False, False, 1),
        (True, True, True, 1),
    ]
    assert cohort.report().modalities == {"clinical": 3, "genomics": 1}


def test_a_minus_is_a_value_beside_a_plus_and_none_alone(cohort: Cohort) -> None:
    ids = ["0012", "NA", "1e5"]
    cohort.add_modality("her2", pd.DataFrame({"patient_id": ids, "x": ["+", "-", "."]}))
    assert cohort.modality("her2")["x"].to_dict() == {"0012": "+", "NA": "-"}
    cohort.add_modality("stage", pd.DataFrame({"patient_id": ids, "x": ["II", "-", "I"]}))
    assert cohort.modality("stage")["x"].to_dict() == {"0012": "II", "1e5": "I"}


def test_a_finding_names_the_modality(cohort: Cohort) -> None:
    cohort.add_modality("titan", CLINICAL)
    message = "1 of 4 patients of the cohort lack the modality 'titan', which is of the DataFrame."
    assert message in [finding.message for finding in cohort.report().findings]
