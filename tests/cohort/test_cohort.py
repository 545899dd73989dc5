"""A cohort opens as it was written, and its outcomes can be used or are refused."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.outcomes_of import OutcomeWarning
from msfusion_sdk.errors import (
    DegenerateSplitError,
    StoreCorruptError,
    StoreSchemaError,
    SurvivalLabelError,
    TableError,
)

PATIENTS = pd.DataFrame(
    {
        "patient_id": ["0012", "NA", "1e5", "P4"],
        "diagnosis": ["luad", "luad", "lusc", "lusc"],
        "time_months": [5.5, 10, 20, 40],
        "event": [True, False, True, False],
        "site": ["A", "A", "B", "B"],
    }
)


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return Cohort.create(tmp_path / "cohort", patients=PATIENTS)


def test_a_folder_without_a_cohort_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreSchemaError, match=r"no cohort\.json.*Cohort\.create"):
        Cohort.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema_version": "x"}'])
def test_a_damaged_manifest_is_refused(text: str, cohort: Cohort) -> None:
    (cohort.root / "cohort.json").write_text(text)
    with pytest.raises(StoreCorruptError, match=r"cohort\.json"):
        Cohort.open(cohort.root)


def test_a_cohort_of_a_newer_version_is_refused(cohort: Cohort) -> None:
    path = cohort.root / "cohort.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "schema_version": 3, "new": 1}))
    with pytest.raises(StoreSchemaError, match="Upgrade"):
        Cohort.open(cohort.root)


def test_an_outcome_can_be_declared_later_and_stays_declared(cohort: Cohort) -> None:
    cohort.declare_outcome("site", column="site")
    assert Cohort.open(cohort.root).outcome("site").to_dict()["P4"] == "B"


def test_a_declaration_that_cannot_be_is_refused_and_not_kept(cohort: Cohort) -> None:
    with pytest.raises(SurvivalLabelError, match="neither true nor false"):
        cohort.declare_outcome("os", time="time_months", event="site")
    with pytest.raises(TableError, match="known: survival, diagnosis"):
        Cohort.open(cohort.root).outcome("os")


def test_a_standard_outcome_of_one_class_is_remarked_and_refused_only_when_it_is_used(
    tmp_path: Path,
) -> None:
    cohort = Cohort.create(tmp_path / "c", patients=PATIENTS.assign(diagnosis="luad"))
    assert "diagnosis has 1 class among 4 patients" in str(cohort.report())
    with pytest.raises(DegenerateSplitError, match="two are needed"):
        cohort.outcome("diagnosis")


def test_suspicious_labels_warn_whoever_uses_them(tmp_path: Path) -> None:
    patients = pd.DataFrame({"patient_id": list("abcd"), "event": [True, True, False, False]})
    patients["time_days"] = [1.0, 1.0, 2.0, 9000.0]
    cohort = Cohort.create(tmp_path / "c", patients=patients)
    with pytest.warns(OutcomeWarning, match="counted in days"):
        cohort.outcome("survival")


def test_good_labels_warn_of_nothing(cohort: Cohort) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cohort.outcome("survival")


@pytest.mark.process
def test_opening_a_cohort_loads_no_torch() -> None:
    code = "import sys, msfusion_sdk.cohort.cohort; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_manifest_is_readable_and_holds_declarations_and_id_rules(cohort: Cohort) -> None:
    manifest = json.loads((cohort.root / "cohort.json").read_text())
    assert manifest["schema_version"] == 2
    assert manifest["id_rules"] == {"comparison": "as written", "max_bytes": 200}
    assert manifest["outcomes"]["survival"]["unit"] == "months"
