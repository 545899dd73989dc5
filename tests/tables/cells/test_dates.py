"""Dates say when, which no model may use: they are refused however they are written."""

import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.cells.dates import holds_dates

FORMS = ["2019-03-05", "2019/3/5", "05.03.2019", "3/5/2019", "5-3-19", "2019-03-05 08:30",
         "2019-03-05T08:30:00Z", "5 March 2019", "05-Mar-2019", "5. Mrz 2019", "Mar 5, 2019",
         "March 2019", "2019-03", "12/31/2020", "31.12.2020", "05MAR2019", "05mar2019:08:30:00.000",
         "05-MAR-2019 08:30:00", "2019-03-05 08:30:00 CET", "2019-03-05 08:30:00,123",
         "3/5/2019 8:30:00 a.m.", "05.03.2019, 08:30", "Tuesday, March 5, 2019", "Tue, 5 Mar 2019",
         "1er mars 2019", "5 de marzo de 2019", "03/2019", "2019-Q1", "Q1 2019", "2019-W10",
         "2019-03-??", "2019-03-XX", "2019年3月5日"]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_date_is_one_in_every_form(form: str) -> None:
    assert holds_dates("visit", pd.Series([form] * 9 + ["unclear"]))


@pytest.mark.parametrize("cells", [[20190305, 20201231], ["20190305", "20201231"]])
def test_a_date_may_be_one_number(cells: list[object]) -> None:
    assert holds_dates("visit", pd.Series(cells))


@pytest.mark.parametrize("name", ["birth_date", "DateOfDiagnosis", "dob", "Datum"])
def test_days_of_a_spreadsheet_are_dates_where_the_column_is_called_so(name: str) -> None:
    assert holds_dates(name, pd.Series([43529, 44000]))
    assert not holds_dates("platelets", pd.Series([43529, 44000]))


@pytest.mark.parametrize(
    "days",
    # DDMMYYYY, days of SAS, and seconds since 1582 (SPSS) and 1970
    [[5032019, 31121990], [21974, 20000], [13.8e9, 13.7e9], [1.58e9, 1.5e9]],
)
def test_numbers_of_a_column_that_is_called_a_date_are_dates(days: list[float]) -> None:
    assert holds_dates("visit_date", pd.Series(days))
    assert not holds_dates("platelets", pd.Series([150_000, 250_000]))


@pytest.mark.parametrize(
    "cells",
    [["61.5", "70.2"], ["1-3", "4-9"], ["II", "III"], ["2/3", "1/2"], ["13.14.2019"], ["1.2.3"],
     ["may be", "march on"], [2019, 2020], ["8140/3"], ["99-99-2020"],
     ["1.2019", "2.5"], ["5 mg 20"], ["2019-0012"], ["12-345"], ["set 1", "set 2"], ["10-20"],
     ["3/10"], ["MARCH1", "SEPT9"], ["24:00"]],
)  # fmt: skip
def test_what_looks_a_little_like_a_date_is_none(cells: list[object]) -> None:
    assert not holds_dates("visit", pd.Series(cells))


@pytest.mark.parametrize("form", ["2019-03-{:02d}", "{:02d}.03.2019", "Mar {}, 2019"])
def test_a_column_of_dates_is_refused_with_the_remedy(form: str) -> None:
    cells = [form.format(day) for day in range(1, 21)]
    table = pd.DataFrame({"visit": cells, "age": range(20)}, [f"P{n}" for n in range(20)])
    with pytest.raises(TableError, match=r"'visit' holds dates.*age at diagnosis.*leave"):
        ClinicalAdapter().fit(table)
    assert ClinicalAdapter().fit_transform(table[["age"]]).names == ("age",)
