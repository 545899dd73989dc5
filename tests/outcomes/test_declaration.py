"""Outcomes are declared, and labels that cannot be true are refused with their patients."""

import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.errors import SurvivalLabelError, TableError
from msfusion_sdk.outcomes.class_labels import class_labels
from msfusion_sdk.outcomes.declaration import (
    ClassDeclaration,
    SurvivalDeclaration,
    declared,
    standard_outcomes,
)
from msfusion_sdk.outcomes.survival_labels import survival_labels
from msfusion_sdk.tables.issues import Issue

TIMES = [5.0, 10.0, 20.0, 40.0]
EVENTS = [True, False, True, False]


def patients(**columns: list[object]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({"patient_id": [f"P{i}" for i in range(rows)], **columns})


def survival(
    time: list[object], event: list[object], **settings: object
) -> tuple[pd.DataFrame, list[Issue]]:
    outcome = {"time": "time_months", "event": "dead", "unit": "months", **settings}
    table = patients(time_months=time, dead=event)
    return survival_labels(table, SurvivalDeclaration.model_validate(outcome))


def error(findings: list[Issue]) -> str:
    (message,) = [finding.message for finding in findings if finding.is_error]
    return message


def remark(findings: list[Issue]) -> str:
    assert not any(finding.is_error for finding in findings)
    (message,) = [finding.message for finding in findings]
    return message


@pytest.mark.parametrize("event", [EVENTS, [1, 0, 1, 0], [1.0, 0.0, 1.0, 0.0]])
def test_good_labels_are_returned_with_their_unit(event: list[object]) -> None:
    labels, findings = survival(TIMES, event)
    assert labels.index.tolist() == ["P0", "P1", "P2", "P3"]
    assert labels["time"].tolist() == TIMES
    assert labels["event"].tolist() == EVENTS
    assert labels.attrs["unit"] == "months"
    assert findings == []


def test_negative_times_are_refused_with_count_and_patients() -> None:
    message = error(survival([5, -1, -0.5, 40], EVENTS)[1])
    assert "2 of 4 values of time_months are negative" in message
    assert "'P1', 'P2'" in message


def test_infinite_times_are_refused() -> None:
    assert "infinite" in error(survival([5, float("inf"), 20, 40], EVENTS)[1])


def test_times_that_are_words_are_refused_with_the_word() -> None:
    message = error(survival(["5", "10", "long", ""], EVENTS)[1])
    assert "1 of 4 values of time_months are no numbers ('long'); first patients: 'P2'" in message


def test_a_time_without_an_event_and_the_reverse_are_refused() -> None:
    message = error(survival([5, None, 20, 40], [True, False, None, False])[1])
    assert "2 of 4 patients have only one" in message
    assert "'P1', 'P2'" in message


@pytest.mark.parametrize("blank", [None, float("nan")])
def test_patients_without_any_outcome_are_left_out_and_counted(blank: object) -> None:
    labels, findings = survival([5, blank, 20, 40], [True, None, True, False])
    assert labels.index.tolist() == ["P0", "P2", "P3"]
    assert "1 of 4 patients have no time_months and dead" in remark(findings)


@pytest.mark.parametrize("event", [["1", "0", "1", "0"], ["Dead", "Alive", "Dead", "Alive"]])
def test_events_as_text_are_refused_until_their_meaning_is_told(event: list[object]) -> None:
    message = error(survival(TIMES, event)[1])
    assert f"event_values= with true or false for each of {event[1]!r}, {event[0]!r}" in message
    told = {event[0]: True, event[1]: False}
    assert survival(TIMES, event, event_values=told)[0]["event"].tolist() == EVENTS


@pytest.mark.parametrize("event", [[2, 1, 2, 1], [2.0, 1.0, 2.0, 1.0]])
def test_events_as_two_and_one_are_refused_until_their_meaning_is_told(
    event: list[object],
) -> None:
    assert "for each of '1', '2'" in error(survival(TIMES, event)[1])
    labels, _ = survival(TIMES, event, event_values={2: True, 1: False})
    assert labels["event"].tolist() == EVENTS


def test_a_value_that_event_values_does_not_tell_is_refused() -> None:
    told = {"Dead": True, "Alive": False}
    message = error(survival(TIMES, ["Dead", "Alive", "dead", ""], event_values=told)[1])
    assert "1 of 4 values of dead" in message
    assert "found: 'dead'; first patients: 'P2'" in message


@pytest.mark.parametrize("column", ["censored", "is_censoring", "CENSOR"])
def test_a_column_of_censoring_as_event_is_refused_until_it_is_told(column: str) -> None:
    table = patients(time_months=TIMES, **{column: EVENTS})
    wrong = SurvivalDeclaration(time="time_months", event=column, unit="months")
    said = error(survival_labels(table, wrong)[1])
    assert f"censored={column!r} (in the shell NAME=TIME,censored:{column})" in said
    assert said.endswith(
        "event_values={'1': True, '0': False} (--event-values 1) if 1 does mean an event."
    )
    told = SurvivalDeclaration(time="time_months", censored=column, unit="months")
    assert survival_labels(table, told)[0]["event"].tolist() == [False, True, False, True]


def test_more_than_nine_events_in_ten_are_remarked() -> None:
    time = [10.0 + i for i in range(40)]
    assert "98% of 40" in remark(survival(time, [True] * 39 + [False])[1])
    assert survival(time, [True] * 36 + [False] * 4)[1] == []


def test_events_much_later_than_censoring_are_remarked() -> None:
    time = [10.0] * 15 + [30.0] * 15
    assert "3.0 times" in remark(survival(time, [False] * 15 + [True] * 15)[1])
    assert survival(time, [True] * 15 + [False] * 15)[1] == []


def test_days_among_years_are_remarked() -> None:
    assert "Check that all are counted in months" in remark(
        survival([1.0, 2.0, 2.0, 3650.0], EVENTS)[1]
    )


def test_times_of_zero_are_kept_and_remarked() -> None:
    labels, findings = survival([0, 10, 20, 40], EVENTS)
    assert labels["time"].min() == 0
    assert "1 of 4" in remark(findings)


@pytest.mark.parametrize("time", [TIMES, [None] * 4])
def test_no_events_decide_nothing(time: list[object]) -> None:
    event = [False] * 4 if time[0] else [None] * 4
    findings = survival(time, event)[1]
    assert [f.code for f in findings if f.is_error] == ["DegenerateSplit"]


def classes(values: list[object]) -> tuple["pd.Series[str]", list[Issue]]:
    return class_labels(patients(diagnosis=values), ClassDeclaration(column="diagnosis"))


def test_classes_are_text_and_patients_without_one_are_counted() -> None:
    labels, findings = classes(["a", "b", "", None, "a", "b", "NA"])
    assert labels.to_dict() == {"P0": "a", "P1": "b", "P4": "a", "P5": "b"}
    assert "3 of 7 patients have no diagnosis" in remark(findings)


def test_whole_numbers_are_classes_also_with_gaps() -> None:
    assert classes([0.0, 1.0, None, 0.0, 1.0])[0].tolist() == [0, 1, 0, 1]


def test_fractions_are_no_classes() -> None:
    assert "0.5" in error(classes([0.5, 1.0, 0.5, 1.0])[1])


def test_one_class_decides_nothing() -> None:
    (finding,) = classes(["a", "a"])[1]
    assert (finding.code, finding.is_error) == ("DegenerateSplit", True)


def test_a_class_of_one_patient_is_remarked_by_name() -> None:
    assert "Of diagnosis these classes have one patient only (1: 'rare')" in remark(
        classes(["a", "a", "b", "b", "rare"])[1]
    )


def test_classes_that_differ_only_by_case_or_spaces_are_remarked() -> None:
    assert "'LUAD', 'luad '" in remark(classes(["LUAD", "LUAD", "luad ", "luad ", "b", "b"])[1])


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_columns_of_standard_names_declare_themselves(unit: str) -> None:
    found = standard_outcomes(["patient_id", f"time_{unit}", "event", "diagnosis"])
    assert found == {
        "survival": SurvivalDeclaration.model_validate(
            {"time": f"time_{unit}", "event": "event", "unit": unit}
        ),
        "diagnosis": ClassDeclaration(column="diagnosis"),
    }


@pytest.mark.parametrize(
    "columns", [["time", "event"], ["time_days"], ["time_days", "time_months", "event"]]
)
def test_columns_of_other_names_declare_nothing(columns: list[str]) -> None:
    assert standard_outcomes(columns) == {}


def test_the_unit_may_come_from_the_name_and_may_not_contradict_it() -> None:
    columns = ["os_days", "dead"]
    outcome = declared("os", columns, time="os_days", event="dead")
    assert isinstance(outcome, SurvivalDeclaration)
    assert outcome.unit == "days"
    with pytest.raises(SurvivalLabelError, match=r"contradicts.* Leave unit= \(--unit\) out"):
        declared("os", columns, time="os_days", event="dead", unit="months")
    columns = [*columns, "entry_years"]
    with pytest.raises(SurvivalLabelError, match=r"'entry_years'\. Give all times in one unit"):
        declared("os", columns, time="os_days", event="dead", entry="entry_years")


def test_a_misspelt_column_is_named_before_its_unit_is_asked_for() -> None:
    with pytest.raises(TableError, match=r"'OS_MONTH', which .* Is it 'OS_MONTHS'\?"):
        declared("os", ["OS_MONTHS", "OS_STATUS"], time="OS_MONTH", event="OS_STATUS")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"time": "os"}, "unit="),
        ({"time": "os", "unit": "days"}, "event= or the column censored="),
        ({"time": "os", "unit": "days", "event": "dead", "censored": "dead"}, "not both"),
        ({"time": "os", "unit": "hours", "event": "dead"}, "unit"),
        (
            {"time": "gone", "unit": "days", "event": "dead"},
            "'gone', which the patient table lacks",
        ),
        ({}, "column"),
        ({"column": "gone"}, "'gone', which the patient table lacks"),
        ({"column": "dead", "colour": 1}, "colour"),
    ],
)
def test_an_incomplete_declaration_says_what_is_missing(
    settings: dict[str, object], words: str
) -> None:
    with pytest.raises(TableError, match=words):
        declared("x", ["os", "dead"], **settings)
