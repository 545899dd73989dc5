"""Columns that portals use for outcomes are recognised, and declared by nobody but the user."""

import shlex
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.cohort.intake.recognised import recognised_outcomes
from msfusion_sdk.outcomes.words import outcomes_of
from msfusion_sdk.tables.arrow import read_table

IDS = ["A", "B", "C", "D"]
MONTHS = [3.5, 9.0, 4.0, 1.0]
# Values as the file formats of cBioPortal list them, and as its tables before 2020 had them.
VALUES = {
    "OS": (["1:DECEASED", "0:LIVING", "1:DECEASED", "0:LIVING"], ["1:DECEASED"], []),
    "DSS": (["1:DEAD WITH TUMOR", "0:ALIVE OR DEAD TUMOR FREE", "", ""], ["1:DEAD WITH TUMOR"], []),
    "PFS": (["1:PROGRESSION", "0:CENSORED", "0:CENSORED", ""], ["1:PROGRESSION"], []),
    "DFS": (
        ["1:Recurred", "1:Progressed", "0:DiseaseFree", ""],
        ["1:Progressed", "1:Recurred"],
        [],
    ),
    "RFS": (["Recurred", "DiseaseFree", "Recurred", "DiseaseFree"], ["Recurred"], []),
    "EFS": (["1:x", "0:none", "0:lost", ""], ["1:x"], ["0:lost", "0:none"]),
}


def table(**columns: Any) -> Any:
    return read_table(pd.DataFrame({"patient_id": IDS, **columns}), id_columns=("patient_id",))


@pytest.mark.parametrize("stem", VALUES)
def test_status_and_months_of_cbioportal_are_an_outcome(stem: str) -> None:
    status, yes, no = VALUES[stem]
    months = [time if flag else None for time, flag in zip(MONTHS, status, strict=True)]
    (found,) = recognised_outcomes(table(**{f"{stem}_MONTHS": months, f"{stem}_STATUS": status}))
    assert (found.name, found.unit) == (stem.lower(), None)
    assert (list(found.event_values), list(found.no_event_values)) == (yes, no)


def test_the_spelt_out_names_of_a_download_need_their_unit() -> None:
    status = VALUES["OS"][0]
    columns = {"Overall Survival (Months)": MONTHS, "Overall Survival Status": status}
    (found,) = recognised_outcomes(table(**columns))
    assert (found.name, found.unit) == ("overall_survival", "months")
    words = shlex.split(found.command("x"))
    assert words[5] == "overall_survival=Overall Survival (Months),Overall Survival Status"
    assert words[6:] == ["--event-values", "1:DECEASED", "--unit", "months"]


def test_times_of_xena_are_days_and_its_events_need_no_values() -> None:
    columns = {"OS": [1, 0, 1, 0], "OS.time": [100, 200, 300, 400]}
    (found,) = recognised_outcomes(table(**columns))
    assert found.command("c") == "msfusion cohort outcome add c os=OS.time,OS --unit days"


@pytest.mark.parametrize(
    "columns",
    [
        {"OS_MONTHS": MONTHS},
        {"OS_MONTHS": MONTHS, "OS_STATUS": ["0:LIVING"] * 4},
        {"OS_MONTHS": MONTHS, "OS_STATUS": ["a", "b", "a", "b"]},
        {"OS": [0, 0, 0, 0], "OS.time": MONTHS},
        {"_MONTHS": MONTHS, "_STATUS": VALUES["OS"][0]},
    ],
)
def test_what_decides_nothing_is_not_recognised(columns: dict[str, Any]) -> None:
    assert recognised_outcomes(table(**columns)) == ()


def test_the_command_declares_what_it_says(tmp_path: Any) -> None:
    status, *_ = VALUES["EFS"]
    rows = pd.DataFrame({"patient_id": IDS, "EFS_MONTHS": MONTHS, "EFS_STATUS": status})
    cohort = Cohort.create(tmp_path / "c", patients=rows[:3])
    assert not cohort.manifest.outcomes
    (found,) = recognised_outcomes(cohort.patients)
    words = shlex.split(found.command(tmp_path))[5:]
    options = {"--event-values": "event_values", "--no-event-values": "no_event_values"}
    given: dict[str, Any] = {}
    for option, value in zip(words[1::2], words[2::2], strict=True):
        given.setdefault(options[option], []).append(value)
    for name, settings in outcomes_of(words[:1], **given).items():
        cohort.declare_outcome(name, **settings)
    assert cohort.outcome("efs")["event"].tolist() == [True, False, False]
    assert recognised_outcomes(cohort.patients, cohort.manifest.outcomes.values()) == ()
