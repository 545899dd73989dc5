"""What is said of patients with half an outcome."""

from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.errors import TableError


def half_of(tmp_path: Path, status: object) -> str:
    patients = pd.DataFrame(
        {
            "patient_id": ["a", "b", "c", "d"],
            "months": [1.0, 2.0, 3.0, 4.0],
            "status": ["dead", "alive", "dead", status],
        }
    )
    cohort = Cohort.create(tmp_path / "c", patients=patients)
    with pytest.raises(TableError) as told:
        cohort.declare_outcome(
            "os", time="months", event="status", unit="months", event_values=["dead"]
        )
    return str(told.value)


def test_a_word_that_counts_as_missing_is_named(tmp_path: Path) -> None:
    """Both cells are filled in, as a reader sees them."""
    text = half_of(tmp_path, "unknown")
    assert "1 of 4 patients have only one of months and status (first: 'd')" in text
    assert "As missing counts 'unknown'." in text


@pytest.mark.parametrize("status", ["", None, " "])
def test_an_empty_cell_needs_no_word(status: object, tmp_path: Path) -> None:
    text = half_of(tmp_path, status)
    assert "have only one of" in text
    assert "As missing counts" not in text
