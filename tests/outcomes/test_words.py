"""Outcomes as words, and which values of a column mean an event."""

import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.errors import SurvivalLabelError, TableError
from msfusion_sdk.outcomes.declaration import declared
from msfusion_sdk.outcomes.words import outcomes_of, with_event_values

STATUS = ["1:DECEASED", "0:LIVING", "1:DECEASED", None]


def table(*values: object) -> pa.Table:
    return pa.table({"patient_id": [str(n) for n in range(len(values))], "STATUS": list(values)})


def meaning(*values: object, **settings: object) -> object:
    given = {"event": "STATUS", **settings}
    return with_event_values(given, table(*values)).get("event_values")


@pytest.mark.parametrize(
    ("word", "settings"),
    [
        ("death=OS_MONTHS,OS_STATUS", {"time": "OS_MONTHS", "event": "OS_STATUS"}),
        ("pfs=T,censored:C", {"time": "T", "censored": "C"}),
        ("kind=SUBTYPE", {"column": "SUBTYPE"}),
    ],
)
def test_a_word_names_its_columns(word: str, settings: dict[str, str]) -> None:
    assert list(outcomes_of([word]).values()) == [settings]


@pytest.mark.parametrize("word", ["death", "=T,E", "death=", "death=T,"])
def test_what_is_no_outcome_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="NAME=TIME,EVENT"):
        outcomes_of([word])
    with pytest.raises(ValueError, match="given twice"):
        outcomes_of(["a=b", "a=c"])


def test_the_one_other_value_means_no_event() -> None:
    assert meaning(*STATUS, event_values=["1:DECEASED"]) == {"1:DECEASED": True, "0:LIVING": False}


def test_of_a_column_of_censoring_the_meaning_is_the_opposite() -> None:
    given = {"censored": "STATUS", "event_values": ["dead"]}
    found = with_event_values(given, table("dead", "alive"))
    assert found["event_values"] == {"dead": False, "alive": True}


def test_with_several_others_it_must_be_said_which_mean_none() -> None:
    with pytest.raises(SurvivalLabelError, match="--no-event-values"):
        meaning("dead", "alive", "lost", event_values=["dead"])
    found = meaning("dead", "alive", "lost", event_values=["dead"], no_event_values=["alive"])
    assert found == {"dead": True, "alive": False}  # lost is refused when labels are read


def test_a_value_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SurvivalLabelError, match="'0:LIVING', '1:DECEASED'"):
        meaning(*STATUS, event_values=["DECEASED"])


def test_a_mapping_and_no_values_stay_as_they_are() -> None:
    given = {"1:DECEASED": True, "0:LIVING": False}
    assert meaning(*STATUS, event_values=given) == given
    assert meaning(1, 0) is None


def test_two_outcomes_share_one_list_of_values(tmp_path: object) -> None:
    patients = pd.DataFrame(
        {
            "patient_id": ["a", "b", "c"],
            "OS_MONTHS": [3.0, 4.0, 5.0],
            "OS_STATUS": ["1:DECEASED", "0:LIVING", "1:DECEASED"],
            "DFS_MONTHS": [1.0, 2.0, 3.0],
            "DFS_STATUS": ["1:Recurred", "0:DiseaseFree", "0:DiseaseFree"],
        }
    )
    words = ["death=OS_MONTHS,OS_STATUS", "relapse=DFS_MONTHS,DFS_STATUS"]
    declared = outcomes_of(words, event_values=["1:DECEASED", "1:Recurred"])
    cohort = Cohort.create(f"{tmp_path}/c", patients=patients, outcomes=declared)
    assert cohort.outcome("death")["event"].tolist() == [True, False, True]
    assert cohort.outcome("relapse")["event"].tolist() == [True, False, False]
    rows = cohort.outcome_summary().to_dict("records")
    assert [(row["name"], row["patients"], row["events"]) for row in rows] == [
        ("death", 3, "2"),
        ("relapse", 3, "1"),
    ]


def test_numbers_are_declared_by_a_word(tmp_path: object) -> None:
    patients = pd.DataFrame({"patient_id": ["a", "b", "c"], "age": [50.5, 60, 71]})
    declared = outcomes_of(["years=number:age"])
    cohort = Cohort.create(f"{tmp_path}/c", patients=patients, outcomes=declared)
    assert cohort.outcome("years").tolist() == [50.5, 60, 71]
    (row,) = cohort.outcome_summary().to_dict("records")
    assert (row["kind"], row["patients"], row["events"]) == ("number", 3, "50.5 to 71")


def test_a_missing_column_is_left_to_be_named_when_the_outcome_is_declared() -> None:
    given = {"time": "time_days", "event": "OS_STATUS", "event_values": ["1:DECEASED"]}
    chosen = with_event_values(given, table(*STATUS))
    with pytest.raises(TableError, match="'OS_STATUS', which the patient table lacks"):
        declared("death", ["patient_id", "time_days", "STATUS"], **chosen)


def test_times_and_events_the_wrong_way_round_are_seen() -> None:
    both = table(*STATUS).append_column("MONTHS", pa.array([1.0, 2.5, 3.0, 4.0]))
    given = {"time": "STATUS", "event": "MONTHS", "event_values": ["1:DECEASED"]}
    with pytest.raises(SurvivalLabelError, match="STATUS, given as the times, does: name"):
        with_event_values(given, both)
