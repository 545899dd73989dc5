"""Which columns are used and how: nearly empty ones, sites, ordered categories, rare levels."""

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_sdk.tables.issues import TableWarning

IDS = [f"P{number:04d}" for number in range(400)]


def table(**columns: object) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"age": np.arange(n) % 37, **columns}, IDS[:n])


def test_a_nearly_empty_column_is_left_out_with_a_word() -> None:
    few = [1.5, 2.5, 9.0, *[None] * 97]
    with pytest.warns(TableWarning, match=r"nearly empty: 'ca125' \(3: '1.5', '2.5'.*numeric="):
        fitted = ClinicalAdapter().fit(table(ca125=few))
    assert fitted.dropped_ == ["ca125"]
    assert ClinicalAdapter(numeric=["ca125"]).fit(table(ca125=few)).dropped_ == []


def test_the_spread_is_that_of_the_values_that_were_seen() -> None:
    cells = [*np.linspace(0, 1, 60), *[None] * 340]
    values = ClinicalAdapter().fit_transform(table(x=cells)).values[:60, 1]
    assert values.std() == pytest.approx(1, abs=1e-5)
    assert values.mean() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", ["hospital", "tissue_source_site"])
@pytest.mark.parametrize("codes", [["A1", "B7", "C2"], [5, 38, 44]])
def test_a_site_is_levels_and_warned_of(name: str, codes: list[object]) -> None:
    with pytest.warns(TableWarning, match=f"where a patient was treated: '{name}'.*site="):
        block = ClinicalAdapter().fit_transform(table(**{name: codes * 30}))
    assert sum(feature.startswith(f"{name}=") for feature in block.names) == 3


def test_the_site_in_tcga_barcodes_is_known_under_any_name() -> None:
    sites = ["05", "44", "A7", "55"] * 10
    ids = [f"TCGA-{site}-{number:04d}" for number, site in enumerate(sites)]
    frame = pd.DataFrame({"code": ["5", "44", "a7", "55"] * 10, "age": range(40)}, ids)
    with pytest.warns(TableWarning, match="treated: 'code'"):
        ClinicalAdapter().fit(frame)


def test_declaring_a_site_says_that_it_is_meant() -> None:
    ClinicalAdapter(categorical=["hospital"]).fit(table(hospital=["A", "B", "C"] * 30))


def test_ordered_categories_are_numbers_in_their_order() -> None:
    levels = ["none", "mild", "severe"]
    cells = pd.Categorical(["mild", "severe", "none", "mild"] * 10, levels, ordered=True)
    fitted = ClinicalAdapter().fit(table(pain=cells))
    new = pd.DataFrame({"age": 1, "pain": ["Severe", "mild", "none"]}, ["a", "b", "c"])
    block = fitted.transform(new)
    assert block.names == ("age", "pain")
    assert np.argsort(block.values[:, 1]).tolist() == [2, 1, 0]


def test_a_declared_level_may_be_called_like_a_placeholder() -> None:
    cells = ["unknown", "no", "yes", "yes"] * 5
    adapter = ClinicalAdapter(ordinal={"smoker": ["no", "unknown", "yes"]})
    assert adapter.fit_transform(table(smoker=cells)).names == ("age", "smoker")


@pytest.mark.parametrize(("patients", "kept"), [(400, 8), (200, 4), (40, 2)])
def test_a_level_needs_patients_and_no_share(patients: int, kept: int) -> None:
    for count, is_kept in ((kept, True), (kept - 1, False)):
        cells = ["rare"] * count + ["a", "b"] * ((patients - count) // 2)
        cells += ["a"] * (patients - len(cells))
        names = ClinicalAdapter(min_patients=10).fit_transform(table(x=cells)).names
        assert ("x=rare" in names) == is_kept, names


def test_days_that_a_spreadsheet_made_of_levels_are_named() -> None:
    with pytest.warns(TableWarning, match=r"spreadsheet made .*: 'nodes' \(1: '4-Mar'\)"):
        ClinicalAdapter().fit(table(nodes=["0", "1-3", "4-Mar"] * 20))
