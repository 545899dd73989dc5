"""What people give for tables is taken, or refused in a sentence whose call works as it stands."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

import msfusion_sdk.tables
from msfusion_sdk.errors import (
    DuplicateIdError,
    IdTypeError,
    InputTypeError,
    MissingModalityError,
)
from msfusion_sdk.tables.by_name import check_tables

IDS = ["P0", "P1", "P2"]
TABLE = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0]}, pd.Index(IDS, name="patient_id"))
WITH_IDS = TABLE.reset_index()
ADVISED = re.compile(r"(?:X = |Give )(\{.*\}|[\w.]+\(.*\)|X\[.*\)+)\.$")


def advised(message: str, given: Any) -> Any:
    """Return what the call makes that a message ends with."""
    (call,) = ADVISED.findall(message)
    return eval(call, {"pd": pd, "msfusion_sdk": msfusion_sdk, "X": given, "patient_ids": IDS})


def test_tables_come_back_by_patient_id() -> None:
    checked = check_tables({"clinical": WITH_IDS, "rna": TABLE})
    assert [table.index.tolist() for table in checked.values()] == [IDS, IDS]


@pytest.mark.parametrize(
    "given",
    [
        TABLE,
        TABLE.to_numpy(),
        TABLE["a"],
        [TABLE, TABLE],
        pa.Table.from_pandas(WITH_IDS, preserve_index=False),
        pl.from_pandas(WITH_IDS),
    ],
    ids=["frame", "array", "series", "list", "arrow", "polars"],
)
def test_the_advice_on_what_is_no_dict_works_as_it_stands(given: Any) -> None:
    with pytest.raises(InputTypeError) as caught:
        check_tables(given)
    for table in check_tables(advised(str(caught.value), given)).values():
        assert table.index.tolist() == IDS


@pytest.mark.parametrize(
    "given",
    [TABLE.to_numpy(), TABLE["a"], pl.from_pandas(WITH_IDS)],
    ids=["array", "series", "polars"],
)
def test_the_advice_on_a_table_in_a_dict_works_as_it_stands(given: Any) -> None:
    X = {"clinical": given}  # noqa: N806
    with pytest.raises(InputTypeError, match="Table 'clinical' is a") as caught:
        check_tables(X)
    checked = check_tables({"clinical": advised(str(caught.value), X)})
    assert checked["clinical"].index.tolist() == IDS


def test_a_path_is_to_be_read_first(tmp_path: Path) -> None:
    path = tmp_path / "clinical.csv"
    WITH_IDS.to_csv(path, index=False)
    for given in (str(path), path):
        with pytest.raises(InputTypeError, match="X is the text") as caught:
            check_tables(given)
        message = str(caught.value).replace(str(caught.value).split("Give")[0], "")
        assert check_tables(advised(message, None))["clinical"].equals(TABLE)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "X is None"),
        ({TABLE.index.name}, "X is a set of 1"),
        (LogisticRegression(), r"model\.fit\(X, y\)"),
        ({"clinical": None}, "'clinical' is None.*Leave it out"),
        ({"clinical": {"rna": TABLE}}, "'clinical' is a dict of 1"),
        ({0: TABLE}, "Names of tables are text, and X has 0"),
    ],
)
def test_what_cannot_be_made_a_table_is_named(given: Any, said: str) -> None:
    with pytest.raises(InputTypeError, match=said):
        check_tables(given)


def test_a_cohort_is_told_from_its_tables() -> None:
    class Holder:
        def tables(self) -> None: ...

    with pytest.raises(TypeError, match=r"X = cohort\.tables\(\)"):
        check_tables(Holder())


def test_no_table_names_those_of_training() -> None:
    with pytest.raises(MissingModalityError, match=r"of training \(rna, slide\).*\"rna\""):
        check_tables({}, known=["rna", "slide"])


def test_ids_that_cannot_be_used_are_told_with_their_table() -> None:
    with pytest.raises(IdTypeError, match="Table 'rna': 3 of 3 patient ids are not text"):
        check_tables({"clinical": TABLE, "rna": TABLE.reset_index(drop=True)})
    with pytest.raises(DuplicateIdError, match="Table 'rna': 3 patient ids occur more than once"):
        check_tables({"rna": pd.concat([TABLE, TABLE])})


def test_an_index_of_two_levels_is_refused() -> None:
    deep = TABLE.set_index(np.arange(3), append=True)
    with pytest.raises(IdTypeError, match="index has 2 levels"):
        check_tables({"clinical": deep})
